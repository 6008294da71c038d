import DER
import DeviceCrypto

extension DERWriter {
    /// Writes an AlgorithmIdentifier with NULL parameters, or with none (RFC 5280, 4.1.1.2).
    ///
    /// ```
    /// AlgorithmIdentifier ::= SEQUENCE {
    ///     algorithm   OBJECT IDENTIFIER,
    ///     parameters  ANY DEFINED BY algorithm OPTIONAL }
    /// ```
    @inline(never)
    public mutating func write(algorithm: ObjectIdentifier, null: Bool) throws(DERError) {
        try write(.sequence) { (writer) throws(DERError) in
            if null { try writer.writeNull() }
            try writer.write(algorithm)
        }
    }

    /// Writes the AlgorithmIdentifier of a digest: parameters absent (RFC 5754, 2).
    public mutating func write(digestAlgorithm: DigestAlgorithm) throws(DERError) {
        try write(algorithm: digestAlgorithm.identifier, null: false)
    }
}

extension DigestAlgorithm {
    public var identifier: ObjectIdentifier {
        switch self {
        case .sha1: .sha1
        case .sha256: .sha256
        case .sha384: .sha384
        case .sha512: .sha512
        }
    }

    /// Reads an AlgorithmIdentifier of a digest; parameters are absent or NULL (RFC 5754, 2).
    public init(_ reader: inout DERReader) throws(DERError) {
        let start = reader.position
        let identifier = try readAlgorithmIdentifier(&reader)
        var number: UInt8 = DigestAlgorithm.sha1.rawValue
        while let digest = DigestAlgorithm(rawValue: number) {
            if identifier.isIdentifier(digest.identifier) {
                self = digest
                return
            }
            number &+= 1
        }
        throw DERError(.unsupportedAlgorithm, at: start)
    }
}

/// Reads an AlgorithmIdentifier whose parameters are absent or NULL.
///
/// - Returns: the identifier.
@_lifetime(copy reader)
@inline(never)
private func readAlgorithmIdentifier(_ reader: inout DERReader) throws(DERError) -> DERElement {
    var content = try reader.enter()
    let identifier = try content.read(.objectIdentifier)
    _ = try content.readIfPresent(.null)
    try content.finish()
    return identifier
}

extension DigestAlgorithm {
    /// Reads the first two parameters of RSAES-OAEP or RSASSA-PSS, hashAlgorithm and maskGenAlgorithm, of which either
    /// absent means SHA-1 (RFC 4055, 3.1 and 4.1).
    ///
    /// ```
    /// RSASSA-PSS-params ::= SEQUENCE {
    ///     hashAlgorithm     [0] HashAlgorithm DEFAULT sha1Identifier,
    ///     maskGenAlgorithm  [1] MaskGenAlgorithm DEFAULT mgf1SHA1Identifier,
    ///     saltLength        [2] INTEGER DEFAULT 20,
    ///     trailerField      [3] INTEGER DEFAULT 1 }
    ///
    /// RSAES-OAEP-params ::= SEQUENCE {
    ///     hashFunc     [0] AlgorithmIdentifier DEFAULT sha1Identifier,
    ///     maskGenFunc  [1] AlgorithmIdentifier DEFAULT mgf1SHA1Identifier,
    ///     pSourceFunc  [2] AlgorithmIdentifier DEFAULT pSpecifiedEmptyIdentifier }
    /// ```
    ///
    /// - Throws: ``DER/DERError``: `unsupportedAlgorithm` unless the mask is MGF1's with the same digest.
    @inline(never)
    public init(withMaskOf parameters: inout DERReader) throws(DERError) {
        let start = parameters.position
        var mask = DigestAlgorithm.sha1
        self = .sha1
        if let wrapped = try parameters.readIfPresent(.contextConstructed(0)) {
            var inner = wrapped.reader
            self = try DigestAlgorithm(&inner)
            try inner.finish()
        }
        if let wrapped = try parameters.readIfPresent(.contextConstructed(1)) {
            var inner = wrapped.reader
            var content = try inner.enter()
            try inner.finish()
            guard try content.read(.objectIdentifier).isIdentifier(.mgf1) else {
                throw DERError(.unsupportedAlgorithm, at: wrapped.start)
            }
            mask = try DigestAlgorithm(&content)
            try content.finish()
        }
        guard self == mask else { throw DERError(.unsupportedAlgorithm, at: start) }
    }
}
