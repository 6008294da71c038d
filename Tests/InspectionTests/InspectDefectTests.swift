import DeviceCrypto
import Foundation
import SCEP
import TestSupport
import Testing

@testable import Inspection
@testable import InspectionSupport
@testable import Output

@Suite struct InspectDefectTests {
    private static let device = Result { try OpenSSLIdentity(subject: "/O=Example/CN=gateway 7") }
    private static let stranger = Result { try OpenSSLIdentity(subject: "/O=Example/CN=Example CA, not") }
    private static let impostor = Result {
        try OpenSSLIdentity(
            subject: "/C=DE/O=Example/CN=Example CA", extensions: ["keyUsage=critical,keyCertSign"])
    }

    private static func authority() throws -> OpenSSLIdentity { try .authority }

    private static func request() throws -> [UInt8] { try sharedRequest.get() }

    private static let sharedRequest = Result {
        let device = try Self.device.get()
        let csr = try device.request(subject: "/O=Example/CN=gateway 7")
        return try SignedMessage.request("19", from: device, content: authority().envelope(csr)).encoded()
    }

    private static func issued() throws -> [UInt8] { try sharedIssued.get() }

    private static let sharedIssued = Result {
        let device = try Self.device.get()
        let certificate = try OpenSSLIdentity(
            subject: "/O=Example/CN=gateway 7", for: TestKey(pem: device.key), issuedBy: authority())
        return try OpenSSLIdentity.bundle([certificate])
    }

    private static func success(content: [UInt8]? = nil, recipient: OpenSSLIdentity? = nil) throws -> SignedMessage {
        let recipient = try recipient ?? device.get()
        return try .reply("0", from: authority(), content: recipient.envelope(content ?? issued()))
    }

    private func failures(_ file: [UInt8], _ change: (inout Inspecting) throws -> Void = { _ in }) throws -> [String] {
        var inspecting = Inspecting(
            key: try Self.device.get().key, ca: try Self.authority().certificate, request: try Self.request())
        try change(&inspecting)
        return try inspecting.json(file).failures
    }

    @Test func whatIsRightPasses() throws {
        var asked = Inspecting(key: try Self.authority().key, ca: try Self.authority().certificate)
        let request = try asked.json(Self.request()).object
        #expect(request.failures == [])
        #expect(request.result("requestSubject") == "pass")
        #expect(request.result("requestKey") == "pass")
        #expect(request["content"]["content"].result("proofOfPossession") == "pass")

        asked.key = try Self.device.get().key
        asked.request = try Self.request()
        let reply = try asked.json(Self.success().encoded()).object
        #expect(reply.failures == [])
        #expect(reply.result("issuedCertificate") == "pass")
        #expect(reply.result("requestedKey") == "pass")
        #expect(reply.result("signer") == "pass")
        #expect(try failures(SignedMessage.reply("2", from: Self.authority()).encoded()) == [])
        #expect(try failures(SignedMessage.reply("3", from: Self.authority()).encoded()) == [])
    }

    /// Without the request nobody can tell whom the envelope is for, and that is no failure.
    @Test func aGoodReplyNeedsNoRequest() throws {
        let reply = try Self.success().encoded()
        for ca in [[], try Self.authority().certificate] {
            let found = try Inspecting(key: Self.device.get().key, ca: ca).json(reply).object
            #expect(found.failures == [])
            #expect(found["content"].result("recipient") == "unknown")
            #expect(found["content"].result("decryption") == "pass")
        }
    }

