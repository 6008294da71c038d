import enum Agent.Operation
import Board
import Foundation
import PretendedSystem
import SCEP
import TestSupport
import Testing

@testable import Agent
@testable import Gateway
@testable import Output

/// One event, and its four ways out: the line of Docs/Lifecycle.md, the JSON, the status, and what a failure is called.
@Suite struct GatewayEventTests {
    /// A subject that has what each way out escapes: a quote, a comma, letters, and what turns the reading around.
    private static let subject = "/O=x, \"y\"/CN=\u{202E}é"

    private static func identity() throws -> OpenSSLIdentity { try certificate.get() }
    private static let certificate = Result { try OpenSSLIdentity(subject: subject, newKey: ["rsa:2048", "-utf8"]) }

    private static func transactionID() -> InlineArray<32, UInt8> {
        var text = InlineArray<32, UInt8>(repeating: UInt8(ascii: "4"))
        text[31] = UInt8(ascii: "F")
        return text
    }

    private func event(
        _ outcome: Event.Outcome, _ operation: Operation?, _ failure: AgentError? = nil, hasCertificate: Bool = false,
        hasTransaction: Bool = false,
        next: Event.Next = .nothing
    ) throws -> (event: Event, work: [UInt8]) {
        let der = try Self.identity().der
        return (
            Event(
                outcome: outcome, failure: failure, operation: operation,
                certificate: hasCertificate ? 3..<(3 + der.count) : nil,
                transactionID: hasTransaction ? Self.transactionID() : nil, next: next, knowsCapabilities: false,
                isOfEnrolment: false),
            [1, 2, 3] + der
        )
    }

    private func line(_ event: Event, _ work: [UInt8]) -> String {
        var line = Line()
        line.append(event, work.span)
        return String(decoding: Array(Text(line.span)), as: UTF8.self)
    }

    private func json(_ event: Event, _ work: [UInt8]) throws -> (text: String, fields: NSDictionary) {
        var report = Report(.json)
        event.write(to: &report, work.span)
        let bytes = report.finish()
        let parsed = try #require(JSONSerialization.jsonObject(with: Data(bytes)) as? NSDictionary)
        return (String(decoding: bytes, as: UTF8.self), parsed)
    }

    /// What OpenSSL says of the certificate.
    private func known(_ what: String) throws -> String {
        let output = try OpenSSL.run(
            ["x509", "-noout"] + what.split(separator: " ").map(String.init), input: Self.identity().certificate)
        let text = String(decoding: output, as: UTF8.self).trimmingCharacters(in: .whitespacesAndNewlines)
        return String(text.split(separator: "=", maxSplits: 1)[1])
    }

