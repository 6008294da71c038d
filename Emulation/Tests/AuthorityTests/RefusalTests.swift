import Authority
import Foundation
import LibCrypto
import Testing

@Suite struct RefusalTests {
    /// One defect a row: what is wrong with an enrolment that would else succeed.
    struct Defect: CustomStringConvertible, Sendable {
        let description: String
        let failInfo: FailInfo
        /// What failInfoText begins with: OpenSSL's own reasons, which follow, are not ours to fix.
        let text: String
        let send: @Sendable (Authority) throws -> Reply

        init(
            _ description: String, _ failInfo: FailInfo, _ text: String,
            _ send: @escaping @Sendable (Authority) throws -> Reply
        ) {
            self.description = description
            self.failInfo = failInfo
            self.text = text
            self.send = send
        }
    }

    static func send(
        _ authority: Authority, client: Client? = nil, content: [UInt8]? = nil, type: CAMessageType = .pkcsReq,
        nonce: [UInt8] = [UInt8](repeating: 7, count: 16), edit: (inout SignedMessageContents) -> Void = { _ in }
    ) throws -> Reply {
        let client = try client ?? Client()
        return try authority.exchange(
            client.message(
                type, content ?? client.request(), transactionID: "defect", nonce: nonce, for: authority.recipient,
                edit: edit))
    }

    @Test(arguments: [
        Defect("no certificate of the signer", .badMessageCheck, "the message does not carry its signer's certificate")
        {
            try send($0) { $0.certificates = [] }
        },
        Defect("wrong signature", .badMessageCheck, "the signature of the message is wrong") { authority in
            let client = try Client()
            var message = try client.message(
                .pkcsReq, client.request(), transactionID: "defect", for: authority.recipient)
            message[message.count - 1] ^= 1
            return try authority.exchange(message)
        },
        Defect("MD5", .badAlg, "the message is signed with a digest that is not taken here") {
            var client = try Client()
            client.digest = .md5
            return try send($0, client: client)
        },
        Defect("single DES", .badAlg, "the envelope is encrypted with a cipher that is not taken here") {
            var client = try Client()
            client.cipher = .des
            return try send($0, client: client)
        },
        Defect("short nonce", .badRequest, "the senderNonce has 8 bytes, not 16") {
            try send($0, nonce: [1, 2, 3, 4, 5, 6, 7, 8])
        },
        Defect("CertRep as a request", .badRequest, "messageType 3 is not served") { try send($0, type: .certRep) },
        Defect("nothing inside", .badRequest, "the message carries nothing") { try send($0) { $0.content = [] } },
        Defect("no envelope", .badRequest, "reading an envelope: ") {
            try send($0) { $0.content = [0x30, 0x84, 0xff, 0xff, 0xff, 0xff] }
        },
        Defect(
            "another recipient", .badRequest,
            "the envelope is not for CN=EmbeddedSCEP Test CA,"
                + "O=EmbeddedSCEP test\\, do not trust"
        ) { authority in
            let client = try Client()
            return try authority.exchange(
                client.message(.pkcsReq, client.request(), transactionID: "defect", for: client.certificate))
        },
        Defect("no request inside", .badRequest, "reading a certification request: ") {
            try send($0, content: [0x04, 0x01, 0x00])
        },
        Defect(
            "a byte after the request", .badRequest,
            "reading a certification request: 1 bytes are left over at the end"
        ) { try send($0, content: try Client().request() + [0]) },
        Defect(
            "request signed by another key", .badMessageCheck,
            "the certification request is not signed by its own key"
        ) {
            var request = try Client().request()
            request[request.count - 1] ^= 1
            return try send($0, content: request)
        },
        Defect(
            "message signed by another key", .badRequest,
            "the message is signed with another key than the one it requests"
        ) { try send($0, content: try Client(key: Keys.device(1)).request()) },
        Defect("key usage of a CA", .badRequest, "the request asks for the key usage of a CA") {
            let client = try Client()
            return try send(
                $0, content: try client.request(extensions: [ExtensionText("keyUsage", "keyCertSign")]))
        },
        Defect(
            "certificate of a stranger", .badMessageCheck,
            "the signer's certificate is neither issued here nor self-signed"
        ) {
            var client = try Client()
            client.certificate = try CertificateContents(
                subject: client.subject, publicKey: client.key.publicKey(), serial: [1],
                notBefore: Date(timeIntervalSince1970: 0), notAfter: Date().addingTimeInterval(86_400)
            ).signed(with: Keys.device(1), issuer: nil)
            return try send($0, client: client)
        },
        Defect(
            "EC key without a password", .badRequest,
            "the signer's key cannot decrypt, and no challengePassword is there to encrypt the reply for"
        ) { try send($0, client: try Client(kind: .p256, usage: "critical,digitalSignature")) },
        Defect(
            "password for an RSA CA", .badAlg,
            "the envelope is for a password, though the key of CN=EmbeddedSCEP Test CA,O="
        ) {
            let client = try Client()
            let envelope = try Envelope.seal(client.request(), password: [1, 2, 3], cipher: .aes128)
            return try send($0, client: client) { $0.content = envelope }
        },
        Defect("RenewalReq by a stranger", .badRequest, "a RenewalReq must be signed with a certificate of this CA") {
            try send($0, type: .renewalReq)
        },
        Defect("poll of nothing", .badCertId, "no request was made under this transactionID") { authority in
            try authority.poll(Client(), transactionID: "never")
        },
        Defect("malformed poll", .badRequest, "IssuerAndSubject holds 0 elements, not two") {
            try send($0, content: [0x30, 0x00], type: .certPoll)
        },
    ])
    func eachDefectIsRefused(_ defect: Defect) throws {
        let authority = Shared.plain
        let reply = try defect.send(authority)
        #expect(reply.status == .failure)
        let refusal = try #require(reply.refusal)
        #expect(refusal.failInfo == defect.failInfo)
        #expect(refusal.text.hasPrefix(defect.text), "\(refusal.text)")
        #expect(reply.signed.content == nil)
        try OpenSSLCheck.verify(reply.encoded, root: authority.trustAnchor, absent: true)
    }

