import Board
import CMS
import DER
import DeviceCrypto
import PKIX
import SCEP
import SimulatedStorage
import TestSupport
import Testing

@testable import Agent
@testable import HTTP

/// Whatever nobody signed, or was signed for somebody else, ends nothing: neither the device's patience nor the
/// transaction. One reply a row.
@Suite struct ForgedReplyTests {
    struct Row: Sendable, CustomTestStringConvertible {
        let testDescription: String
        /// From what was asked to what is answered.
        var body: @Sendable (Transaction) throws -> [UInt8] = { _ in [] }
        /// What the device says of it; nil where it is one of DER.
        var error: SCEPError?
    }

    private static func signed(
        by signer: OpenSSLIdentity, type: String = "3", status: String = "2", turned: Int? = nil,
        nonce: UInt8 = 0, identifier: UInt8 = 0, _ transaction: Transaction
    ) throws -> [UInt8] {
        var nonces = (0..<16).map { transaction.senderNonce[$0] }
        nonces[15] ^= nonce
        var identifiers = (0..<32).map { transaction.transactionID[$0] }
        if identifier != 0 { identifiers[31] = identifiers[31] == identifier ? identifier + 1 : identifier }
        var bytes = try CertRepMaker.failure(
            by: signer, messageType: type, status: status, recipientNonce: nonces, transactionID: identifiers)
        if let turned { bytes[bytes.count - 1 - turned] ^= 1 }
        return bytes
    }

    static let rows: [Row] = [
        Row(testDescription: "a line end", body: { _ in [0x0A] }, error: .notDER(.empty)),
        Row(testDescription: "a web page", body: { _ in Array("<html>".utf8) }, error: .notDER(.html)),
        Row(
            testDescription: "half a message",
            body: { try Array(signed(by: .authority, $0).prefix(200)) }, error: nil),
        Row(
            testDescription: "signed by somebody else", body: { try signed(by: .recipient, $0) },
            error: .unknownSigner),
        Row(
            testDescription: "a bit of the signature turned", body: { try signed(by: .authority, turned: 40, $0) },
            error: .invalidSignature),
        Row(
            testDescription: "a request in place of a reply", body: { try signed(by: .authority, type: "19", $0) },
            error: .wrongMessageType),
        Row(
            testDescription: "of another transaction", body: { try signed(by: .authority, identifier: 0x41, $0) },
            error: .wrongTransactionID),
        Row(
            testDescription: "of an earlier question", body: { try signed(by: .authority, nonce: 1, $0) },
            error: .wrongRecipientNonce),
    ]

    static let statuses: [UInt16] = [301, 302, 400, 401, 403, 404, 407, 408, 410, 429, 500, 502, 503, 504]

    /// - Returns: why the run ended; nil if another try comes.
    private static func outcome(
        of status: UInt16 = 200, _ body: (Transaction) throws -> [UInt8], retries: Int, goesOn: Bool = true
    ) throws -> AgentError? {
        let bench = try AgentBench("retries=\(retries)")
        let text = bench.text
        let configuration = try Configuration(text.span)
        bench.agent = try AgentTests.begun(&bench.store, configuration, isPending: true)
        try bench.keep()
        bench.agent.capabilities = Capabilities.aes.union(.sha256).union(.postPKIOperation)
        guard case .sleep(let milliseconds) = try bench.step() else { throw StorageError.failed }
        bench.pass(milliseconds: milliseconds)
        guard case .exchange(.certPoll, .post) = try bench.step() else { throw StorageError.failed }
        // What other certificates of the CA may explain was asked by now.
        bench.agent.caIsFresh = true
        let last = bench.agent.lastRequest
        let reply = try body(#require(last))
        var failure: AgentError?
        do {
            try bench.receive(reply, status: status, to: .certPoll)
            let stores = try bench.step()
            #expect(stores == .store)
            try bench.keep()
            guard case .sleep = try bench.step() else {
                Issue.record("it does not wait")
                return nil
            }
        } catch let error as AgentError {
            failure = error
        }
        // Whatever it was, the transaction goes on, but by what the CA itself said.
        try bench.start()
        let (isOpen, isPending) = (bench.agent.transaction.isOpen, bench.agent.transaction.flags.contains(.pending))
        #expect(isOpen == goesOn && isPending == goesOn)
        return failure
    }

    @Test(arguments: rows) func messageThatIsNotTheCAsIsTemporary(row: Row) throws {
        #expect(try Self.outcome(row.body, retries: 1) == nil)
        // As often as was configured; then it is named.
        guard case .scep(.certPoll, let error, _) = try Self.outcome(row.body, retries: 0) else {
            Issue.record("it is not named")
            return
        }
        if let expected = row.error {
            #expect(error == expected)
        } else if case .reply = error {
        } else {
            Issue.record("\(error)")
        }
    }

    @Test(arguments: statuses) func statusIsTemporary(status: UInt16) throws {
        let body: (Transaction) -> [UInt8] = { _ in Array("no".utf8) }
        #expect(try Self.outcome(of: status, body, retries: 1) == nil)
        #expect(try Self.outcome(of: status, body, retries: 0) == .status(.certPoll, status, text: 0..<2))
    }

    /// What the CA itself says is its last word.
    @Test func whatTheCASignedIsNot() throws {
        let failure = try Self.outcome({ try Self.signed(by: .authority, $0) }, retries: 1, goesOn: false)
        guard case .scep(.certPoll, .refused(.badRequest), _) = failure else {
            Issue.record("\(String(describing: failure))")
            return
        }
    }

    /// All errors by whether the same may succeed later, with nothing changed on the device.
    @Test func errorsAreTemporaryOrNot() {
        let temporary: [AgentError] = [
            .status(.pkcsReq, 404, text: 0..<0), .status(.getCACert, 302, text: 0..<0),
            .exchange(.getCACaps, .connecting(.refused)), .exchange(.pkcsReq, .sending(.reset)),
            .exchange(.pkcsReq, .receiving(.timedOut)), .exchange(.certPoll, .reply(HTTPError(.noReply, at: 0))),
            .scep(.certPoll, .notDER(.html), text: 0..<0), .scep(.certPoll, .unknownSigner, text: 0..<0),
            .scep(.certPoll, .signerExpired, text: 0..<0), .scep(.certPoll, .invalidSignature, text: 0..<0),
            .scep(.certPoll, .wrongMessageType, text: 0..<0), .scep(.certPoll, .wrongTransactionID, text: 0..<0),
            .scep(.certPoll, .wrongRecipientNonce, text: 0..<0),
            .scep(.certPoll, .reply(DERError(.truncated, at: 7)), text: 0..<0),
        ]
        let final: [AgentError] = [
            .exchange(.getCACaps, .notSecured), .scep(.pkcsReq, .refused(.badRequest), text: 0..<0),
            .scep(.getCACert, .fingerprintMismatch, text: 0..<0),
            .scep(.pkcsReq, .certificateForAnotherKey, text: 0..<0),
            .scep(.pkcsReq, .reply(DERError(.bufferFull, at: 7)), text: 0..<0), .revoked, .passwordSpent, .stillPending,
        ]
        for error in temporary { #expect(error.isTemporary, "\(error)") }
        for error in final { #expect(!error.isTemporary, "\(error)") }
        for operation in [Operation.getCACaps, .getCACert, .getNextCACert, .pkcsReq, .renewalReq, .certPoll] {
            // Nobody signed these, whatever they are.
            let isUnsigned = operation == .getCACaps || operation == .getCACert
            #expect(AgentError.scep(operation, .fingerprintMismatch, text: 0..<0).isUnsigned == isUnsigned)
        }
    }
}
