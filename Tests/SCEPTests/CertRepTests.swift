import CMS
import DER
import DeviceCrypto
import Foundation
import PKIX
import SCEP
import TestKeys
import TestSupport
import Testing

/// A reply of a CA's to one transaction, any part of which can be wrong.
struct Reply: Sendable {
    var messageType = "3"
    /// Upper-case text of ``transaction``.
    var transactionID = "40414243444546474849404142434445"
    var recipientNonce: [UInt8]?
    var pkiStatus = "0"
    var failInfo: String?
    var failInfoText: String?
    var content: [UInt8] = Array("an envelope".utf8)
    var digest = DigestAlgorithm.sha256
    /// Attributes that are left out.
    var without = ""
    /// Attributes with another string type.
    var utf8 = ""

    /// The transaction that replies answer.
    static func transaction() throws -> Transaction {
        var identifier = InlineArray<16, UInt8>(repeating: 0)
        for index in 0..<16 { identifier[index] = [UInt8](hex: "40414243444546474849404142434445")[index] }
        var random = try seededRandom()
        var transaction = Transaction(identifier: identifier)
        try transaction.renewNonce(random: &random)
        return transaction
    }

    private static let identifiers = [
        "messageType": "2.16.840.1.113733.1.9.2", "pkiStatus": "2.16.840.1.113733.1.9.3",
        "failInfo": "2.16.840.1.113733.1.9.4", "recipientNonce": "2.16.840.1.113733.1.9.6",
        "transactionID": "2.16.840.1.113733.1.9.7", "failInfoText": "1.3.6.1.5.5.7.24.1",
    ]

    private func write(_ name: String, _ value: [UInt8], tag: DER.Tag = .printableString, _ writer: inout DERWriter)
        throws
    {
        guard name != without else { return }
        let end = writer.front
        try writer.write(name == utf8 ? .utf8String : tag, value.span)
        try writer.wrap(.set, from: end)
        let identifier = Array((Self.identifiers[name] ?? "").utf8)
        try writer.write(identifierText: identifier.span)
        try writer.wrap(.sequence, from: end)
    }

    /// The message, signed by `signer`, whose certificate goes with it.
    func signed(by signer: OpenSSLIdentity) throws -> [UInt8] {
        var random = try seededRandom()
        var key = try TestKey(pem: signer.key).rsaPrivateKey()
        var nonce = [UInt8](repeating: 0, count: 16)
        let transaction = try Self.transaction()
        for index in 0..<16 { nonce[index] = transaction.senderNonce[index] }
        var buffer = [UInt8](repeating: 0, count: 16384)
        let front: Int
        do {
            var bytes = buffer.mutableSpan
            var writer = DERWriter(&bytes, end: 16384)
            try writer.write(bytes: content.span)
            let contentStart = writer.front
            let certificate = signer.der
            try writer.write(bytes: certificate.span)
            let range = writer.front..<contentStart
            try write("messageType", Array(messageType.utf8), &writer)
            try write("transactionID", Array(transactionID.utf8), &writer)
            try write("recipientNonce", recipientNonce ?? nonce, tag: .octetString, &writer)
            try write("pkiStatus", Array(pkiStatus.utf8), &writer)
            if let failInfo { try write("failInfo", Array(failInfo.utf8), &writer) }
            if let failInfoText { try write("failInfoText", Array(failInfoText.utf8), tag: .utf8String, &writer) }
            try writer.wrapSignedData(from: 16384, certificate: range, digest: digest, key: &key, random: &random)
            front = writer.front
        }
        return Array(buffer[front...])
    }
}

/// What a device makes of a reply that stands in the middle of its buffer, with the text or the envelope in it.
func checked(
    _ message: [UInt8], trusting certificates: [OpenSSLIdentity], policy: Policy = Policy(), moment: Moment = .unknown
) throws -> (CertRep, [UInt8]) {
    var policy = policy
    var work = [0xA5, 0xA5] + message + [0xA5]
    let trusted = certificates.flatMap(\.der)
    let answer: CertRep
    do {
        var bytes = work.mutableSpan
        answer = try CertRep(
            &bytes, body: 2..<(2 + message.count), from: CACertificates(trusted.span), to: Reply.transaction(),
            policy: &policy, moment: moment)
    }
    #expect(work.prefix(2) == [0xA5, 0xA5] && work.last == 0xA5)
    switch answer {
    case .success(let envelope): return (answer, Array(work[envelope]))
    case .failure(_, let text): return (answer, Array(work[text]))
    case .pending: return (answer, [])
    }
}

