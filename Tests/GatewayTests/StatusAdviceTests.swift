import Agent
import Board
import DER
import SCEP
import Testing

@testable import Gateway
@testable import Output

/// What whoever runs the program is told to do about an HTTP status, and about what stands in place of a reply (RFC 9110,
/// 15): another status has another cause, and who looks in the wrong place does not find it.
@Suite struct StatusAdviceTests {
    private static let page = Array("<!DOCTYPE html><title>Sign in</title>".utf8)
    private static let words = Array("no way".utf8)
    private static let all: [UInt16] = [
        200, 400, 401, 402, 403, 404, 405, 406, 408, 410, 426, 429, 499, 500, 501, 502, 503, 504, 505, 506, 599,
    ]

    private func failure(_ error: AgentError, _ body: [UInt8] = [], isHeld: Bool = false) -> Failure {
        Failure(error, body.span, url: Array("http://ca.example/scep".utf8), isHeld: isHeld)
    }

    private func text(_ bytes: [UInt8]) -> String { String(decoding: bytes, as: UTF8.self) }

    private static let busy = "the server is busy: try again later"
    private static let closed = "the server, or what stands before it, lets only some in: ask who runs it"
    private static let version =
        "the server, or what stands before it, wants another version of HTTP: ask who runs it"
    private static let unreached = "what stands before the CA does not reach it: is the CA running?"
    private static let trouble = "the CA is in trouble, whatever the URL: see its log"
    private static let place = "check url and message"
    private static let age = "check url and message; if scep ca gets the CA's certificates there, "
    private static let request = "check challenge-file and subject, and see the CA's log"
    private static let question = "the CA may not answer this question at all: see its log"
    private static let foreign = "the CA is in trouble, or what stands before it: see their logs"

    /// What to do, by the status; those that are not named have the last.
    private static func advice(_ operation: Operation, _ status: UInt16) -> String {
        switch (status, operation) {
        case (408, _), (429, _), (503, _): busy
        case (426, _), (505, _): version
        case (502, _), (504, _): unreached
        case (400, .getCACaps), (404, .getCACaps), (405, .getCACaps), (501, .getCACaps): age
        case (401, .getCACaps), (403, .getCACaps), (401, .getCACert), (403, .getCACert), (401, .getNextCACert),
            (403, .getNextCACert):
            closed
        case (500..., .getCRL), (500..., .getCert): question
        case (500..., _): trouble
        case (_, .getCACaps), (_, .getCACert), (_, .getNextCACert): place
        case (_, .getCRL), (_, .getCert): question
        default: request
        }
    }

    @Test(arguments: [
        Operation.getCACaps, .getCACert, .getNextCACert, .pkcsReq, .renewalReq, .certPoll, .getCert, .getCRL,
    ])
    func aStatusHasItsAdvice(operation: Operation) {
        for status in Self.all where status != 200 {
            let told = failure(.status(operation, status, text: 0..<0))
            let due = Self.advice(operation, status)
            #expect(text(told.message).contains("; \(due)"), "\(status): \(text(told.message))")
            #expect(text(told.message).hasSuffix(" (http://ca.example/scep)") && text(told.kind) == "http-status")
            // What the CA itself says to a request is a refusal; all else is the network's.
            let isRefusal = due == Self.request || due == Self.question
            #expect(told.exit == (isRefusal ? .refused : .network), "\(status): \(text(told.message))")
            // With words, a status of the server's is one as well.
            let spoken = failure(.status(operation, status, text: 0..<6), Self.words)
            let isOfDevice = ![.getCACaps, .getCACert, .getNextCACert].contains(operation)
            #expect(spoken.exit == (isRefusal || isOfDevice && due == Self.trouble ? .refused : .network))
            #expect(text(spoken.message).contains("; it says: no way"))
        }
    }

