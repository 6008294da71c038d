import CMS
import DER
import DeviceCrypto
import PKIX
import TestKeys
import TestSupport
import Testing

/// A message with one defect; where it is, is said by the bytes that stand there.
struct Defect: Sendable, CustomTestStringConvertible {
    let testDescription: String
    let der: [UInt8]
    let kind: DERError.Kind
    let place: [UInt8]

    init(_ name: String, _ kind: DERError.Kind, at place: String, _ der: [UInt8]) {
        testDescription = name
        self.der = der
        self.kind = kind
        self.place = [UInt8](hex: place)
    }

    func offset() throws -> Int {
        try place.isEmpty ? der.count : #require(der.firstRange(of: place)).lowerBound
    }
}

/// The parts of a SignedData, each of which can be a bad one. The signature is not one.
struct SignedParts {
    var contentType = "0609 2A864886F70D010702"
    var version = "020101"
    var digestAlgorithms = "310D 300B 0609608648016503040201"
    var content = "3013 06092A864886F70D010701 A006 0404 61626364"
    var certificates = ""
    var crls = ""
    var signers: String?
    var afterSigners = ""

    var signerVersion = "020101"
    var identifier = "3005 3000 020107"
    var digest = "300B 0609608648016503040201"
    var attributes: String?
    var signatureAlgorithm = "300D 06092A864886F70D010101 0500"
    var signature = "0404 99999999"
    var afterSignature = ""

    static let type = "3018 06092A864886F70D010903 310B 06092A864886F70D010701"
    static let digest = "302F 06092A864886F70D010904 3122 0420"
    /// The SHA-256 of `abcd`.
    static let abcd = "88d4266fd4e6338d13b845fcf289579d209c897823b9217da3e161936f031589"

    var signer: [UInt8] {
        let signed = attributes ?? Self.type + Self.digest + Self.abcd
        return
            ([UInt8](hex: signerVersion + identifier + digest) + [UInt8](hex: signed).tagged(0xA0)
            + [UInt8](hex: signatureAlgorithm + signature + afterSignature)).tagged(0x30)
    }

    /// Bytes behind the SignedData in its `[0]`, behind that, and behind everything.
    var behind = ("", "", "")

    var der: [UInt8] {
        let signerInfos = signers.map { [UInt8](hex: $0) } ?? signer.tagged(0x31)
        let signedData =
            [UInt8](hex: version + digestAlgorithms + content + certificates + crls) + signerInfos
            + [UInt8](hex: afterSigners)
        let wrapped = (signedData.tagged(0x30) + [UInt8](hex: behind.0)).tagged(0xA0)
        return ([UInt8](hex: contentType) + wrapped + [UInt8](hex: behind.1)).tagged(0x30) + [UInt8](hex: behind.2)
    }

    static func changed(_ change: (inout SignedParts) -> Void) -> [UInt8] {
        var parts = SignedParts()
        change(&parts)
        return parts.der
    }
}

