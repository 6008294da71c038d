import CMS
import DER
import DeviceCrypto
import PKIX
import TestKeys
import TestSupport
import Testing

/// The forms that a message can have, read and written, as the standards have them.
@Suite struct CMSFormTests {
    // MARK: SignedData

    /// A message whose signature is openssl's.
    private func signed(with key: TestKey, _ change: (inout SignedParts) -> Void) throws -> [UInt8] {
        let attributes = SignedParts.type + SignedParts.digest + SignedParts.abcd
        let signature = try withTemporaryDirectory { directory in
            try OpenSSL.run(
                ["dgst", "-sha256", "-sign", directory.write(key.pem, to: "key")],
                input: [UInt8](hex: attributes).tagged(0x31))
        }
        return SignedParts.changed {
            $0.attributes = attributes
            $0.signature = signature.tagged(0x04).hex
            change(&$0)
        }
    }

    /// RFC 3370, 3.2; RFC 5753, 2.1.1; and what cryptlib writes.
    static let signatureAlgorithms: [(String, isEC: Bool, isNamedByKey: Bool)] = [
        ("300D 06092A864886F70D010101 0500", false, false), ("300B 06092A864886F70D010101", false, false),
        ("300D 06092A864886F70D01010B 0500", false, false), ("300A 06082A8648CE3D040302", true, false),
        ("3009 06072A8648CE3D0201", true, true), ("300B 06072A8648CE3D0201 0500", true, true),
        ("3013 06072A8648CE3D0201 06082A8648CE3D030107", true, true),
    ]

    @Test(arguments: signatureAlgorithms.indices) func signatureAlgorithm(index: Int) throws {
        let (algorithm, isEC, isNamedByKey) = Self.signatureAlgorithms[index]
        let key = isEC ? try TestKey.p256 : try TestKey.rsa
        let certificate = try OpenSSLIdentity(subject: "/CN=sensor", for: key).der
        let message = try signed(with: key) { $0.signatureAlgorithm = algorithm }
        try readingSignedData(message) { signedData, _ in
            try signedData.verify(with: try Certificate(certificate.span).subjectPublicKeyInfo)
            let (scheme, named) = (signedData.signer?.scheme, signedData.signer?.isNamedByKey)
            #expect(scheme == (isEC ? .ecdsa : .rsa) && named == isNamedByKey)
        }
    }

    /// The greatest version of RFC 5652, 5.1, and attributes that are not signed (5.3).
    @Test(arguments: ["020101 A10F 300D 06092A864886F70D010903 3100", "020105", "020103"])
    func rareParts(parts: String) throws {
        let certificate = try OpenSSLIdentity(subject: "/CN=sensor", for: TestKey.rsa).der
        let message = try signed(with: TestKey.rsa) {
            let bytes = [UInt8](hex: parts)
            $0.version = Array(bytes.prefix(3)).hex
            $0.afterSignature = Array(bytes.dropFirst(3)).hex
        }
        try readingSignedData(message) { signedData, _ in
            try signedData.verify(with: try Certificate(certificate.span).subjectPublicKeyInfo)
        }
    }

