import Authority
import LibCrypto
import Testing

@Suite struct AuthorityEnrolmentTests {
    struct Shape: CustomStringConvertible, Sendable {
        var hasIntermediate: Bool
        var registration: RegistrationAuthority
        var key = KeyKind.rsa2048
        /// How many certificates GetCACert tells.
        var published: Int

        var description: String {
            "\(key) \(hasIntermediate ? "intermediate" : "root"), RA \(registration), \(published)"
        }
    }

    @Test(arguments: [
        Shape(hasIntermediate: false, registration: .none, published: 1),
        Shape(hasIntermediate: true, registration: .none, published: 2),
        Shape(hasIntermediate: false, registration: .single, published: 2),
        Shape(hasIntermediate: false, registration: .split, published: 3),
        Shape(hasIntermediate: true, registration: .split, published: 4),
        Shape(hasIntermediate: false, registration: .none, key: .rsa3072, published: 1),
        Shape(hasIntermediate: true, registration: .single, key: .p256, published: 3),
        Shape(hasIntermediate: false, registration: .split, key: .p384, published: 3),
    ])
    func everyShapeOfHierarchyEnrols(_ shape: Shape) throws {
        let authority = try makeAuthority {
            $0.hasIntermediate = shape.hasIntermediate
            $0.registrationAuthority = shape.registration
            $0.key = shape.key
        }
        #expect(authority.publishedCertificates.count == shape.published)
        let client = try Client()
        let reply = try authority.enrol(client, transactionID: "abc")
        #expect(reply.status == .success)
        #expect(reply.messageType == "3")
        #expect(reply.transactionID == "abc")
        #expect(reply.recipientNonce == [UInt8](repeating: 7, count: 16))
        #expect(reply.senderNonce?.count == 16)

        let envelope = try OpenSSLCheck.verify(
            reply.encoded, root: authority.trustAnchor, others: authority.publishedCertificates)
        let content = try OpenSSLCheck.decrypt(envelope, key: client.key, certificate: client.certificate)
        let issued = try CertificatesOnly.decode(content).certificates
        let certificate = try #require(issued.first)
        #expect(issued.count == 1)
        #expect(try certificate.publicKey == client.key.publicKey())
        #expect(certificate.subject == client.subject)
        try OpenSSLCheck.verify(
            certificate, root: authority.trustAnchor, intermediates: authority.publishedCertificates)
    }

    @Test(arguments: [Digest.sha1, .sha256, .sha384, .sha512], [Cipher.des3, .aes128, .aes192, .aes256])
    func aReplyUsesTheAlgorithmsOfItsRequest(_ digest: Digest, _ cipher: Cipher) throws {
        var client = try Client()
        client.digest = digest
        client.cipher = cipher
        let reply = try Shared.plain.enrol(client, transactionID: "\(digest) \(cipher)")
        #expect(reply.signed.digest == digest)
        #expect(try reply.opened(by: client)?.cipher == cipher)
    }

    @Test func aConfiguredAlgorithmOverridesThatOfTheRequest() throws {
        let authority = try makeAuthority {
            $0.profile.reply.digest = .sha512
            $0.profile.reply.cipher = .aes256
        }
        let client = try Client()
        let reply = try authority.enrol(client)
        #expect(reply.signed.digest == .sha512)
        #expect(try reply.opened(by: client)?.cipher == .aes256)
    }

    @Test func indefiniteLengthsAreRead() throws {
        let client = try Client()
        let message = try client.message(
            .pkcsReq, client.request(), transactionID: "ber", for: Shared.plain.recipient, encoding: .indefinite)
        #expect(message[1] == 0x80)
        #expect(try Shared.plain.exchange(message).status == .success)
    }

    @Test(arguments: [KeyTransport.oaep, .oaepWithoutParameters])
    func oaepIsOpened(_ transport: KeyTransport) throws {
        let client = try Client()
        let message = try client.message(
            .pkcsReq, client.request(), transactionID: "\(transport)", for: Shared.plain.recipient,
            keyTransport: transport)
        #expect(try Shared.plain.exchange(message).status == .success)
    }

    @Test func requestedExtensionsAreCopied() throws {
        let client = try Client()
        let reply = try Shared.plain.enrol(
            client, transactionID: "extensions",
            extensions: [
                ExtensionText("subjectAltName", "DNS:device.example,IP:192.0.2.7,URI:urn:dev:1"),
                ExtensionText("keyUsage", "critical,digitalSignature"),
                ExtensionText("extendedKeyUsage", "clientAuth"),
                ExtensionText("1.2.3.4", "ASN1:UTF8String:not for us"),
            ])
        let certificate = try #require(try reply.certificates(for: client).first)
        let text = try OpenSSLCheck.describe(
            certificate, ["-ext", "subjectAltName,keyUsage,extendedKeyUsage,basicConstraints"])
        #expect(text.contains("DNS:device.example, IP Address:192.0.2.7, URI:urn:dev:1"))
        #expect(text.contains("Key Usage: critical\n    Digital Signature\n"))
        #expect(text.contains("TLS Web Client Authentication"))
        #expect(text.contains("CA:FALSE"))
        #expect(try certificate.extensions().allSatisfy { $0.identifier != "1.2.3.4" })
    }

    @Test func theSameRequestAgainGetsTheSameCertificate() throws {
        let client = try Client()
        let authority = try makeAuthority { $0.challenge = .oneTime([OneTimePassword(device: "", password: "once")]) }
        let first = try authority.enrol(client, challenge: "once").certificates(for: client)
        let second = try authority.enrol(client, challenge: "once").certificates(for: client)
        #expect(first.count == 1)
        #expect(first == second)
        #expect(authority.issuedCertificates().count == 1)
    }

    @Test func aTransactionIDBelongsToOneKey() throws {
        let authority = try makeAuthority()
        _ = try authority.enrol(Client("a"))
        let reply = try authority.enrol(Client("b", key: Keys.device(1)))
        #expect(reply.refusal == Refusal(.badRequest, "the transactionID was used for another key"))
    }
}

/// An authority that many tests use and none changes.
enum Shared {
    static let plain: Authority = {
        do { return try makeAuthority() } catch { fatalError("cannot prepare the tests: \(error)") }
    }()
}