    /// At a renewal with a new key, the certificate is for the key of the request, and the envelope for its signer.
    @Test func aReplyToARenewalWithANewKey() throws {
        let ca = try Self.authority()
        let old = try OpenSSLIdentity(subject: "/O=Example/CN=gateway 7", issuedBy: ca)
        let key = try TestKey.rsa
        let csr = try OpenSSLIdentity(key: key.pem, pem: ca.certificate).request(subject: "/O=Example/CN=gateway 7")
        let request = try SignedMessage.request("17", from: old, content: ca.envelope(csr)).encoded()
        func reply(_ issued: OpenSSLIdentity) throws -> [UInt8] {
            try SignedMessage.reply("0", from: ca, content: old.envelope(OpenSSLIdentity.bundle([issued]))).encoded()
        }
        let good = try reply(OpenSSLIdentity(subject: "/O=Example/CN=gateway 7", for: key, issuedBy: ca))
        let bad = try reply(
            OpenSSLIdentity(subject: "/O=Example/CN=gateway 7", for: key, issuedBy: Self.impostor.get()))
        let found = try Inspecting(key: old.key, ca: ca.certificate, request: request).json(good).object
        #expect(found.failures == [])
        #expect(found.result("issuedCertificate") == "pass")
        #expect(found["content"].result("recipient") == "pass")
        #expect(try Inspecting(key: old.key, ca: ca.certificate).json(good).object.failures == [])
        // The key of the new certificate does not open its envelope.
        let other = try Inspecting(key: key.pem, ca: ca.certificate, request: request).json(good).object
        #expect(other.failures == [] && other["content"].result("decryption") == "unknown")
        let wrong = try Inspecting(key: old.key, ca: ca.certificate, request: request).json(bad).object
        #expect(wrong.result("issuedCertificate") == "fail")
        // A first enrolment has no other key.
        let first = try Inspecting(
            key: Self.device.get().key, ca: ca.certificate, request: Self.request()
        ).json(
            SignedMessage.reply(
                "0", from: ca,
                content: Self.device.get().envelope(
                    OpenSSLIdentity.bundle([OpenSSLIdentity(subject: "/CN=x", for: key, issuedBy: ca)]))
            ).encoded()
        ).object
        #expect(first.result("issuedCertificate") == "fail")
    }

    struct Row: CustomTestStringConvertible, Sendable {
        let name: String
        let failures: [String]
        let make: @Sendable () throws -> [UInt8]

        init(_ name: String, _ failures: [String], _ make: @escaping @Sendable () throws -> [UInt8]) {
            self.name = name
            self.failures = failures
            self.make = make
        }

        var testDescription: String { name }
    }

    static let rows: [Row] = [
        Row("a flipped bit in the signature", ["signature"]) {
            var message = try success()
            message.change = { $0.dropLast() + [$0[$0.count - 1] ^ 1] }
            return try message.encoded()
        },
        Row("content that is not the signed one", ["messageDigest"]) {
            var message = try success()
            message.digested = [1, 2, 3]
            return try message.encoded()
        },
        Row("the nonce of another request", ["nonceMatches"]) {
            try success().setting(6, SignedMessage.answer).encoded()
        },
        Row("a short nonce", ["recipientNonce", "nonceMatches"]) {
            try success().setting(6, [UInt8](repeating: 0x11, count: 8).tagged(4)).encoded()
        },
        Row("another transaction", ["transactionMatches"]) {
            try success().setting(7, SignedMessage.text("1A2B3C4E")).encoded()
        },
        Row("no transactionID", ["transactionID", "transactionMatches"]) { try success().setting(7, nil).encoded() },
        Row("a transactionID of another type", ["transactionID"]) {
            try success().setting(7, Array("1A2B3C4D".utf8).tagged(0x0C)).encoded()
        },
        Row("no senderNonce", ["senderNonce"]) { try success().setting(5, nil).encoded() },
        Row("no pkiStatus", ["pkiStatus"]) { try success().setting(3, nil).encoded() },
        Row("an unknown pkiStatus", ["pkiStatus"]) { try success().setting(3, SignedMessage.text("1")).encoded() },
        Row("an unknown failInfo", ["failInfo"]) {
            try SignedMessage.reply("2", from: authority()).setting(4, SignedMessage.text("7")).encoded()
        },
        Row("no failInfo", ["failInfo"]) {
            try SignedMessage.reply("2", from: authority()).setting(4, nil).encoded()
        },
        Row("success without an envelope", ["content"]) { try SignedMessage.reply("0", from: authority()).encoded() },
        Row("a self-signed stranger", ["signer"]) {
            try SignedMessage.reply("3", from: stranger.get()).encoded()
        },
        Row("somebody who has the CA's name and no more", ["signer"]) {
            try SignedMessage.reply("3", from: impostor.get()).encoded()
        },
        Row("an RA that nothing marks", ["signer"]) {
            let ra = try OpenSSLIdentity(subject: "/CN=RA", issuedBy: authority())
            return try SignedMessage.reply("3", from: ra).encoded()
        },
        Row("an envelope for somebody else", ["decryption", "recipient"].sorted()) {
            try success(recipient: stranger.get()).encoded()
        },
        Row("certificates of others", ["issuedCertificate"]) {
            try success(content: OpenSSLIdentity.bundle([authority()])).encoded()
        },
        Row("a certificate that the CA did not sign", ["issuedByCA", "issuedCertificate"]) {
            let other = try OpenSSLIdentity(
                subject: "/O=Example/CN=gateway 7", for: TestKey(pem: device.get().key), issuedBy: impostor.get())
            return try success(content: OpenSSLIdentity.bundle([other])).encoded()
        },
        Row("no certificates in the envelope", ["issuedCertificate"]) {
            try success(content: device.get().request(subject: "/CN=gateway 7")).encoded()
        },
        Row("triple DES", ["cipher"]) {
            try SignedMessage.reply("0", from: authority(), content: device.get().envelope(issued(), cipher: "-des3"))
                .encoded()
        },
    ]