    @Test func lineAndJSONSayWhatOpenSSLSays() throws {
        let (event, work) = try event(
            .issued, .renewalReq, hasCertificate: true, hasTransaction: true, next: .renew(time: 1_816_488_669))
        let serial = try known("-serial").lowercased()
        let fingerprint = try known("-fingerprint -sha256").replacing(":", with: "").lowercased()
        let notAfter = try known("-enddate -dateopt iso_8601").replacing(" ", with: "T")
        let id = String(repeating: "4", count: 31) + "F"
        let head =
            "event operation=RenewalReq outcome=issued serial=\(serial) notAfter=\(notAfter) fingerprint=\(fingerprint) "
            + "transactionID=\(id) next=renew at=2027-07-25T04:11:09Z "
        #expect(line(event, work) == head + ##"subject="CN=\E2\80\AE\C3\A9,O=x\, \"y\"""##)
        let (text, fields) = try json(event, work)
        #expect(
            fields == [
                "operation": "RenewalReq", "outcome": "issued", "serial": serial, "notAfter": notAfter,
                "fingerprint": fingerprint, "transactionID": id, "next": "renew", "at": "2027-07-25T04:11:09Z",
                "subject": ##"CN=\E2\80\AEé,O=x\, \"y\""##,
            ] as NSDictionary)
        #expect(text.filter { $0 == "\n" }.count == 1 && text.hasSuffix("\n") && !text.contains("\u{202E}"))
    }

    @Test(arguments: [
        (Event.Next.nothing, "none"), (.poll(seconds: 60), "poll in=60"), (.retry(seconds: 0), "retry in=0"),
        (.renew(time: 0), "renew at=1970-01-01T00:00:00Z"), (.nextCA(time: 86_400), "next-ca at=1970-01-02T00:00:00Z"),
        (.takeOver(time: 86_401), "take-over at=1970-01-02T00:00:01Z"),
    ])
    func whatIsNextIsSaidAlike(_ next: Event.Next, _ words: String) throws {
        let (event, work) = try event(.refused, nil, .stillPending, next: next)
        #expect(line(event, work) == "event operation=- outcome=refused error=still-pending next=\(words)")
        let (_, fields) = try json(event, work)
        let parts = words.split(whereSeparator: { $0 == " " || $0 == "=" }).map(String.init)
        #expect(fields["operation"] as? String == "-" && fields["error"] as? String == "still-pending")
        #expect(fields["next"] as? String == parts[0])
        #expect(fields["in"] as? Int == (parts.count > 1 && parts[1] == "in" ? Int(parts[2]) : nil))
        #expect(fields["at"] as? String == (parts.count > 1 && parts[1] == "at" ? parts[2] : nil))
    }

    private func note(_ events: (event: Event, work: [UInt8])...) -> StatusFile {
        var status = StatusFile()
        for (event, work) in events {
            var failure: Failure?
            if let error = event.failure { failure = Failure(error, work.span) }
            status.note(event, work.span, failure, at: 1000)
        }
        return status
    }

    /// What is advised about a refusal depends on whether there is a certificate already, and whether it is about that one.
    @Test(arguments: [
        (true, false, "scep enroll --again asks for a new one"), (true, true, "check challenge-file and subject"),
        (false, false, "check challenge-file and subject"), (false, true, "check challenge-file and subject"),
    ])
    func aFailureIsExplainedByWhatThereIs(isHeld: Bool, isOfEnrolment: Bool, words: String) throws {
        var settings = Settings()
        _ = settings.set(.quiet, Text("yes"), from: .commandLine)
        var progress = try Gateway.Progress(settings)
        progress.isHeld = isHeld
        let event = Event(
            outcome: .refused, failure: .scep(.renewalReq, .refused(.badRequest), text: 0..<0), operation: .renewalReq,
            certificate: nil, transactionID: nil, next: .nothing, knowsCapabilities: false,
            isOfEnrolment: isOfEnrolment)
        progress.logEvent(event, Span())
        #expect(text(progress.status.message).contains(words), "\(text(progress.status.message))")
        #expect(text(progress.status.kind) == "refused" && progress.status.time > 1_700_000_000)
        // A clock that was not set says nothing.
        atTime(0) { progress.logEvent(event, Span()) }
        #expect(progress.status.time == 0)
    }

    private func text(_ bytes: [UInt8]) -> String { String(decoding: bytes, as: UTF8.self) }

    @Test func statusFollowsTheEvents() throws {
        let held = try event(.current, nil, hasCertificate: true, next: .renew(time: 1_816_488_669))
        let failed = try event(
            .failed, .renewalReq, .exchange(.renewalReq, .connecting(.refused)), next: .retry(seconds: 20))
        let status = note(held, failed)
        #expect(text(status.kind) == "connection-refused")
        #expect(text(status.message).hasPrefix("nothing listens at url; is the CA running?"))
        #expect(text(status.next) == "retry" && status.nextTime == 1020)
        let fingerprint = try known("-fingerprint -sha256").replacing(":", with: "").lowercased()
        let revoked = try event(.refused, .getCRL, .revoked)
        #expect(text(note(held, revoked).revoked) == fingerprint)
        let cleared = note(held, revoked, try event(.notRevoked, .getCRL, hasCertificate: true))
        #expect(cleared.revoked.isEmpty && cleared.kind.isEmpty && cleared.next.isEmpty)
        let asked = try event(.pending, .pkcsReq, hasTransaction: true, next: .poll(seconds: 60))
        let pending = note(asked)
        #expect(text(pending.transactionID).hasSuffix("F") && text(pending.next) == "poll" && pending.kind.isEmpty)
        // What may pass leaves the request as it is; what is final ends it.
        #expect(!note(asked, failed).transactionID.isEmpty)
        let refused = try event(.refused, .certPoll, .scep(.certPoll, .refused(.badRequest), text: 0..<0))
        #expect(note(asked, refused).transactionID.isEmpty)
    }
}