@Suite struct SignedDataDefectTests {
    static let unreadable: [Defect] = [
        Defect("not a ContentInfo", .unexpectedTag, at: "3100", [0x31, 0x00]),
        Defect("an empty ContentInfo", .truncated, at: "", [0x30, 0x00]),
        Defect(
            "another content type", .unexpectedContentType, at: "06092A864886F70D010703",
            SignedParts.changed {
                $0.contentType = "0609 2A864886F70D010703"
            }),
        Defect("version 6", .invalidInteger, at: "020106", SignedParts.changed { $0.version = "020106" }),
        Defect(
            "no digest algorithms", .unexpectedTag, at: "3013 0609",
            SignedParts.changed {
                $0.digestAlgorithms = ""
            }),
        Defect(
            "another type of content", .unexpectedContentType, at: "06092A864886F70D010706",
            SignedParts.changed {
                $0.content = "3013 06092A864886F70D010706 A006 0404 61626364"
            }),
        Defect(
            "content not in an octet string", .unexpectedTag, at: "0C0461626364",
            SignedParts.changed {
                $0.content = "3013 06092A864886F70D010701 A006 0C04 61626364"
            }),
        Defect(
            "two contents", .trailingBytes, at: "040178",
            SignedParts.changed {
                $0.content = "3013 06092A864886F70D010701 A006 0401 77 0401 78"
            }),
        Defect(
            "bytes behind the content", .trailingBytes, at: "040178",
            SignedParts.changed {
                $0.content = "3013 06092A864886F70D010701 A003 040177 040178"
            }),
        Defect(
            "bytes behind the signers", .trailingBytes, at: "0C0178",
            SignedParts.changed {
                $0.afterSigners = "0C0178"
            }),
        Defect(
            "two signers", .notOneSigner, at: "3181F6",
            {
                let signer = SignedParts().signer
                return SignedParts.changed { $0.signers = (signer + signer).tagged(0x31).hex }
            }()),
        Defect(
            "a signer of version 4", .invalidInteger, at: "020104",
            SignedParts.changed {
                $0.signerVersion = "020104"
            }),
        Defect(
            "a signer without a name", .unexpectedTag, at: "8177",
            SignedParts.changed {
                $0.identifier = "8177" + String(repeating: "77", count: 0x77)
            }),
        Defect(
            "a name without a number", .truncated, at: "300B06096086480165030402 01A0",
            SignedParts.changed {
                $0.identifier = "3002 3000"
            }),
        Defect(
            "an unknown digest", .unsupportedAlgorithm, at: "300B 0609608648016503040204",
            SignedParts.changed {
                $0.digest = "300B 0609608648016503040204"
            }),
        Defect(
            "MD5", .unsupportedAlgorithm, at: "300C 06082A864886F70D0205 0500",
            SignedParts.changed {
                $0.digest = "300C 06082A864886F70D0205 0500"
            }),
        Defect(
            "a digest with parameters", .trailingBytes, at: "020188",
            SignedParts.changed {
                $0.digest = "300E 0609608648016503040201 020188"
            }),
        Defect(
            "no attributes", .unexpectedTag, at: "300D 06092A864886F70D010101",
            {
                let signer = [UInt8](
                    hex:
                        "301D 020101 3005 3000 020107 300B 0609608648016503040201 300D 06092A864886F70D010101 0500 0400"
                ).dropFirst(2)
                return SignedParts.changed { $0.signers = Array(signer).tagged(0x30).tagged(0x31).hex }
            }()),
        Defect(
            "an unknown signature", .unsupportedAlgorithm, at: "300D 06092A864886F70D010104",
            SignedParts.changed {
                $0.signatureAlgorithm = "300D 06092A864886F70D010104 0500"
            }),
        Defect(
            "a signature with another digest", .unsupportedAlgorithm, at: "300D 06092A864886F70D01010D",
            SignedParts.changed { $0.signatureAlgorithm = "300D 06092A864886F70D01010D 0500" }),
        Defect(
            "a signature with parameters", .trailingBytes, at: "020188",
            SignedParts.changed {
                $0.signatureAlgorithm = "300E 06092A864886F70D010101 020188"
            }),
        Defect(
            "a signature in bits", .unexpectedTag, at: "0302 0099",
            SignedParts.changed {
                $0.signature = "0302 0099"
            }),
        Defect(
            "bytes behind the signature", .trailingBytes, at: "0C0178",
            SignedParts.changed {
                $0.afterSignature = "0C0178"
            }),
        Defect(
            "bytes behind the signer's name and number", .trailingBytes, at: "0C0178",
            SignedParts.changed { $0.identifier = "3008 3000 020107 0C0178" }),
        Defect(
            "rsaEncryption with a curve", .trailingBytes, at: "06082A8648CE3D030107",
            SignedParts.changed { $0.signatureAlgorithm = "3015 06092A864886F70D010101 06082A8648CE3D030107" }),
        Defect(
            "id-ecPublicKey with NULL and a curve", .trailingBytes, at: "06082A8648CE3D030107",
            SignedParts.changed { $0.signatureAlgorithm = "3015 06072A8648CE3D0201 0500 06082A8648CE3D030107" }),
    ]

