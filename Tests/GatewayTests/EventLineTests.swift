import Foundation
import Testing

@testable import Gateway

/// Event lines as LIFECYCLE.md has them, and what `scep status` is told of them.
@Suite struct EventLineTests {
    private let line =
        "event operation=RenewalReq outcome=issued serial=5b fingerprint=ab transactionID=4F next=renew "
        + #"at=2027-07-25T04:11:09Z subject="CN=a \"b\" \\,\C3\A9,O=x y""#

    private func text(_ bytes: [UInt8]?) -> String? { bytes.map { String(decoding: $0, as: UTF8.self) } }

    @Test func fieldsAreTakenApart() throws {
        let event = try #require(EventLine(Array(line.utf8)))
        #expect(text(event["operation"]) == "RenewalReq")
        #expect(text(event["at"]) == "2027-07-25T04:11:09Z")
        #expect(text(event["subject"]) == #"CN=a \"b\" \\,\C3\A9,O=x y"#)
        #expect(event["error"] == nil)
        #expect(EventLine(Array("warning: the clock".utf8)) == nil)
    }

    @Test func jsonIsOneLineThatFoundationReads() throws {
        let event = try #require(EventLine(Array(line.utf8)))
        let bytes = event.json
        #expect(bytes.filter { $0 == 10 }.count == 1 && bytes.last == 10)
        let json = try #require(JSONSerialization.jsonObject(with: Data(bytes)) as? [String: String])
        #expect(json["outcome"] == "issued")
        #expect(json["subject"] == #"CN=a \"b\" \\,é,O=x y"#)
    }

    /// Lines that end anywhere do not lead beyond their end.
    @Test func anyPartOfALineIsTaken() {
        let bytes = Array(line.utf8)
        for count in 0...bytes.count { _ = EventLine(Array(bytes[..<count])) }
    }

    private func note(_ lines: String...) throws -> StatusFile {
        var status = StatusFile()
        for line in lines { status.note(try #require(EventLine(Array(line.utf8))), at: 1000) }
        return status
    }

    @Test func statusFollowsTheEvents() throws {
        let held = "event operation=- outcome=held serial=5b fingerprint=ab next=renew at=2027-07-25T04:11:09Z"
        let failed = "event operation=RenewalReq outcome=failed error=connection-refused next=retry in=20"
        let status = try note(held, failed)
        #expect(text(status.kind) == "connection-refused")
        #expect(text(status.message) == "RenewalReq did not succeed: connection-refused")
        #expect(text(status.next) == "retry" && status.nextTime == 1020)
        let revoked = try note(held, "event operation=GetCRL outcome=refused error=revoked next=none")
        #expect(text(revoked.revoked) == "ab")
        let cleared = try note(
            held, "event operation=GetCRL outcome=refused error=revoked next=none",
            "event operation=GetCRL outcome=not-revoked serial=5b fingerprint=ab next=none")
        #expect(cleared.revoked.isEmpty && cleared.kind.isEmpty && cleared.next.isEmpty)
        let pending = try note("event operation=PKCSReq outcome=pending transactionID=4F next=poll in=60")
        #expect(text(pending.transactionID) == "4F" && text(pending.next) == "poll" && pending.kind.isEmpty)
    }
}
