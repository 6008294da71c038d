import Agent
import Board
import DER
import DeviceCrypto
import PKIX
import Testing

@testable import Gateway
@testable import Output
@testable import SCEP

/// What the agent's errors are for who runs the program: exit code, kind, words.
@Suite struct GatewayFailureTests {
    private static let page = Array("\r\n <!DOCTYPE html><title>Sign in</title>".utf8)

    private func failure(
        _ error: AgentError, _ body: [UInt8] = [], isHeld: Bool = false, knowsCapabilities: Bool = false
    ) -> (ExitCode, String, String) {
        let failure = Failure(
            error, body.span, url: Array("http://ca.example/scep".utf8), isHeld: isHeld,
            knowsCapabilities: knowsCapabilities)
        return (
            failure.exit, String(decoding: failure.kind, as: UTF8.self),
            String(decoding: failure.message, as: UTF8.self)
        )
    }

    @Test(arguments: [
        AgentError.scep(.getCACert, .notDER(.html), text: 0..<page.count),
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
        (.scep(.getCACert, .notDER(.empty), text: 0..<0), .network, "not-scep", "empty"),
        (.scep(.getCACert, .notDER(.json), text: 0..<0), .network, "not-scep", "JSON"),
        (.status(.getCACert, 403, text: 0..<0), .network, "http-status", "403"),
        (.status(.pkcsReq, 400, text: 0..<0), .refused, "http-status", "challenge-file"),
        (.status(.pkcsReq, 500, text: 0..<0), .network, "http-status", "the CA is in trouble"),
        (.status(.pkcsReq, 503, text: 0..<0), .network, "http-status", "503"),
        (.status(.getCACaps, 404, text: 0..<0), .network, "http-status", "url and message"),
        (.scep(.getCACert, .belowFloor(.des), text: 0..<0), .trust, "weak-cipher", "add to allow: des"),
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

    /// Why a key failed is said in its provider's words; without any, by its number.
    @Test func aKeysFailureHasItsReason() {
        let keys = KeyProvider()
        func words(_ error: AgentError) -> (ExitCode, String, String) {
            let failure = Failure(error, Span(), keys: keys)
            return (
                failure.exit, String(decoding: failure.kind, as: UTF8.self),
                String(decoding: failure.message, as: UTF8.self)
            )
        }
        let bare = Failure(.failed, of: keys)
        #expect(bare.exit == .storage && bare.kind.equals("key-failed"))
        let number = CryptoError.failed.rawValue
        #expect(String(decoding: bare.message, as: UTF8.self) == "the key cannot be used: error \(number)")
        let plain = [words(.key(.failed)), words(.storage(.corrupt))]
        _ = keys.failed(.wrongPassphrase)
        for (error, before) in zip([AgentError.key(.failed), .storage(.corrupt)], plain) {
            let known = words(error)
            #expect(known.0 == .storage && known.1 == "key-failed" && known != before)
            #expect(known.2.hasPrefix("the passphrase does not open the key"), "\(known.2)")
        }
        #expect(!words(.storage(.full)).2.contains("passphrase") && !words(.stillPending).2.contains("passphrase"))
    }

    /// What came with the CA's certificates and is not trusted may be why a request was refused, or is encrypted to nobody;
    /// it is not why nobody answered.
    @Test(arguments: [
        (Certificate.Role.ca, "a CA", PassedOver.Reason.expired, "it has expired"),
        (.ra, "an RA", .weakDigest, "it is signed with a weak digest"),
        (.other, "a certificate", .unreadable, "its certificate cannot be read"),
    ])
    func whatWasPassedOverIsMentioned(_ role: Certificate.Role, words: String, _ reason: PassedOver.Reason, why: String)
    {
        var list = PassedOver.List()
        let none = list
        // The first that matters.
        list.append(PassedOver(certificate: 0..<1, role: .ca, reason: .notSigned))
        list.append(PassedOver(certificate: 0..<1, role: role, reason: reason))
        list.append(PassedOver(certificate: 0..<1, role: .ca, reason: .pathLength))
        for (error, isMentioned) in [
            (.scep(.getCACert, .noEncryptionCertificate, text: 0..<0), true),
            (.scep(.getCACert, .fingerprintMismatch, text: 0..<0), false),
            (.status(.getCACaps, 500, text: 0..<0), false),
            (.status(.getCACert, 500, text: 0..<0), false), (.status(.getNextCACert, 500, text: 0..<0), false),
            (.status(.pkcsReq, 500, text: 0..<0), true), (.scep(.pkcsReq, .refused(.badRequest), text: 0..<0), true),
            (.status(.getCRL, 500, text: 0..<0), true), (.scep(.certPoll, .unknownSigner, text: 0..<0), true),
            (.exchange(.pkcsReq, .connecting(.refused)), false), (.stillPending, false), (.revoked, false),
        ] as [(AgentError, Bool)] {
            let failure = Failure(error, Span())
            let before = String(decoding: failure.message, as: UTF8.self)
            let told = failure.mentioning(list, after: error)
            #expect(
                String(decoding: told.message, as: UTF8.self) == before
                    + (isMentioned
                        ? "; \(words) that came with the CA's is not trusted, which may be why: \(why) (scep ca shows it)"
                        : ""))
            #expect(told.exit == failure.exit && told.kind == failure.kind)
            #expect(failure.mentioning(none, after: error).message == failure.message)
        }
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
        #expect(message.contains("renewal-type"), "\(message)")
        #expect(!message.contains("subject"), "\(message)")
    }

    /// A page with a status of the server's is the server's trouble, whatever was asked, and not the path's.
    @Test(arguments: [
        AgentError.status(.pkcsReq, 500, text: 0..<page.count), .status(.getCACert, 503, text: 0..<page.count),
    ])
    func pageOfAServerInTroubleIsNotThePaths(_ error: AgentError) {
        let (exit, kind, message) = failure(error, Self.page, knowsCapabilities: true)
        #expect(exit == .network && kind == "http-status", "\(message)")
        #expect(!message.contains("path") && !message.contains("DOCTYPE") && !message.contains("message"), "\(message)")
    }

    /// EJBCA answers GetCACaps to everybody, and GetCACert to who names a CA that it has.
    @Test(arguments: [
        AgentError.status(.getCACert, 404, text: 0..<page.count), .status(.getCACert, 404, text: 0..<0),
        .scep(.getCACert, .notDER(.html), text: 0..<page.count),
    ])
    func unknownNameOfTheCAIsThat(_ error: AgentError) {
        let known = failure(error, Self.page, knowsCapabilities: true).2
        #expect(known.contains("check message") && !known.contains("check url"), "\(known)")
        let unknown = failure(error, Self.page).2
        #expect(unknown.contains("check url and message"), "\(unknown)")
    }

    /// Only an old server is helped by weaker algorithms.
    @Test(arguments: [UInt16(401), 403, 407, 408, 426, 429, 500, 502, 503, 504, 505], [[], page, Array("busy".utf8)])
    func statusThatIsNoSignOfAgeLeadsToNoLeniency(_ status: UInt16, _ body: [UInt8]) {
        for operation in [Operation.getCACaps, .getCACert, .pkcsReq] {
            let message = failure(.status(operation, status, text: 0..<body.count), body).2
            #expect(!message.contains("sha1") && !message.contains("allow"), "\(message)")
        }
    }

    @Test func oldServerIsToldByWhatItAnswers() {
        for error in [
            AgentError.status(.getCACaps, 404, text: 0..<0), .exchange(.getCACaps, .receiving(.reset)),
            .scep(.getCACaps, .noCapabilities, text: 0..<0),
        ] {
            let message = failure(error).2
            #expect(message.contains("if scep ca gets") && message.contains("add to allow: sha1,3des"), "\(message)")
        }
        #expect(!failure(.exchange(.getCACaps, .receiving(.timedOut))).2.contains("allow"))
        #expect(!failure(.scep(.getCACaps, .noCapabilities, text: 0..<Self.page.count), Self.page).2.contains("allow"))
    }

    /// What is wrong with bytes is said as `scep inspect` says it.
    @Test func whatCannotBeReadHasItsReason() {
        let (exit, kind, message) = failure(
            .scep(.pkcsReq, .reply(DERError(.invalidBoolean, at: 312)), text: 0..<2), [0x30, 0])
        #expect(exit == .network && kind == "reply-malformed")
        #expect(message.contains("a BOOLEAN that is not of one octet, at byte 312"), "\(message)")
        #expect(!message.contains("check") && !message.contains("code 8"), "\(message)")
    }

    /// Anybody can add an RA's certificate to what nobody signs.
    @Test func unmarkedRAIsToBeVerifiedFirst() {
        let message = failure(.scep(.getCACert, .unmarkedRA, text: 0..<0)).2
        #expect(message.contains("ask the CA's operator") && !message.contains("allow"), "\(message)")
    }

    @Test func replacedCertificatesAreThoughtOfFirst() throws {
        let message = failure(.scep(.certPoll, .unknownSigner, text: 0..<0)).2
        let replaced = try #require(message.firstRange(of: "replaced"))
        let between = try #require(message.firstRange(of: "in between"))
        #expect(replaced.lowerBound < between.lowerBound, "\(message)")
    }

    @Test func whatWasNotStoredIsSaid() {
        #expect(failure(.scep(.renewalReq, .validityNotExtended, text: 0..<0)).2.contains("was not stored"))
    }
}