    @Test(arguments: unreadable) func isRefused(_ defect: Defect) throws {
        #expect(throws: DERError(defect.kind, at: try defect.offset())) {
            try readingSignedData(defect.der) { _, _ in }
        }
    }

    private static func with(attributes: String...) -> [UInt8] {
        SignedParts.changed { $0.attributes = attributes.joined() }
    }

    static let unverifiable: [Defect] = [
        Defect(
            "no contentType", .attributeMissing, at: SignedParts.digest,
            with(attributes: SignedParts.digest, SignedParts.abcd)),
        Defect("no messageDigest", .attributeMissing, at: SignedParts.type, with(attributes: SignedParts.type)),
        Defect(
            "another contentType", .unexpectedContentType, at: "06092A864886F70D010703",
            with(
                attributes: "3018 06092A864886F70D010903 310B 06092A864886F70D010703", SignedParts.digest,
                SignedParts.abcd)),
        Defect(
            "a contentType of text", .unexpectedTag, at: "0C0161",
            with(attributes: "3010 06092A864886F70D010903 3103 0C0161", SignedParts.digest, SignedParts.abcd)),
        Defect(
            "two contentTypes", .duplicate, at: SignedParts.type + SignedParts.digest,
            with(
                attributes: "3018 06092A864886F70D010903 310B 06092A864886F70D010706", SignedParts.type,
                SignedParts.digest, SignedParts.abcd)),
        Defect(
            "a contentType without a value", .truncated, at: SignedParts.digest,
            with(attributes: "300D 06092A864886F70D010903 3100", SignedParts.digest, SignedParts.abcd)),
        Defect(
            "a contentType of two values", .trailingBytes, at: "0600 302F",
            with(
                attributes: "301A 06092A864886F70D010903 310D 06092A864886F70D010701 0600", SignedParts.digest,
                SignedParts.abcd)),
        Defect(
            "bytes behind the values", .trailingBytes, at: "0500 0C00",
            with(
                attributes: "3011 06092A864886F70D010903 3100 0500 0C00", SignedParts.digest, SignedParts.abcd)),
        Defect(
            "an attribute that is none", .unexpectedTag, at: "0C0155",
            with(attributes: "0C0155", SignedParts.type, SignedParts.digest, SignedParts.abcd)),
        Defect(
            "the digest of something else", .digestMismatch, at: "0420 77d4266f",
            with(
                attributes: SignedParts.type, SignedParts.digest,
                "77" + SignedParts.abcd.dropFirst(2))),
        Defect(
            "a digest that is too short", .digestMismatch, at: "041F 88d4266f",
            with(
                attributes: SignedParts.type, "302E 06092A864886F70D010904 3121 041F",
                String(SignedParts.abcd.dropLast(2)))),
        Defect(
            "an empty digest", .digestMismatch, at: "0400 300D",
            with(attributes: SignedParts.type, "300F 06092A864886F70D010904 3102 0400")),
        Defect("a wrong signature", .crypto(.invalidSignature), at: SignedParts().signer.hex, SignedParts().der),
        Defect(
            "a signature of the other scheme", .crypto(.invalidSignature), at: "3076 020101",
            SignedParts.changed { $0.signatureAlgorithm = "300A 06082A8648CE3D040302" }),
    ]

    /// A ContentInfo has one content and ends with it (RFC 5652, 3); read as it stands, without what turns BER into DER
    /// before.
    @Test(arguments: [("0C0178", "", ""), ("", "0C0178", ""), ("", "", "0C0178")])
    func bytesBehindTheEnd(behind: (String, String, String)) throws {
        let der = SignedParts.changed { $0.behind = behind }
        let offset = try #require(der.firstRange(of: [0x0C, 0x01, 0x78])).lowerBound
        #expect(throws: DERError(.trailingBytes, at: offset)) { _ = try SignedData(der.span, in: der.indices) }
    }

    @Test(arguments: unverifiable) func isNotVerified(_ defect: Defect) throws {
        let certificate = try OpenSSLIdentity.authority.der
        let offset = try defect.offset()
        try readingSignedData(defect.der) { signedData, _ in
            let key = try Certificate(certificate.span).subjectPublicKeyInfo
            #expect(throws: DERError(defect.kind, at: offset + 2)) { try signedData.verify(with: key) }
        }
    }
}

/// The parts of an EnvelopedData.
struct EnvelopedParts {
    var contentType = "0609 2A864886F70D010703"
    var version = "020100"
    var originator = ""
    var recipients: String?
    var recipientVersion = "020100"
    var identifier = "3005 3000 020107"
    var keyAlgorithm = "300D 06092A864886F70D010101 0500"
    var encryptedKey = "0404 99999999"
    var afterKey = ""
    var type = "06092A864886F70D010701"
    var cipher = "301D 0609608648016503040102 0410 000102030405060708090A0B0C0D0E0F"
    var content = "8010 101112131415161718191A1B1C1D1E1F"
    var afterContent = ""
    var unprotected = ""
    var after = ""

    var recipient: [UInt8] {
        [UInt8](hex: recipientVersion + identifier + keyAlgorithm + encryptedKey + afterKey).tagged(0x30)
    }

    var der: [UInt8] {
        let enveloped =
            [UInt8](hex: version + originator) + (recipients.map { [UInt8](hex: $0) } ?? recipient.tagged(0x31))
            + [UInt8](hex: type + cipher + content + afterContent).tagged(0x30) + [UInt8](hex: unprotected + after)
        return ([UInt8](hex: contentType) + enveloped.tagged(0x30).tagged(0xA0)).tagged(0x30)
    }