struct Row: Sendable, CustomTestStringConvertible {
    let testDescription: String
    let reply: Reply
    let error: SCEPError

    init(_ name: String, _ error: SCEPError, _ change: (inout Reply) -> Void) {
        var reply = Reply()
        change(&reply)
        testDescription = name
        self.reply = reply
        self.error = error
    }
}

@Suite struct CertRepTests {
    @Test func successIsRead() throws {
        let hierarchy = try Hierarchy.one
        for signer in [hierarchy.root, hierarchy.ra] {
            for digest in [DigestAlgorithm.sha256, .sha384, .sha512] {
                var reply = Reply()
                reply.digest = digest
                let message = try reply.signed(by: signer)
                let (answer, envelope) = try checked(
                    message, trusting: [hierarchy.root, hierarchy.intermediate, hierarchy.ra])
                #expect(envelope == reply.content)
                guard case .success = answer else {
                    Issue.record("\(answer)")
                    continue
                }
            }
        }
        // The same in BER: an indefinite length around it all.
        let message = try Reply().signed(by: hierarchy.root)
        let header = message[1] == 0x82 ? 4 : 3
        let ber = [0x30, 0x80] + message.dropFirst(header) + [0, 0]
        #expect(try checked(ber, trusting: [hierarchy.root]).1 == Reply().content)
    }

    @Test(
        arguments: [
            (0, .badAlg), (1, .badMessageCheck), (2, .badRequest), (3, .badTime), (4, .badCertId),
        ] as [(Int, FailInfo)], [nil, "", "Das Gerät ist unbekannt."])
    func failureIsRead(row: (code: Int, failInfo: FailInfo), text: String?) throws {
        var reply = Reply()
        reply.pkiStatus = "2"
        reply.failInfo = "\(row.code)"
        reply.failInfoText = text
        reply.content = []
        let root = try Hierarchy.one.root
        let (answer, found) = try checked(reply.signed(by: root), trusting: [root])
        guard case .failure(row.failInfo, _) = answer else {
            Issue.record("\(answer)")
            return
        }
        #expect(String(decoding: found, as: UTF8.self) == text ?? "")
    }

    @Test func pendingIsRead() throws {
        var reply = Reply()
        reply.pkiStatus = "3"
        reply.content = []
        let root = try Hierarchy.one.root
        #expect(try checked(reply.signed(by: root), trusting: [root]).0 == .pending)
    }

    static let rows: [Row] = [
        Row("a request", .wrongMessageType) { $0.messageType = "19" },
        Row("a type that ends like the right one", .wrongMessageType) { $0.messageType = "33" },
        Row("a type that is no number", .wrongMessageType) { $0.messageType = "CertRep" },
        Row("an empty type", .wrongMessageType) { $0.messageType = "" },
        Row("another transaction", .wrongTransactionID) { $0.transactionID = "40414243444546474849404142434446" },
        Row("a transaction that begins alike", .wrongTransactionID) {
            $0.transactionID = "40414243444546474849404142434445FF"
        },
        Row("half of the transaction", .wrongTransactionID) { $0.transactionID = "4041424344454647" },
        Row("no transaction at all", .wrongTransactionID) { $0.transactionID = "" },
        Row("another nonce", .wrongRecipientNonce) { $0.recipientNonce = [UInt8](repeating: 0, count: 16) },
        Row("an empty nonce", .wrongRecipientNonce) { $0.recipientNonce = [] },
        Row("a nonce that ends otherwise", .wrongRecipientNonce) { $0.recipientNonce = try? nonce(changing: 15) },
        Row("a nonce that begins otherwise", .wrongRecipientNonce) { $0.recipientNonce = try? nonce(changing: 0) },
        Row("half of the nonce", .wrongRecipientNonce) { $0.recipientNonce = try? nonce().dropLast(8) },
        Row("a nonce that goes on", .wrongRecipientNonce) { $0.recipientNonce = try? nonce() + [0] },
        Row("an unknown status", .unknownStatus) { $0.pkiStatus = "1" },
        Row("a status that is no number", .unknownStatus) { $0.pkiStatus = "x" },
        Row("a status of three digits", .unknownStatus) { $0.pkiStatus = "000" },
        Row("a success without an envelope", .envelopeMissing) { $0.content = [] },
        Row("a digest below the floor", .belowFloor(.sha1)) { $0.digest = .sha1 },
    ]