    /// Requests that no CertRep can be made for.
    @Test(arguments: [
        ("", "not a SCEP message: reading a CMS message"),
        ("garbage", "not a SCEP message: reading a CMS message: "),
    ])
    func whatIsNoMessageGetsAnHTTPError(_ body: String, _ text: String) {
        let answer = Shared.plain.answer(
            Request(method: "POST", query: "operation=PKIOperation", body: [UInt8](body.utf8)))
        #expect(answer.status == 400)
        #expect(String(decoding: answer.body, as: UTF8.self).hasPrefix(text))
    }

    @Test(arguments: [
        (AttributeIdentifier.transactionID, "transactionID"), (AttributeIdentifier.senderNonce, "senderNonce"),
        (AttributeIdentifier.messageType, "messageType"),
    ])
    func aMissingAttributeGetsAnHTTPError(_ identifier: String, _ name: String) throws {
        do {
            _ = try Self.send(Shared.plain) { $0.attributes.removeAll { $0.identifier == identifier } }
            Issue.record("it was answered")
        } catch let error as Authority.Refused {
            #expect(error.description == "400 the message has 0 attributes \(name), not one\n")
        }
    }

    struct Attempt: CustomStringConvertible, Sendable {
        let device: String
        let password: String?
        /// nil: it is admitted.
        let refusal: String?
        var description: String { "\(device) \(password ?? "without")" }
    }

    @Test func oneTimePasswordsAreGoodForOneRequestOfOneDevice() throws {
        let authority = try makeAuthority {
            $0.challenge = .oneTime([
                OneTimePassword(device: "alpha", password: "a"), OneTimePassword(device: "", password: "any"),
            ])
        }
        let issued = try authority.addPassword(device: "gamma")
        let attempts = [
            Attempt(device: "beta", password: nil, refusal: "a challengePassword is needed"),
            Attempt(device: "beta", password: "b", refusal: "the challengePassword is wrong"),
            Attempt(device: "beta", password: "a", refusal: "the challengePassword was issued to another device"),
            Attempt(device: "alpha", password: "a", refusal: nil),
            Attempt(device: "alpha", password: "a", refusal: "the challengePassword was used already"),
            Attempt(device: "beta", password: "any", refusal: nil),
            Attempt(device: "beta", password: "any", refusal: "the challengePassword was used already"),
            Attempt(device: "gamma", password: issued, refusal: nil),
        ]
        for (index, attempt) in attempts.enumerated() {
            let reply = try authority.enrol(
                Client(attempt.device), transactionID: "\(index)", challenge: attempt.password)
            #expect(reply.refusal == attempt.refusal.map { Refusal(.badRequest, $0) }, "\(attempt)")
            #expect(reply.status == (attempt.refusal == nil ? .success : .failure), "\(attempt)")
        }
    }

    @Test func aWrongPasswordCanBeMended() throws {
        let authority = try makeAuthority { $0.challenge = .shared("right") }
        let client = try Client()
        #expect(
            try authority.enrol(client, challenge: "wrong").refusal
                == Refusal(.badRequest, "the challengePassword is wrong"))
        #expect(try authority.enrol(client, challenge: "right").status == .success)
    }

    @Test(arguments: FailInfo.allCases)
    func theRefusingPolicySaysWhy(_ failInfo: FailInfo) throws {
        let authority = try makeAuthority { $0.policy = .refuse(Refusal(failInfo, "Ärger")) }
        #expect(try authority.enrol(Client()).refusal == Refusal(failInfo, "Ärger"))
    }
}
