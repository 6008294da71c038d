import Authority
import Foundation
import Testing

/// Event lines as a fleet's tool reads them: exact fields, against what `openssl` and the CA know.
@Suite struct LifeEventTests {
    @Test func linesTellALife() throws {
        let life = try Life(["check": "crl,certificate", "subject": "CN=sensor \\\"7\\\",O=Example\\, Inc."])
        let run = life.powerUp()
        #expect(run.lines.filter { $0.hasPrefix("event") }.count == run.events.count, "every event line can be read")
        #expect(run.events.map(\.operation) == ["PKCSReq", "GetCRL", "GetCert"])
        #expect(run.events.map(\.outcome) == ["issued", "not-revoked", "known"])
        let certificate = try #require(try life.identity())
        for event in run.events {
            #expect(event["serial"] == certificate.serialText)
            #expect(event["notAfter"] == certificate.notAfter.formatted(.iso8601))
            #expect(try event["fingerprint"] == certificate.fingerprint(.sha256).hexadecimal)
            #expect(event["subject"] == #"CN=sensor \"7\",O=Example\, Inc."#)
            #expect(event["next"] == "renew")
            #expect(event["error"] == nil && event["in"] == nil)
        }
        let due = certificate.notBefore.addingTimeInterval(
            certificate.notAfter.timeIntervalSince(certificate.notBefore) * 2 / 3)
        let event = try #require(run.events.first)
        #expect(event["at"] == due.formatted(.iso8601))
        #expect(event["transactionID"] == life.authority.transactions().first?.transactionID)
        #expect(Set(run.events.map { $0["transactionID"] }).count == 3)

        let again = life.powerUp()
        #expect(again.events.first?["operation"] == "-" && again.events.first?["outcome"] == "current")
        #expect(again.events.first?["transactionID"] == nil)
    }

    /// Words of a CA cannot make lines, nor fields.
    @Test func wordsOfTheCAStayInTheirLine() throws {
        let life = try Life()
        let run = life.powerUp(
            FaultRule(.failure(Refusal(.badRequest, "no\nevent operation=PKCSReq outcome=issued next=none"))))
        #expect(run.verdict == "refused")
        #expect(run.events.map(\.outcome) == ["refused"])
        #expect(run.events.first?["error"] == "refused" && run.events.first?["next"] == "none")
    }

    /// No space for it in a line: it is left out, and nothing else.
    @Test func longSubjectIsLeftOut() throws {
        let name = (0..<6).map { "OU=\($0)" + String(repeating: "x", count: 60) }.joined(separator: ",")
        let life = try Life(["subject": "CN=sensor,\(name)"])
        let run = life.powerUp()
        let event = try #require(run.events.last, "\(run.lines)")
        #expect(event.outcome == "issued" && event["subject"] == nil)
        #expect(event["serial"] == (try life.identity()?.serialText))
        #expect(run.lines.allSatisfy { $0.utf8.count <= 480 })
    }
}