    @Test(arguments: [("1.2.840.113549.1.7.1", 1), ("1.2.840.113549.1.7.5", 5)] as [(StaticString, UInt8)])
    func otherContentType(name: StaticString, arc: UInt8) throws {
        let other = ObjectIdentifier(name)
        for type: UInt8 in [1, 5, 6] {
            let message = SignedParts.changed {
                $0.content = "3013 06092A864886F70D0107" + [type].hex + "A006 0404 61626364"
            }
            if type == 1 || type == arc {
                let isOfOtherType = try SignedData(message.span, in: message.indices, orContentOf: other).isOfOtherType
                #expect(isOfOtherType == (type != 1))
            } else {
                let place = try #require(message.firstRange(of: [UInt8](hex: "06092A864886F70D0107") + [type]))
                #expect(throws: DERError(.unexpectedContentType, at: place.lowerBound)) {
                    _ = try SignedData(message.span, in: message.indices, orContentOf: other)
                }
            }
        }
    }

    /// Issuer and serial number name a certificate together (RFC 5652, 10.2.4).
    @Test func nameOfTheSigner() throws {
        let (one, two) = (try OpenSSLIdentity.authority.der, try OpenSSLIdentity.recipient.der)
        let (first, second) = (try Certificate(one.span), try Certificate(two.span))
        let issuers = [first.issuer.array, second.issuer.array]
        let numbers = [first.serialNumber.array, second.serialNumber.array]
        #expect(issuers[0] != issuers[1] && numbers[0] != numbers[1])
        for issuer in 0..<2 {
            for number in 0..<2 {
                let message = SignedParts.changed {
                    $0.identifier = (issuers[issuer] + numbers[number].tagged(0x02)).tagged(0x30).hex
                }
                try readingSignedData(message) { signedData, _ in
                    let (namesFirst, namesSecond) = (signedData.signer?.names(first), signedData.signer?.names(second))
                    #expect(namesFirst == (issuer == 0 && number == 0))
                    #expect(namesSecond == (issuer == 1 && number == 1))
                }
            }
        }
    }

    /// Versions (RFC 5652, 5.1 and 5.3), and parameters of the signature's algorithm (RFC 3370, 3.2; RFC 5758, 3.2).
    @Test(
        arguments: Signer.allCases,
        [(.sha256, "300A 06082A8648CE3D040302 04"), (.sha384, "300A 06082A8648CE3D040303 04")]
            as [(DigestAlgorithm, String)])
    func whatASignatureIsWrittenAs(signer: Signer, row: (digest: DigestAlgorithm, ecdsa: String)) throws {
        let message = try signer.signed([1, 2, 3], digest: row.digest)
        // Of the SignedData, the certificate, which is an X.509v3 one, and the SignerInfo.
        #expect(try versions(message) == ["1", "2", "1"])
        let algorithm = signer == .rsa ? "300D 06092A864886F70D010101 0500 04820100" : row.ecdsa
        #expect(message.firstRange(of: [UInt8](hex: algorithm)) != nil)
    }

    /// The versions in a message, as openssl prints them.
    private func versions(_ message: [UInt8]) throws -> [String] {
        let text = try OpenSSL.run(["cms", "-cmsout", "-print", "-noout", "-inform", "DER"], input: message)
        return String(decoding: text, as: UTF8.self).split(separator: "\n").compactMap { line in
            let words = line.split(separator: " ")
            return words.first == "version:" ? String(words[1]) : nil
        }
    }

    // MARK: EnvelopedData

    private static let key = [UInt8](hex: "000102030405060708090A0B0C0D0E0F")

    /// A message for ``TestKey/rsa`` with ``key``, all of it encrypted by openssl.
    private func enveloped(
        _ content: [UInt8]?, padding: [String] = [], _ change: (inout EnvelopedParts) -> Void = { _ in }
    ) throws -> [UInt8] {
        try withTemporaryDirectory { directory in
            let encryptedKey = try OpenSSL.run(
                ["pkeyutl", "-encrypt", "-inkey", directory.write(TestKey.rsa.pem, to: "key")] + padding,
                input: Self.key)
            let encrypted = try content.map {
                try OpenSSL.run(
                    ["enc", "-aes-128-cbc", "-K", Self.key.hex, "-iv", "000102030405060708090A0B0C0D0E0F"], input: $0)
            }
            return EnvelopedParts.changed {
                $0.encryptedKey = encryptedKey.tagged(0x04).hex
                if let encrypted { $0.content = encrypted.tagged(0x80).hex }
                change(&$0)
            }
        }
    }

    private func expectOpened(_ message: [UInt8], _ content: [UInt8]) throws {
        var key = try TestKey.rsa.rsaPrivateKey()
        #expect(try CMSTests.opened(message, &key) == content)
        let checked = try withTemporaryDirectory { directory in
            try OpenSSL.run(
                [
                    "cms", "-decrypt", "-binary", "-inform", "DER", "-inkey",
                    directory.write(TestKey.rsa.pem, to: "key"),
                ],
                input: message)
        }
        #expect(checked == content)
    }

    /// originatorInfo, unprotectedAttrs, and the greatest version (RFC 5652, 6.1).
    @Test(arguments: [
        ("020100", "", ""), ("020104", "A002 A000", ""), ("020102", "", "A10F 300D 06092A864886F70D010903 3100"),
    ])
    func rarePartsOfAnEnvelope(version: String, originator: String, unprotected: String) throws {
        let content = Array("whatever".utf8)
        let message = try enveloped(content) {
            ($0.version, $0.originator, $0.unprotected) = (version, originator, unprotected)
        }
        try expectOpened(message, content)
    }

    /// RSAES-OAEP with parameters that all stand there, although they are the defaults.
    @Test func defaultsOfOAEPThatAreWritten() throws {
        let content = Array("whatever".utf8)
        let message = try enveloped(content, padding: ["-pkeyopt", "rsa_padding_mode:oaep"]) {
            $0.keyAlgorithm = oaep()
        }
        try expectOpened(message, content)
    }

    /// The key is right, and what it is to decrypt is no whole number of blocks, or none. 514 bytes of empty pieces have
    /// a header that ends like a padding of two bytes.
    @Test(arguments: [
        "8000", "8001 77", "800F 101112131415161718191A1B1C1D1E", "8011 101112131415161718191A1B1C1D1E1F20", "A000",
        "A002 0400", "A0820202" + String(repeating: "0400", count: 257),
    ])
    func contentOfNoWholeBlocks(content: String) throws {
        let message = try enveloped(nil) { $0.content = content }
        let encoded = [UInt8](hex: content)
        let header = encoded[1] < 0x80 ? 2 : 4
        var key = try TestKey.rsa.rsaPrivateKey()
        #expect(throws: DERError(.crypto(.decryptionFailed), at: message.count - encoded.count + header)) {
            try CMSTests.opened(message, &key)
        }
    }

    /// Versions (RFC 5652, 6.1, 6.2.1 and 6.2.4), and NULL where it has to be (RFC 3370, 4.2.1; RFC 8018, B.1.2).
    @Test func whatAnEnvelopeIsWrittenAs() throws {
        let transported = try CMSTests.enveloped([1], for: OpenSSLIdentity.recipient.der)
        #expect(try versions(transported) == ["0", "0"])
        #expect(transported.firstRange(of: [UInt8](hex: "300D 06092A864886F70D010101 0500 04820100")) != nil)
        let ec = try OpenSSLIdentity(subject: "/CN=RA", for: TestKey.p256)
        let derived = try CMSTests.enveloped([1], for: ec.der, password: "secret")
        #expect(try versions(derived) == ["3", "0"])
        #expect(derived.firstRange(of: [UInt8](hex: "300C 06082A864886F70D0209 0500")) != nil)
    }

    /// The space that is kept is the most that padding takes (RFC 5652, 6.3).
    @Test func spaceForPadding() throws {
        _ = try writing { writer, _ in
            let end = try writer.beginEnvelope()
            #expect(end - writer.front == 16)
        }
    }

    /// The numbers are what devices in the field log.
    @Test func numbersOfErrors() {
        let kinds: [DERError.Kind] = [
            .unexpectedContentType, .notOneRecipient, .notOneSigner, .attributeMissing, .digestMismatch,
            .passwordMissing,
        ]
        #expect(kinds.map(\.rawValue) == Array(48...53))
    }
}