    @Test(arguments: rows)
    func oneDefectFails(row: Row) throws {
        #expect(try Set(failures(row.make())) == Set(row.failures))
    }

    @Test func aRequestForAnotherKeyOrSubjectFails() throws {
        let device = try Self.device.get()
        func failures(_ csr: [UInt8]) throws -> [String] {
            let envelope = try Self.authority().envelope(csr)
            let message = try SignedMessage.request("19", from: device, content: envelope).encoded()
            return try Inspecting(key: Self.authority().key, ca: Self.authority().certificate).json(message).failures
        }
        #expect(try failures(Self.stranger.get().request(subject: "/O=Example/CN=gateway 7")) == ["requestKey"])
        #expect(try failures(device.request(subject: "/CN=gateway 8")) == ["requestSubject"])
        var damaged = try device.request(subject: "/O=Example/CN=gateway 7")
        damaged[damaged.count - 1] ^= 1
        #expect(try failures(damaged) == ["proofOfPossession"])
    }

    /// A reply without a certificate is verified with the CA's; without either, nobody can tell.
    @Test func missingCertificatesAreUnknown() throws {
        var message = SignedMessage.reply("3", from: try Self.authority())
        message.hasCertificate = false
        let file = try message.encoded()
        #expect(try Inspecting(ca: Self.authority().certificate).json(file).object.result("signature") == "pass")
        let alone = try Inspecting().json(file).object
        #expect(alone.result("signature") == "unknown")
        #expect(alone.result("answersRequest") == "unknown")
        #expect(alone.failures == [])
    }

    @Test func anEnvelopeToAPasswordOpens() throws {
        var envelope = PasswordEnvelope()
        envelope.password = "one-time"
        let file = try envelope.message(Self.issued())
        let found = try Inspecting(password: "one-time").json(file).object
        #expect(found["kind"].text == "EnvelopedData")
        let recipient = found["recipients"][0]
        #expect(recipient["recipient"].text == "PasswordRecipientInfo")
        #expect(recipient["keyDerivationAlgorithm"].text == "PBKDF2")
        #expect(recipient["iterations"].number == 2048)
        #expect(recipient["prf"].text == "hmacWithSHA1")
        #expect(found.result("decryption") == "pass")
        #expect(found["content"]["certificates"].count == 1)
        #expect(try Inspecting(password: "another").json(file).object.result("decryption") == "fail")
        #expect(try Inspecting().json(file).object.result("decryption") == "unknown")
    }

    @Test(arguments: ["sha1", "sha256"])
    func oaepIsNamed(digest: String) throws {
        let options = ["-keyopt", "rsa_padding_mode:oaep", "-keyopt", "rsa_oaep_md:\(digest)"]
        let device = try Self.device.get()
        let found = try Inspecting(key: device.key).json(device.envelope(Self.issued(), options: options)).object
        #expect(found["recipients"][0]["keyEncryptionAlgorithm"].text == "RSAES-OAEP")
        #expect(found["recipients"][0]["oaepDigest"].text == (digest == "sha1" ? "SHA-1" : "SHA-256"))
        #expect(found.result("decryption") == "pass")
    }

    /// Where a message ends too soon, and what was due there.
    @Test(arguments: [1, 2, 100, 700, -1])
    func truncationIsPlaced(size: Int) throws {
        let whole = try Self.request()
        let file = Array(whole.prefix(size < 0 ? whole.count - 1 : size))
        let found = try Inspecting().json(file)
        guard size != 1 else {
            return #expect(found["kind"].text == "unrecognized" || found.object["kind"].text == "unrecognized")
        }
        #expect(found.object["kind"].text == "unrecognized")
        let problem = found.object["problem"].text ?? ""
        #expect(
            problem
                == "an element of DER or BER was expected: it ends inside an element, or before one that is due, at byte 0"
        )
    }
}
