import Bytes
import CMS
import DER
import DeviceCrypto
import PKIX
import TestSupport

/// A certificate, any part of which can be another.
struct CertificateParts {
    var serialNumber: [UInt8] = [7]
    var issuer = Authority.rootName
    var notBefore = [UInt8]("240101000000Z")
    var notAfter = [UInt8]("340101000000Z")
    var subject = Authority.name("CN=sensor")
    /// The number of the ``SmoothKey`` that it certifies, and that signs it.
    var key = 2
    var signer = 0
    var digest = DigestAlgorithm.sha256
    /// Extensions, one after the other.
    var extensions: [UInt8] = []

    var encoding: [UInt8] {
        let version: [UInt8] = [0xA0, 0x03, 0x02, 0x01, 0x02]
        let validity = notBefore.tagged(.utcTime) + notAfter.tagged(.utcTime)
        let wrapped = extensions.isEmpty ? [] : extensions.tagged(.sequence).tagged(.contextConstructed(3))
        let content =
            version + serialNumber.tagged(.integer) + Authority.algorithm(digest) + issuer
            + validity.tagged(.sequence) + subject + Authority.publicKeys[key] + wrapped
        return Authority.sign(content.tagged(.sequence), by: signer, digest)
    }
}

/// The fuzzers' certificate authority: a root, a registration authority under it, and what they sign.
enum Authority {
    static let rootName = name("CN=Root,O=Example")
    static let publicKeys = (0..<SmoothKey.count).map { number in
        writing(capacity: 512) { writer throws(DERError) in
            var key = SmoothKey(number)
            try writer.write(publicKeyOf: &key)
        }
    }

    static let basicConstraints = [UInt8](hex: "300F 0603551D13 0101FF 0405 30030101FF")
    static let caKeyUsage = [UInt8](hex: "300E 0603551D0F 0101FF 0404 03020186")
    static let keyUsage = [UInt8](hex: "300E 0603551D0F 0101FF 0404 030205A0")
    /// cmcRA
    static let extendedKeyUsage = [UInt8](hex: "3013 0603551D25 040C 300A 0608 2B0601050507031C")

    static let root = CertificateParts(
        serialNumber: [1], subject: rootName, key: 0, extensions: basicConstraints + caKeyUsage
    ).encoding
    static let registration = CertificateParts(
        serialNumber: [2], subject: name("CN=RA,O=Example"), key: 1, extensions: keyUsage + extendedKeyUsage
    ).encoding
    /// Of both of a device's keys: it takes the one that it asked for.
    static let devices = [2, 3].map { CertificateParts(key: $0, extensions: keyUsage).encoding }
    /// Those that a device trusts.
    static let trusted = root + registration

    static let fingerprint = Array(Hash.digest(.sha256, of: root.span).bytes.array.hex.uppercased().utf8)

    static func name(_ text: StaticString) -> [UInt8] {
        writing(capacity: 256) { writer throws(DERError) in try writer.write(name: span(of: text)) }
    }

    /// An AlgorithmIdentifier of RSASSA-PKCS1-v1_5.
    static func algorithm(_ digest: DigestAlgorithm) -> [UInt8] {
        let last: UInt8 =
            switch digest {
            case .sha1: 5
            case .sha256: 11
            case .sha384: 12
            case .sha512: 13
            }
        return ([UInt8](hex: "0609 2A864886F70D0101") + [last, 0x05, 0x00]).tagged(.sequence)
    }

    /// `SIGNED` (RFC 5280, 4.1.1).
    static func sign(_ content: [UInt8], by signer: Int, _ digest: DigestAlgorithm = .sha256) -> [UInt8] {
        let signature = writing(capacity: 512) { writer throws(DERError) in
            var key = SmoothKey(signer)
            var random = seededRandom()
            try writer.write(signatureOver: Hash.digest(digest, of: content.span), &key, &random)
        }
        return (content + algorithm(digest) + ([0] + signature).tagged(.bitString)).tagged(.sequence)
    }

