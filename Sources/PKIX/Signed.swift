import Bytes
import DER
import DeviceCrypto

/// What an authority signed, a certificate or a CRL: `SIGNED` (RFC 5280, 4.1.1 and 5.1.1).
///
/// ```
/// SIGNED{ToBeSigned} ::= SEQUENCE {
///     toBeSigned           ToBeSigned,
///     algorithmIdentifier  AlgorithmIdentifier,
///     encrypted            BIT STRING }
/// ```
public struct Signed: ~Escapable {
    let bytes: Span<UInt8>
    /// Offsets of the whole in the buffer that it was read from.
    public let range: Range<Int>
    /// Offsets of the part that is signed.
    let content: Range<Int>
    private let signature: Range<Int>
    /// Nil for one that is unknown here: what it signed can be read, and pinned, and is never verified.
    public let algorithm: SignatureAlgorithm?
    private let algorithmRange: Range<Int>

    /// Reads the next element of `reader`.
    @_lifetime(copy reader)
    @inline(never)
    init(_ reader: inout DERReader) throws(DERError) {
        let whole = try reader.read(.sequence)
        bytes = whole.bytes
        range = whole.range
        var outer = whole.reader
        content = try outer.read(.sequence).range
        let identifier = try outer.read(.sequence)
        algorithmRange = identifier.range
        var again = DERReader(bytes, in: algorithmRange)
        algorithm = try? SignatureAlgorithm(&again)
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

    /// Reads the algorithm within what is signed, which is the same, byte for byte (RFC 5280, 4.1.1.2).
    @inline(never)
    func readAlgorithm(_ reader: inout DERReader) throws(DERError) {
        let inner = try reader.read(.sequence)
        guard areEqual(inner.encoding, part(algorithmRange)) else {
            throw DERError(.unsupportedAlgorithm, at: algorithmRange.lowerBound)
        }
    }

    /// Verifies that the holder of `issuerKey` signed this.
    ///
    /// - Throws: `.unsupported` for an algorithm that is unknown here; `.invalidSignature`; `.invalidKey`.
    @inline(never)
    public func verify(signedBy issuerKey: borrowing SubjectPublicKeyInfo) throws(CryptoError) {
        guard let algorithm else { throw .unsupported }
        let digest = Hash.digest(algorithm.digest, of: part(content))
        try issuerKey.verify(part(signature), scheme: algorithm.scheme, digest: digest)
    }
}
