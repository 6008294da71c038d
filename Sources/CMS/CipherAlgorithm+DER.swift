import DER
import DeviceCrypto
import PKIX

extension CipherAlgorithm {
    var identifier: ObjectIdentifier {
        switch self {
        case .aes128CBC: .aes128CBC
        case .aes192CBC: .aes192CBC
        case .aes256CBC: .aes256CBC
        case .tripleDESCBC: .desEDE3CBC
        case .desCBC: .desCBC
        }
    }

    init?(_ identifier: borrowing DERElement) {
        var number: UInt8 = CipherAlgorithm.aes128CBC.rawValue
        while let algorithm = CipherAlgorithm(rawValue: number) {
            if identifier.isIdentifier(algorithm.identifier) {
                self = algorithm
                return
            }
            number &+= 1
        }
        return nil
    }

    /// Reads the AlgorithmIdentifier of a cipher.
    ///
    /// ```
    /// AlgorithmIdentifier ::= SEQUENCE {
    ///     algorithm   OBJECT IDENTIFIER,
    ///     parameters  OCTET STRING  -- the initialization vector (RFC 3565, 2.3; RFC 3370, 5.1) }
    /// ```
    ///
    /// - Returns: the cipher, and the offsets of its initialization vector.
    @inline(never)
    static func read(_ reader: inout DERReader) throws(DERError) -> (CipherAlgorithm, Range<Int>) {
        let algorithm = try reader.read(.sequence)
        var parameters = algorithm.reader
        guard let cipher = CipherAlgorithm(try parameters.read(.objectIdentifier)) else {
            throw DERError(.unsupportedAlgorithm, at: algorithm.start)
        }
        let iv = try parameters.read(.octetString)
        try parameters.finish()
        guard iv.content.count == cipher.blockSize else { throw DERError(.unsupportedAlgorithm, at: iv.start) }
        return (cipher, iv.content)
    }
}

extension DERWriter {
    /// Writes the AlgorithmIdentifier of a cipher.
    @inline(never)
    mutating func write(_ cipher: CipherAlgorithm, iv: Span<UInt8>) throws(DERError) {
        try write(.sequence) { (writer) throws(DERError) in
            try writer.write(.octetString, iv)
            try writer.write(cipher.identifier)
        }
    }
}

extension RSAPadding {
    /// Reads a KeyEncryptionAlgorithmIdentifier: rsaEncryption, or RSAES-OAEP, whose absent parameters mean SHA-1
    /// (RFC 8017, A.2.1). MGF1 has to use the same digest, and the label has to be empty.
    public init(_ reader: inout DERReader) throws(DERError) {
        let element = try reader.read(.sequence)
        var content = element.reader
        let identifier = try content.read(.objectIdentifier)
        if identifier.isIdentifier(.rsaEncryption) {
            _ = try content.readIfPresent(.null)
            try content.finish()
            self = .pkcs1v15
            return
        }
        guard identifier.isIdentifier(.rsaesOAEP) else { throw DERError(.unsupportedAlgorithm, at: element.start) }
        var hash = DigestAlgorithm.sha1
        if let sequence = try content.readIfPresent(.sequence) {
            var parameters = sequence.reader
            hash = try DigestAlgorithm(withMaskOf: &parameters)
            if let wrapped = try parameters.readIfPresent(.contextConstructed(2)) {
                var inner = wrapped.reader
                var source = try inner.enter()
                try inner.finish()
                let isSpecified = try source.read(.objectIdentifier).isIdentifier(.pSpecified)
                let label = try source.read(.octetString)
                try source.finish()
                guard isSpecified, label.content.isEmpty else {
                    throw DERError(.unsupportedAlgorithm, at: wrapped.start)
                }
            }
            try parameters.finish()
        } else {
            _ = try content.readIfPresent(.null)
        }
        try content.finish()
        self = .oaep(hash)
    }
}
