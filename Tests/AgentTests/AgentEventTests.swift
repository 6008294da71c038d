import Board
import DeviceCrypto
import HTTP
import PKIX
import SCEP
import TestSupport
import Testing

@testable import Agent

/// The lines of events, field by field, as Docs/Lifecycle.md has them.
@Suite struct AgentEventTests {
    private static func string(_ bytes: Span<UInt8>) -> String {
        String(decoding: bytes.indices.map { bytes[$0] }, as: UTF8.self)
    }

    private static func line(_ event: borrowing Event, _ work: [UInt8] = []) -> String {
        var line = Line()
        line.append(event, work.span)
        return string(line.span)
    }

    private static func event(
        _ outcome: Event.Outcome, _ operation: Operation? = nil, failure: AgentError? = nil,
        certificate: Range<Int>? = nil, transactionID: InlineArray<32, UInt8>? = nil, next: Event.Next = .nothing
    ) -> Event {
        Event(
            outcome: outcome, failure: failure, operation: operation, certificate: certificate,
            transactionID: transactionID, next: next, knowsCapabilities: false, isOfEnrolment: false)
    }

    @Test func fieldsHaveTheirWords() {
        let outcomes: [(Event.Outcome, String)] = [
            (.current, "current"), (.issued, "issued"), (.issuedEarly, "issued-early"), (.takenOver, "taken-over"),
            (.pending, "pending"), (.nextCA, "next-ca"), (.notRevoked, "not-revoked"), (.known, "known"),
            (.failed, "failed"), (.refused, "refused"),
        ]
        for (outcome, word) in outcomes {
            #expect(Self.line(Self.event(outcome)) == "event operation=- outcome=\(word) next=none")
        }
        let operations: [(Operation, String)] = [
            (.getCACaps, "GetCACaps"), (.getCACert, "GetCACert"), (.getNextCACert, "GetNextCACert"),
            (.pkcsReq, "PKCSReq"), (.renewalReq, "RenewalReq"), (.certPoll, "CertPoll"), (.getCert, "GetCert"),
            (.getCRL, "GetCRL"),
        ]
        #expect(operations.count == Errors.operations.count)
        for (operation, word) in operations {
            #expect(Self.line(Self.event(.pending, operation)) == "event operation=\(word) outcome=pending next=none")
        }
        let nexts: [(Event.Next, String)] = [
            (.nothing, "none"), (.poll(seconds: 60), "poll in=60"), (.retry(seconds: 0), "retry in=0"),
            (.renew(time: 0), "renew at=1970-01-01T00:00:00Z"),
            (.nextCA(time: 1_767_225_600), "next-ca at=2026-01-01T00:00:00Z"),
            (.takeOver(time: 1_767_225_661), "take-over at=2026-01-01T00:01:01Z"),
        ]
        for (next, words) in nexts {
            #expect(Self.line(Self.event(.current, next: next)) == "event operation=- outcome=current next=\(words)")
        }
        var identifier = InlineArray<32, UInt8>(repeating: 0x41)
        identifier[31] = 0x42
        let text = String(repeating: "A", count: 31) + "B"
        #expect(
            Self.line(
                Self.event(
                    .failed, .pkcsReq, failure: .exchange(.pkcsReq, .connecting(.refused)), transactionID: identifier,
                    next: .retry(seconds: 7)))
                == "event operation=PKCSReq outcome=failed error=connection-refused transactionID=\(text) next=retry in=7"
        )
    }

    /// Serial number, end, fingerprint and name as openssl reads them; what cannot be read is left out.
    @Test func certificatesAreNamed() throws {
        let identity = try OpenSSLIdentity(
            subject: "/O=Example/CN=sensor", for: .rsa, issuedBy: .authority, from: "20260101000000Z",
            until: "20260411010203Z")
        func openssl(_ option: String...) throws -> String {
            let words = try OpenSSL.run(["x509", "-noout"] + option, input: identity.certificate)
            return String(decoding: words, as: UTF8.self).split(separator: "=").last.map {
                $0.filter { $0 != ":" && $0 != "\n" }.lowercased()
            } ?? ""
        }
        let work = [0xEE, 0xEE] + identity.der
        let expected =
            try "event operation=- outcome=current serial=\(openssl("-serial")) notAfter=2026-04-11T01:02:03Z"
            + " fingerprint=\(openssl("-fingerprint", "-sha256")) next=none subject=\"CN=sensor,O=Example\""
        #expect(Self.line(Self.event(.current, certificate: 2..<work.count), work) == expected)
        #expect(
            Self.line(Self.event(.current, certificate: 1..<work.count), work)
                == "event operation=- outcome=current next=none")
        let nameless = try OpenSSLIdentity(subject: "/", for: .rsa)
        let line = Self.line(Self.event(.current, certificate: 0..<nameless.der.count), nameless.der)
        #expect(line.contains(" serial=") && line.hasSuffix(" next=none"), "\(line)")
    }

    /// A serial number of 20 octets (RFC 5280, 4.1.2.2) and the longest subject that is shown: none of it is cut off.
    @Test(arguments: [(22, true), (23, false)]) func longestLineFits(length: Int, isShown: Bool) throws {
        let (long, name) = (String(repeating: "o", count: 64), String(repeating: "n", count: length))
        let der = try withTemporaryDirectory { directory in
            try OpenSSL.run([
                "req", "-x509", "-key", directory.write(TestKey.rsa.pem, to: "key"), "-outform", "DER", "-subj",
                "/O=\(long)/OU=\(long)/CN=\(name)", "-set_serial", "0x7F" + String(repeating: "FF", count: 19),
            ])
        }
        let end = isShown ? " subject=\"CN=\(name),OU=\(long),O=\(long)\"" : ""
        let outcomes: [Event.Outcome] = [.current, .issued, .issuedEarly, .takenOver, .notRevoked, .known]
        let nexts: [(Event.Next, String)] = [
            (.poll(seconds: 604_800), "poll in=604800"), (.retry(seconds: 604_800), "retry in=604800"),
            (.renew(time: 253_402_300_799), "renew at=9999-12-31T23:59:59Z"),
            (.nextCA(time: 253_402_300_799), "next-ca at=9999-12-31T23:59:59Z"),
            (.takeOver(time: 253_402_300_799), "take-over at=9999-12-31T23:59:59Z"),
        ]
        let identifier = InlineArray<32, UInt8>(repeating: 0x41)
        for outcome in outcomes {
            for operation in Errors.operations {
                for (next, words) in nexts {
                    let event = Self.event(
                        outcome, operation, certificate: 0..<der.count, transactionID: identifier, next: next)
                    let line = Self.line(event, der)
                    #expect(line.hasSuffix(" next=\(words)\(end)"))
                }
            }
        }
    }

    /// What of an event depends on what is going on: what comes next, and when.
    @Test func whatComesNextIsTold() throws {
        struct Journal: AgentLog {
            var lines: [String] = []

            mutating func write(line: Span<UInt8>) { lines.append(AgentEventTests.string(line)) }
        }
        let bench = try AgentBench("jitter=0", "renew=50")
        try bench.putIdentity()
        func told(_ outcome: Event.Outcome, _ occurrences: Occurrence...) throws -> String? {
            try bench.start()
            // Half of a hundred days, but for the next CA: its certificate begins when the tests do.
            bench.agent.tried = Goals(.nextCA)
            for occurrence in occurrences { bench.agent.move(occurrence) }
            bench.agent.event = Happening(outcome, nil)
            let text = bench.text
            let configuration = try Configuration(text.span)
            var log = Journal()
            let work = bench.work
            bench.agent.logEvent(configuration, uptime: bench.uptime, work.span, &log)
            // Once.
            bench.agent.logEvent(configuration, uptime: bench.uptime, work.span, &log)
            #expect(log.lines.count <= 1)
            return log.lines.first.map { String($0.split(separator: "next=")[1].split(separator: " subject")[0]) }
        }
        #expect(try told(.pending, .undecided(seconds: 60)) == "poll in=60")
        #expect(try told(.failed, .tooEarly(seconds: 9)) == "retry in=9")
        #expect(try told(.current, .idle(seconds: 9)) == "renew at=2026-02-20T00:00:00Z")
        #expect(try told(.current, .nothingDue) == "renew at=2026-02-20T00:00:00Z")
        // What is to be stored has not happened.
        #expect(try told(.issued, .due(.giveUp)) == nil)
        // Without an identity, nothing comes by itself.
        bench.store = AgentTests.blankStore()
        try bench.store.open()
        #expect(try told(.refused, .nothingDue) == "none")
    }
}
