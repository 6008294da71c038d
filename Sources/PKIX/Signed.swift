import DER
import DeviceCrypto

/// What an authority signed, a certificate or a CRL: `SIGNED` (RFC 5280, 4.1.1 and 5.1.1).
public struct Signed: ~Escapable {
    let bytes: Span<UInt8>
    /// Offsets of the whole in the buffer that it was read from.
    public let range: Range<Int>
    /// Offsets of the part that is signed.
    let content: Range<Int>
    private let signature: Range<Int>
    public let algorithm: SignatureAlgorithm
    private let algorithmStart: Int

    /// Reads the next element of `reader`.
    @_lifetime(copy reader)
    @inline(never)
    init(_ reader: inout DERReader) throws(DERError) {
        let whole = try reader.read(.sequence)
        bytes = whole.bytes
        range = whole.range
        var outer = whole.reader
        content = try outer.read(.sequence).range
        algorithmStart = outer.position
        algorithm = try SignatureAlgorithm(&outer)
        let bits = try outer.read(.bitString)
        _ = try bits.bitStringBytes()
        signature = (bits.content.lowerBound &+ 1)..<bits.content.upperBound
        try outer.finish()
    }

    /// The whole.
    public var encoding: Span<UInt8> {
        @_lifetime(copy self) get { part(range) }
    }

    @_lifetime(copy self)
    @inline(never)
    func part(_ range: Range<Int>) -> Span<UInt8> { bytes.extracting(range) }

    /// A reader of the part that is signed.
    var reader: DERReader {
        @_lifetime(copy self)
        get throws(DERError) {
            var outer = DERReader(bytes, in: content)
            return try outer.enter()
        }
    }

    /// Reads the algorithm within what is signed, which is the same.
    @inline(never)
    func readAlgorithm(_ reader: inout DERReader) throws(DERError) {
        guard try SignatureAlgorithm(&reader) == algorithm else {
            throw DERError(.unsupportedAlgorithm, at: algorithmStart)
        }
    }

    /// Verifies that the holder of `issuerKey` signed this.
    @inline(never)
    public func verify(signedBy issuerKey: borrowing SubjectPublicKeyInfo) throws(CryptoError) {
        let digest = Hash.digest(algorithm.digest, of: part(content))
        try issuerKey.verify(part(signature), scheme: algorithm.scheme, digest: digest)
    }
}
