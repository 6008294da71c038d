import Bytes
import DER
import DeviceCrypto

/// The certificate under which a device signs before it has one from a CA (RFC 8894, 2.3).
///
/// ```
/// TBSCertificate ::= SEQUENCE {
///     version [0] EXPLICIT INTEGER { v3(2) },
///     serialNumber INTEGER, signature AlgorithmIdentifier, issuer Name, validity Validity, subject Name,
///     subjectPublicKeyInfo SubjectPublicKeyInfo,
///     extensions [3] EXPLICIT Extensions }
/// ```
///
/// The one extension is keyUsage (RFC 5280, 4.2.1.3).
///
/// It is made anew for every message rather than kept: the same key, subject and serial number give the same bytes
/// with RSA, and with any key the same issuer and serial number, which is what a reply is addressed to.
public struct SelfSignedCertificate: ~Escapable {
    /// Subject and issuer, as ``DER/DERWriter/write(name:)`` has it.
    public let subject: Span<UInt8>
    /// Unsigned, big-endian, 1 to 20 bytes, not zero.
    public let serialNumber: Span<UInt8>

    @_lifetime(copy subject, copy serialNumber)
    public init(subject: Span<UInt8>, serialNumber: Span<UInt8>) {
        self.subject = subject
        self.serialNumber = serialNumber
    }

    /// Writes the certificate. It is valid from 2000 to 2049, since the device may not know the time.
    public func write<Key: PrivateKey & ~Copyable>(
        to writer: inout DERWriter, key: inout Key, digest: DigestAlgorithm, random: inout RandomGenerator
    ) throws(DERError) {
        let scheme = key.signatureScheme
        let usage = KeyUsage.digitalSignature
        try writer.writeSigned(digest, &key, &random) { (writer, key) throws(DERError) in
            try writer.write(.contextConstructed(3)) { (writer) throws(DERError) in
                try writer.write(.sequence) { (writer) throws(DERError) in
                    try writer.write(keyUsage: scheme == .rsa ? usage.union(.keyEncipherment) : usage)
                }
            }
            try writer.write(publicKeyOf: &key)
            try writer.write(name: subject)
            try writer.write(.sequence) { (writer) throws(DERError) in
                try writer.write(.utcTime, span(of: "491231235959Z"))
                try writer.write(.utcTime, span(of: "000101000000Z"))
            }
            try writer.write(name: subject)
            try writer.write(
                algorithm: SignatureAlgorithm(scheme: scheme, digest: digest).identifier, null: scheme == .rsa)
            try writer.write(unsignedInteger: serialNumber)
            try writer.write(.contextConstructed(0)) { (writer) throws(DERError) in try writer.write(integer: 2) }
        }
    }
}
