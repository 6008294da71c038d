import Agent
import Board
import DER
import SCEP
import Testing

@testable import Gateway

/// What the agent's errors are for who runs the program: exit code, kind, words.
@Suite struct FailureTests {
    private static let page = Array("\r\n <!DOCTYPE html><title>Sign in</title>".utf8)

    private func failure(_ error: AgentError, _ body: [UInt8] = [], isHeld: Bool = false) -> (ExitCode, String, String)
    {
        let failure = Failure(error, body.span, url: Array("http://ca.example/scep".utf8), isHeld: isHeld)
        return (
            failure.exit, String(decoding: failure.kind, as: UTF8.self),
            String(decoding: failure.message, as: UTF8.self)
        )
    }

    @Test(arguments: [
        AgentError.scep(.getCACert, .reply(DERError(.unexpectedTag, at: 0)), text: 0..<page.count),
        .scep(.getCACaps, .noCapabilities, text: 0..<page.count), .status(.pkcsReq, 403, text: 0..<page.count),
        .status(.getCACert, 200, text: 0..<page.count),
    ])
    func webPagesAreCalledThat(_ error: AgentError) {
        let (exit, kind, message) = failure(error, Self.page)
        #expect(exit == .network && kind == "not-scep", "\(message)")
        #expect(message.contains("web page") && message.contains("http://ca.example/scep"), "\(message)")
    }

    /// One error a row: exit code, kind, and words that have to be there.
    @Test(arguments: [
        (
            AgentError.exchange(.getCACaps, .connecting(.refused)), ExitCode.network, "connection-refused",
            "http://ca.example/scep"
        ),
        (.scep(.getCACert, .reply(DERError(.truncated, at: 0)), text: 0..<0), .network, "not-scep", "empty"),
        (.status(.getCACert, 403, text: 0..<0), .network, "http-status", "403"),
        (.status(.pkcsReq, 400, text: 0..<0), .refused, "http-status", "challenge-file"),
        (.status(.pkcsReq, 500, text: 0..<0), .network, "http-status", "check url"),
        (.status(.pkcsReq, 503, text: 0..<0), .network, "http-status", "503"),
        (.status(.getCACaps, 404, text: 0..<0), .network, "http-status", "url and message"),
        (.scep(.getCACert, .cipherBelowFloor(.desCBC), text: 0..<0), .trust, "weak-cipher", "add to allow: des"),
        (.scep(.pkcsReq, .refused(.badTime), text: 0..<0), .refused, "refused", "clock"),
        (.scep(.getCRL, .refused(.badRequest), text: 0..<0), .refused, "refused", "may not answer"),
        (.status(.pkcsReq, 407, text: 0..<0), .network, "proxy-authentication", "proxy-password-file"),
        (.passwordSpent, .usage, "password-spent", "challenge-use = always"),
        (.scep(.pkcsReq, .passwordMissing, text: 0..<0), .usage, "no-password", "challenge-file"),
        (.scep(.pkcsReq, .refused(.badRequest), text: 0..<0), .refused, "refused", "challenge-file and subject"),
        (.scep(.getCACert, .fingerprintMismatch, text: 0..<0), .trust, "fingerprint-mismatch", "scep ca shows"),
        (.revoked, .trust, "revoked", "revoked"),
    ])
    func errorsHaveTheirExitCodeAndAdvice(_ error: AgentError, _ code: ExitCode, _ kind: String, _ words: String) {
        let (exit, told, message) = failure(error)
        #expect(exit == code && told == kind, "\(message)")
        #expect(message.contains(words), "\(message)")
    }

    /// Servers that refuse by a status and words in place of a message.
    @Test func wordsOfAServerAreARefusal() {
        let (exit, _, message) = failure(.status(.renewalReq, 500, text: 0..<6), Array("no way".utf8), isHeld: true)
        #expect(exit == .refused && message.contains("no way") && message.contains("challenge-use"), "\(message)")
        #expect(!message.contains("check url"), "\(message)")
    }

    @Test func refusedRenewalIsNotBlamedOnTheSubject() {
        let (_, _, message) = failure(.scep(.renewalReq, .refused(.badCertId), text: 0..<0), isHeld: true)
        #expect(message.contains("badCertId") && message.contains("scep crl"), "\(message)")
        #expect(!message.contains("subject"), "\(message)")
    }
}