    static func changed(_ change: (inout EnvelopedParts) -> Void) -> [UInt8] {
        var parts = EnvelopedParts()
        change(&parts)
        return parts.der
    }
}

/// The AlgorithmIdentifier of RSAES-OAEP with all of its parameters at their defaults (RFC 8017, A.2.1), in hexadecimal.
///
/// - Parameter source: content of PSourceAlgorithm.
func oaep(
    source: String = "06092A864886F70D010109 0400", behindSource: String = "", lastParameter: String = "",
    behind: String = ""
) -> String {
    let sha1 = [UInt8](hex: "3009 06052B0E03021A 0500")
    let mask = ([UInt8](hex: "06092A864886F70D010108") + sha1).tagged(0x30)
    let label = ([UInt8](hex: source).tagged(0x30) + [UInt8](hex: behindSource)).tagged(0xA2)
    let parameters = sha1.tagged(0xA0) + mask.tagged(0xA1) + label + [UInt8](hex: lastParameter)
    let algorithm = [UInt8](hex: "06092A864886F70D010107") + parameters.tagged(0x30) + [UInt8](hex: behind)
    return algorithm.tagged(0x30).hex
}

@Suite struct EnvelopedDataDefectTests {
    static let defects: [Defect] = [
        Defect(
            "another content type", .unexpectedContentType, at: "06092A864886F70D010702",
            EnvelopedParts.changed {
                $0.contentType = "0609 2A864886F70D010702"
            }),
        Defect("version 5", .invalidInteger, at: "020105", EnvelopedParts.changed { $0.version = "020105" }),
        Defect("no recipients", .notOneRecipient, at: "3100", EnvelopedParts.changed { $0.recipients = "3100" }),
        Defect(
            "two recipients", .notOneRecipient, at: "3142",
            {
                let recipient = EnvelopedParts().recipient
                return EnvelopedParts.changed { $0.recipients = (recipient + recipient).tagged(0x31).hex }
            }()),
        Defect(
            "key agreement", .unsupportedAlgorithm, at: "A103 020103",
            EnvelopedParts.changed {
                $0.recipients = "3105 A103 020103"
            }),
        Defect(
            "a recipient of version 3", .invalidInteger, at: "020103",
            EnvelopedParts.changed {
                $0.recipientVersion = "020103"
            }),
        Defect(
            "a recipient without a name", .unexpectedTag, at: "810177",
            EnvelopedParts.changed {
                $0.identifier = "810177"
            }),
        Defect(
            "an unknown transport", .unsupportedAlgorithm, at: "300D 06092A864886F70D010102",
            EnvelopedParts.changed {
                $0.keyAlgorithm = "300D 06092A864886F70D010102 0500"
            }),
        Defect(
            "a transport with parameters", .trailingBytes, at: "020188",
            EnvelopedParts.changed {
                $0.keyAlgorithm = "300E 06092A864886F70D010101 020188"
            }),
        Defect(
            "OAEP with an unknown digest", .unsupportedAlgorithm, at: "300B 0609608648016503040204",
            EnvelopedParts.changed {
                $0.keyAlgorithm = "301C 06092A864886F70D010107 300F A00D 300B 0609608648016503040204"
            }),
        Defect(
            "OAEP with an unknown mask", .unsupportedAlgorithm, at: "A10F 300D 06092A864886F70D010109",
            EnvelopedParts.changed {
                $0.keyAlgorithm = "301E 06092A864886F70D010107 3011 A10F 300D 06092A864886F70D010109 3000"
            }),
        Defect(
            "OAEP with another source of the label", .unsupportedAlgorithm, at: "A20F 300D 06092A864886F70D01010A",
            EnvelopedParts.changed { $0.keyAlgorithm = oaep(source: "06092A864886F70D01010A 0400") }),
        Defect(
            "OAEP with a label", .unsupportedAlgorithm, at: "A210 300E 06092A864886F70D010109",
            EnvelopedParts.changed { $0.keyAlgorithm = oaep(source: "06092A864886F70D010109 040177") }),
        Defect(
            "OAEP, bytes behind the label", .trailingBytes, at: "0C0177",
            EnvelopedParts.changed { $0.keyAlgorithm = oaep(source: "06092A864886F70D010109 0400 0C0177") }),
        Defect(
            "OAEP, bytes behind the label's source", .trailingBytes, at: "0C0177",
            EnvelopedParts.changed { $0.keyAlgorithm = oaep(behindSource: "0C0177") }),
        Defect(
            "OAEP, bytes behind the parameters", .trailingBytes, at: "0C0177",
            EnvelopedParts.changed { $0.keyAlgorithm = oaep(lastParameter: "0C0177") }),
        Defect(
            "OAEP, bytes behind the algorithm", .trailingBytes, at: "0C0177",
            EnvelopedParts.changed { $0.keyAlgorithm = oaep(behind: "0C0177") }),
        Defect(
            "a key that is none", .unexpectedTag, at: "030499999999",
            EnvelopedParts.changed {
                $0.encryptedKey = "030499999999"
            }),
        Defect(
            "bytes behind the key", .trailingBytes, at: "0C0177",
            EnvelopedParts.changed {
                $0.afterKey = "0C0177"
            }),
        Defect(
            "another type of content", .unexpectedContentType, at: "06092A864886F70D010702",
            EnvelopedParts.changed { $0.type = "06092A864886F70D010702" }),
        Defect(
            "an unknown cipher", .unsupportedAlgorithm, at: "301D 0609608648016503040101",
            EnvelopedParts.changed {
                $0.cipher = "301D 0609608648016503040101 0410 000102030405060708090A0B0C0D0E0F"
            }),
        Defect(
            "GCM", .unsupportedAlgorithm, at: "301E 0609608648016503040106",
            EnvelopedParts.changed {
                $0.cipher = "301E 0609608648016503040106 3011 040C 000102030405060708090A0B 020110"
            }),
        Defect(
            "no vector", .truncated, at: "8010 1011",
            EnvelopedParts.changed {
                $0.cipher = "300B 0609608648016503040102"
            }),
        Defect(
            "a vector that is too short", .unsupportedAlgorithm, at: "040F 0001",
            EnvelopedParts.changed {
                $0.cipher = "301C 0609608648016503040102 040F 000102030405060708090A0B0C0D0E"
            }),
        Defect(
            "a vector of the other block size", .unsupportedAlgorithm, at: "0410 0001",
            EnvelopedParts.changed {
                $0.cipher = "301C 06082A864886F70D0307 0410 000102030405060708090A0B0C0D0E0F"
            }),
        Defect(
            "bytes behind the vector", .trailingBytes, at: "020188",
            EnvelopedParts.changed {
                $0.cipher = "3020 0609608648016503040102 0410 000102030405060708090A0B0C0D0E0F 020188"
            }),
        Defect("no content", .truncated, at: "", EnvelopedParts.changed { $0.content = "" }),
        Defect(
            "content with another tag", .unexpectedTag, at: "0410 1011",
            EnvelopedParts.changed {
                $0.content = "0410 101112131415161718191A1B1C1D1E1F"
            }),
        Defect(
            "bytes behind the content", .trailingBytes, at: "0C0177",
            EnvelopedParts.changed {
                $0.afterContent = "0C0177"
            }),
        Defect(
            "bytes behind everything", .trailingBytes, at: "0C0177",
            EnvelopedParts.changed {
                $0.after = "0C0177"
            }),
        Defect(
            "pieces that are none", .unexpectedTag, at: "0C0177",
            EnvelopedParts.changed {
                $0.content = "A008 0403 101112 0C0177"
            }),
        // From here on the content is there, and cannot be opened.
        Defect("no octets", .crypto(.decryptionFailed), at: "", EnvelopedParts.changed { $0.content = "8000" }),
        Defect("no pieces", .crypto(.decryptionFailed), at: "", EnvelopedParts.changed { $0.content = "A000" }),
        Defect(
            "half a block", .crypto(.decryptionFailed), at: "1011121314151617",
            EnvelopedParts.changed {
                $0.content = "8008 1011121314151617"
            }),
        Defect("a key of another length", .crypto(.decryptionFailed), at: "101112131415161718", EnvelopedParts().der),
        Defect(
            "OAEP by default", .crypto(.decryptionFailed), at: "101112131415161718",
            EnvelopedParts.changed {
                $0.keyAlgorithm = "300D 06092A864886F70D010107 3000"
            }),
        Defect(
            "a key above the modulus", .crypto(.decryptionFailed), at: "101112131415161718",
            EnvelopedParts.changed { $0.encryptedKey = "04820100" + String(repeating: "FF", count: 256) }),
    ]

    @Test(arguments: defects) func isRefused(_ defect: Defect) throws {
        var key = try TestKey.rsa.rsaPrivateKey()
        #expect(throws: DERError(defect.kind, at: try defect.offset())) { try opened(defect.der, &key) }
    }
}