    /// A page is no SCEP's, unless the server says by its status that it is in trouble or who may come in.
    @Test(arguments: [Operation.getCACaps, .getCACert, .getNextCACert, .pkcsReq, .getCRL])
    func aPageIsNoReply(operation: Operation) {
        let isOfCA = [.getCACaps, .getCACert, .getNextCACert].contains(operation)
        for status in Self.all {
            let told = failure(.status(operation, status, text: 0..<Self.page.count), Self.page)
            let message = text(told.message)
            #expect(!message.contains("Sign in"), "\(message)")
            guard status < 500, ![401, 408, 426, 429].contains(status) else {
                #expect(text(told.kind) == "http-status")
                let due = Self.advice(operation, status)
                #expect(message.contains("; \(due)"), "\(message)")
                continue
            }
            #expect(text(told.kind) == "not-scep" && told.exit == .network)
            #expect(
                message.hasPrefix(
                    "a web page came in place of a reply, with HTTP status \(status); "
                        + (status == 403 ? Self.closed : isOfCA ? Self.place : Self.foreign)), "\(message)")
        }
    }

    /// Who is not who they should be, and who cannot be reached (the exit codes of Docs/Gateway.md).
    @Test(
        arguments: [
            (.certificateUntrusted, .trust), (.certificateOfOtherHost, .trust), (.certificateExpired, .trust),
            (.certificateNotYetValid, .trust), (.certificateWeak, .trust), (.certificateMisused, .trust),
            (.pinMismatch, .trust), (.identityRefused, .trust), (.identityFailed, .trust), (.noCommonProtocol, .trust),
            (.handshakeFailed, .trust), (.handshakeRefused, .trust), (.refused, .network), (.timedOut, .network),
            (.reset, .network), (.proxyUnreachable, .network),
        ] as [(TransportError, ExitCode)])
    func failuresOfTheWayHaveTheirExitCode(_ error: TransportError, _ exit: ExitCode) {
        let told = failure(.exchange(.getCACert, .connecting(error)))
        #expect(told.exit == exit, "\(text(told.message))")
        // A proxy is not at the URL.
        #expect(text(told.message).contains("http://ca.example/scep") == (error != .proxyUnreachable))
        #expect(failure(.exchange(.getCACert, .notSecured)).exit == .usage)
    }

    @Test(
        arguments: [
            (.passwordNeeded, .usage, "set challenge-file again"), (.cannotRenew, .usage, ""),
            (.stillPending, .pending, ""), (.storage(.failed), .storage, ""), (.key(.failed), .storage, ""),
            (.entropy(.failed), .internal, ""),
            (.scep(.pkcsReq, .passwordMissing, text: 0..<0), .usage, "set challenge-file, and challenge-use = always"),
            (.scep(.getCRL, .crlMissing, text: 0..<0), .refused, ""),
            (.scep(.renewalReq, .validityNotExtended, text: 0..<0), .refused, "ask the CA's operator"),
            (.scep(.pkcsReq, .certificateNotYetValid, text: 0..<0), .trust, "compare the clocks"),
            (.scep(.pkcsReq, .unknownSigner, text: 0..<0), .trust, "run again"),
            (.scep(.pkcsReq, .invalidSignature, text: 0..<0), .trust, "try again"),
            (.scep(.getCACert, .belowFloor(.des), text: 0..<0), .trust, "allow: des"),
            (.scep(.pkcsReq, .refused(.badAlg), text: 0..<0), .refused, "try another key"),
            (.scep(.pkcsReq, .reply(DERError(.crypto(.decryptionFailed), at: 9)), text: 0..<2), .trust, ""),
            (.scep(.pkcsReq, .notDER(.empty), text: 0..<0), .network, "see their logs"),
        ] as [(AgentError, ExitCode, String)])
    func errorsHaveTheirExitCode(_ error: AgentError, _ exit: ExitCode, _ words: String) {
        let told = failure(error, [0x30, 0])
        #expect(told.exit == exit && (words.isEmpty || text(told.message).contains(words)), "\(text(told.message))")
    }

    /// A reply that cannot be read may still be one: then the URL is right.
    @Test func whatCannotBeReadIsThePlacesOrTheCAs() {
        let error = AgentError.scep(.getCACert, .reply(DERError(.truncated, at: 7)), text: 1..<3)
        let noise = text(failure(error, [0x30, 0x41, 0x42]).message)
        #expect(noise.contains("due, at byte 7; check url and message"), "\(noise)")
        let reply = text(failure(error, [0x41, 0x30, 0x80]).message)
        #expect(
            reply.contains("; tell the CA's operator; scep inspect says more of a reply that was saved"), "\(reply)")
        for message in [noise, reply] { #expect(message.hasSuffix(" (http://ca.example/scep)")) }
        let issued = text(
            failure(.scep(.pkcsReq, .issuedCertificateUnreadable(DERError(.truncated, at: 7)), text: 0..<0)).message)
        #expect(issued.contains("due, at byte 7"), "\(issued)")
    }

    /// What the far side says is cut between characters, and has no blanks at its end.
    @Test func wordsOfTheFarSideAreCut() {
        func quoted(_ words: String) -> String {
            let bytes = Array(words.utf8)
            let message = text(failure(.status(.pkcsReq, 400, text: 0..<bytes.count), bytes).message)
            guard let place = message.firstRange(of: "it says: ") else { return "" }
            return String(message[place.upperBound...].dropLast(" (http://ca.example/scep)".count))
        }
        let long = String(repeating: "x", count: 159)
        #expect(quoted(long) == long && quoted(long + "y") == long + "y" && quoted(long + "yz") == long + "y")
        #expect(quoted(long + "é") == long && quoted(long.dropLast() + "é") == long.dropLast() + "é")
        #expect(quoted("no way \r\n\t") == "no way" && quoted("no") == "no" && quoted(" \n").isEmpty)
    }
}