    private static func nonce(changing place: Int? = nil) throws -> [UInt8] {
        let nonce = try Reply.transaction().senderNonce
        return (0..<16).map { nonce[$0] ^ ($0 == place ? 1 : 0) }
    }

    @Test(arguments: rows) func isRefused(_ row: Row) throws {
        let root = try Hierarchy.one.root
        let message = try row.reply.signed(by: root)
        #expect(throws: row.error) { try checked(message, trusting: [root]) }
    }

    /// What a reply answers counts whatever it says: a PENDING or FAILURE of another transaction, or of another time, is
    /// none (RFC 8894, 3.2.1.4.1 and 3.2.1.5).
    @Test(
        arguments: rows.filter { [.wrongMessageType, .wrongTransactionID, .wrongRecipientNonce].contains($0.error) },
        ["2", "3"])
    func isRefusedWhateverItSays(_ row: Row, status: String) throws {
        let root = try Hierarchy.one.root
        var reply = row.reply
        reply.pkiStatus = status
        reply.failInfo = status == "2" ? "2" : nil
        reply.content = []
        let message = try reply.signed(by: root)
        #expect(throws: row.error) { try checked(message, trusting: [root]) }
    }

    @Test(arguments: ["messageType", "transactionID", "recipientNonce", "pkiStatus"])
    func attributesAreDue(name: String) throws {
        let root = try Hierarchy.one.root
        var reply = Reply(pkiStatus: "2", failInfo: "2")
        reply.without = name
        let missing = try reply.signed(by: root)
        #expect {
            try checked(missing, trusting: [root])
        } throws: {
            guard case .reply(let error) = $0 as? SCEPError else { return false }
            return error.kind == .attributeMissing
        }
        reply.without = ""
        reply.utf8 = name
        let mistyped = try reply.signed(by: root)
        #expect {
            try checked(mistyped, trusting: [root])
        } throws: {
            guard case .reply(let error) = $0 as? SCEPError else { return false }
            return error.kind == .unexpectedTag
        }
    }

    /// Whoever has expired signs nothing, when a request is taken up again or polled for.
    @Test func whoIsOverSignsNothing() throws {
        let hierarchy = try Hierarchy.one
        let short = try OpenSSLIdentity(
            subject: "/CN=RA", for: TestKey.rsa, issuedBy: hierarchy.root, extensions: [Hierarchy.mark],
            options: ["-days", "1"])
        let trusted = [short, hierarchy.root]
        let over = try Certificate(short.der.span).notAfter + 1
        let message = try Reply().signed(by: short)
        for moment in [.unknown, .exact(over - 1), .atLeast(over - 1)] as [Moment] {
            #expect(try checked(message, trusting: trusted, moment: moment).1 == Reply().content)
        }
        for moment in [.exact(over), .atLeast(over)] as [Moment] {
            #expect(throws: SCEPError.signerExpired) { try checked(message, trusting: trusted, moment: moment) }
            // The CA itself still does, and so would the RA's successor.
            #expect(
                try checked(Reply().signed(by: hierarchy.root), trusting: trusted, moment: moment).1 == Reply().content)
        }
        // Nobody else is told that anything has expired.
        #expect(throws: SCEPError.unknownSigner) {
            try checked(Reply().signed(by: hierarchy.impostor), trusting: [short], moment: .exact(over))
        }
    }

    /// Who says that the CA's digest is weak has to be the CA.
    @Test func theFloorIsCheckedAfterTheSigner() throws {
        let hierarchy = try Hierarchy.one
        var reply = Reply()
        reply.digest = .sha1
        let message = try reply.signed(by: hierarchy.impostor)
        #expect(throws: SCEPError.unknownSigner) { try checked(message, trusting: [hierarchy.intermediate]) }
        #expect(throws: SCEPError.belowFloor(.sha1)) { try checked(message, trusting: [hierarchy.impostor]) }
    }

    @Test func onlyTheAuthorityIsBelieved() throws {
        let hierarchy = try Hierarchy.one
        let trusted = [hierarchy.root, hierarchy.intermediate, hierarchy.ra]
        for stranger in [
            hierarchy.impostorsRA, hierarchy.unmarked, try OpenSSLIdentity(subject: "/CN=sensor", for: TestKey.rsa),
        ] {
            let message = try Reply().signed(by: stranger)
            #expect(throws: SCEPError.unknownSigner) { try checked(message, trusting: trusted) }
        }
        // Whoever says to be the root: the same name and number, another key.
        let number = try Certificate(hierarchy.root.der.span).serialNumber.array
        let twin = try OpenSSLIdentity(
            subject: "/O=Example/CN=Root", newKey: ["rsa:2048", "-set_serial", "0x\(number.hex)"])
        let forged = try Reply().signed(by: twin)
        #expect(throws: SCEPError.invalidSignature) { try checked(forged, trusting: trusted) }
        // Another content under a true signature.
        var changed = try Reply().signed(by: hierarchy.root)
        let content = try #require(changed.firstRange(of: Reply().content))
        changed[content.lowerBound] ^= 1
        #expect(throws: SCEPError.invalidSignature) { try checked(changed, trusting: trusted) }
        // Nobody at all.
        let unsigned = try OpenSSLIdentity.bundle([hierarchy.root])
        #expect(throws: SCEPError.unknownSigner) { try checked(unsigned, trusting: trusted) }
        #expect(throws: SCEPError.unknownSigner) { try checked(Reply().signed(by: hierarchy.root), trusting: []) }
    }

    @Test func digestsBelowTheFloorAreANamedLeniency() throws {
        let root = try Hierarchy.one.root
        let message = try Reply(digest: .sha1).signed(by: root)
        var policy = Policy(digestFloor: .sha1)
        #expect(try checked(message, trusting: [root], policy: policy).1 == Reply().content)
        policy = Policy(digestFloor: .sha512)
        let sha256 = try Reply().signed(by: root)
        #expect(throws: SCEPError.belowFloor(.lowerFloor)) { try checked(sha256, trusting: [root], policy: policy) }
    }

    @Test func damagedRepliesAreRefused() throws {
        let root = try Hierarchy.one.root
        let message = try Reply().signed(by: root)
        for count in message.indices where count % 7 == 0 {
            #expect(throws: SCEPError.self) { try checked(Array(message[..<count]), trusting: [root]) }
        }
        for position in message.indices where position % 3 == 0 {
            var damaged = message
            damaged[position] ^= 1 << UInt8(position % 8)
            // The certificate that goes with it is not looked at, nor what the signature does not cover.
            guard let (_, envelope) = try? checked(damaged, trusting: [root]) else { continue }
            #expect(envelope == Reply().content, "byte \(position)")
        }
        for text in ["\u{0}", "0\u{2}"] {
            #expect {
                try checked(Array(text.utf8), trusting: [root])
            } throws: {
                guard case .reply(let error) = $0 as? SCEPError else { return false }
                return error.kind == .truncated
            }
        }
    }

    /// Replies of a Bouncy Castle server verify; they are answers to others.
    @Test(
        .enabled(if: Fixtures.areThere, Comment(rawValue: Fixtures.absence)),
        arguments: ["04", "06", "08", "10", "12", "14", "16", "17"])
    func recordedRepliesAreVerified(number: String) throws {
        let message = try Fixtures.read("jscep/\(number)-PKIOperation.rsp.der")
        let ca = try OpenSSLIdentity(key: [], pem: try Fixtures.read("jscep/ca.crt"))
        // What is another's answer is that, however weak it is.
        #expect(throws: SCEPError.wrongTransactionID) { try checked(message, trusting: [ca]) }
        #expect(throws: SCEPError.wrongTransactionID) {
            try checked(message, trusting: [ca], policy: Policy(digestFloor: .sha1))
        }
        let stranger = try Hierarchy.one.root
        #expect(throws: SCEPError.unknownSigner) {
            try checked(message, trusting: [stranger], policy: Policy(digestFloor: .sha1))
        }
    }
}