    /// A CRL of the root's.
    ///
    /// - Parameters:
    ///   - entries: revokedCertificates without their SEQUENCE.
    ///   - extensions: of the list, one after the other.
    static func revocationList(
        entries: [UInt8], extensions: [UInt8] = [], nextUpdate: [UInt8] = [UInt8]("340101000000Z")
    ) -> [UInt8] {
        let dates = [UInt8]("240101000000Z").tagged(.utcTime) + nextUpdate.tagged(.utcTime)
        let content =
            [0x02, 0x01, 0x01] + algorithm(.sha256) + rootName + dates
            + (entries.isEmpty ? [] : entries.tagged(.sequence))
            + (extensions.isEmpty ? [] : extensions.tagged(.sequence).tagged(.contextConstructed(0)))
        return sign(content.tagged(.sequence), by: 0)
    }

    /// A SignedData without a signer (RFC 8894, 3.4).
    static func certificatesOnly(certificates: [UInt8] = [], crls: [UInt8] = []) -> [UInt8] {
        let data = [UInt8](hex: "0609 2A864886F70D010701").tagged(.sequence)
        let content =
            [0x02, 0x01, 0x01, 0x31, 0x00] + data
            + (certificates.isEmpty ? [] : certificates.tagged(.contextConstructed(0)))
            + (crls.isEmpty ? [] : crls.tagged(.contextConstructed(1))) + [0x31, 0x00]
        return ([UInt8](hex: "0609 2A864886F70D010702") + content.tagged(.sequence).tagged(.contextConstructed(0)))
            .tagged(.sequence)
    }

    /// An EnvelopedData for the key in `certificate`; empty if that cannot be done.
    static func envelop(
        _ content: [UInt8], for certificate: [UInt8], _ cipher: CipherAlgorithm = .aes128CBC
    ) -> [UInt8] {
        writing(capacity: content.count + 1024) { writer throws(DERError) in
            var random = seededRandom()
            let end = try writer.beginEnvelope()
            try writer.write(bytes: content.span)
            try writer.wrapEnvelopedData(
                from: end, for: Certificate(certificate.span), password: Span(), cipher: cipher, random: &random)
        }
    }

    /// A SignedData around `content`; empty if that cannot be done.
    ///
    /// - Parameters:
    ///   - attributes: to sign besides contentType and messageDigest, one after the other.
    ///   - certificate: that goes with it, and names the signer.
    static func signedData(
        _ content: [UInt8], attributes: [UInt8] = [], by signer: Int, certificate: [UInt8],
        _ digest: DigestAlgorithm = .sha256
    ) -> [UInt8] {
        let capacity = content.count + attributes.count + certificate.count + 2048
        return writing(capacity: capacity) { writer throws(DERError) in
            var key = SmoothKey(signer)
            var random = seededRandom()
            try writer.write(bytes: content.span)
            let end = writer.front
            try writer.write(bytes: certificate.span)
            let range = writer.front..<end
            try writer.write(bytes: attributes.span)
            try writer.wrapSignedData(from: capacity, certificate: range, digest: digest, key: &key, random: &random)
        }
    }

    static func attribute(_ type: String, _ tag: Tag, _ value: [UInt8]) -> [UInt8] {
        writing(capacity: value.count + 64) { writer throws(DERError) in
            try writer.write(tag, value.span)
            try writer.wrap(.set, from: value.count + 64)
            let text = Array(type.utf8)
            try writer.write(identifierText: text.span)
            try writer.wrap(.sequence, from: value.count + 64)
        }
    }
}

/// The same in every run.
func seededRandom() -> RandomGenerator {
    var random = RandomGenerator()
    let seed = [UInt8](repeating: 0x5A, count: 48)
    _ = try? random.seed(seed.span, personalization: Span())
    return random
}
