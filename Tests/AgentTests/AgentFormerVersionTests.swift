import SCEP
import TestSupport
import Testing

@testable import Agent

/// Storage of version 2 (Docs/Storage.md): a shorter state, with digests of the fingerprints' text where anchors stand now, and
/// a shorter transaction, with another digest of what was asked for.
@Suite struct AgentFormerVersionTests {
    private func digest(_ text: String) throws -> [UInt8] {
        try Array(OpenSSL.run(["dgst", "-sha256", "-binary"], input: Array(text.utf8)).prefix(16))
    }

    /// Stores what a life has as version 2 did.
    ///
    /// - Parameters:
    ///   - trusted: the fingerprints under which the stored certificates of the CA are trusted.
    ///   - issued: those under which the identity was issued.
    private func downgrade(
        _ life: DeviceLife, trusted: String, issued: String, replacing: [StoredRecord: [UInt8]] = [:]
    ) throws {
        let records = try life.records().map { record in
            var value = try #require(try replacing[record] ?? life.record(record))
            if record == .state {
                value = Array(value[..<77])
                value.replaceSubrange(0..<16, with: try digest(trusted))
                value.replaceSubrange(61..<77, with: try digest(issued))
            }
            if record == .transaction {
                value = Array(value[..<78])
                value.replaceSubrange(65..<69, with: [0xEE, 0xEE, 0xEE, 0xEE])
            }
            return (record, value)
        }
        try write(records, to: &life.store)
    }

    @Test func transactionIsGoneOnWith() throws {
        for isPending in [true, false] {
            let life = try DeviceLife("polls=1", "retries=0", "challenge=once")
            life.authority.answer = { number, _ in number > 2 ? .issue : isPending ? .pending : .status(503) }
            _ = try life.powerUp()
            try downgrade(life, trusted: life.fingerprint, issued: life.fingerprint)
            life.authority.answer = { _, _ in .issue }
            let run = try life.powerUp()
            #expect(run.verdict == "done", "\(run.lines)")
            #expect(Set(life.authority.asked.map(\.transactionID)).count == 1)
            #expect(life.authority.asked.last?.messageType == (isPending ? "20" : "19"))
            #expect(try life.record(.state)?.count == 119)
        }
    }

    /// The identity is of the CA whose fingerprints' text is remembered, or whose certificate is stored.
    @Test func identityIsOfTheCAThatIssuedIt() throws {
        let other = try OpenSSLIdentity(
            authority: "/O=Example/CN=Another CA", from: "20250701000000Z", until: "20290701000000Z")
        let own = try OpenSSLAuthority.shared.fingerprint()
        let spelled = own.lowercased().replacing(":", with: "")
        // Whether the certificates that are stored are another CA's, the digests, what is configured, and what is asked.
        let rows: [(isDivided: Bool, trusted: String, issued: String, configured: String, asksNothing: Bool)] = [
            (false, own, own, own, true), (false, own, own, spelled, true), (false, "x", "x", own, true),
            (true, "x", own, own, true), (true, own, "x", own, false),
        ]
        for row in rows {
            let life = try DeviceLife("jitter=0")
            #expect(try life.powerUp().verdict == "done")
            life.pass(days: 1)
            try downgrade(
                life, trusted: row.trusted, issued: row.issued,
                replacing: row.isDivided && row.issued == own ? [.caCertificates: other.der] : [:])
            life.fingerprint = row.configured
            let run = try life.powerUp()
            #expect(run.verdict == "done", "\(row): \(run.lines)")
            #expect(run.operations.isEmpty == row.asksNothing, "\(row): \(run.operations)")
            // Else it enrols.
            #expect(life.authority.asked.map(\.messageType) == (row.asksNothing ? ["19"] : ["19", "19"]))
        }
    }

    /// What vouched for the CA is known again by the first of the fingerprints, also when the CA has a successor by then.
    @Test func anchorIsTakenOver() throws {
        for digest in ["sha256", "sha512"] {
            let life = try DeviceLife("jitter=0")
            let former = life.authority.identity
            life.fingerprint = try former.fingerprint(digest)
            #expect(try life.powerUp().verdict == "done")
            let successor = try OpenSSLIdentity(authority: former, from: "20260101000000Z", until: "20320101000000Z")
            life.authority.identity = successor
            try downgrade(
                life, trusted: life.fingerprint, issued: life.fingerprint, replacing: [.caCertificates: successor.der])
            life.pass(days: 1)
            let run = try life.powerUp()
            #expect(run.verdict == "done" && run.operations.isEmpty, "\(run.lines)")
            // And is stored with what is stored next.
            life.pass(days: 70)
            let renewed = try life.powerUp()
            #expect(renewed.verdict == "done", "\(renewed.lines)")
            #expect(life.authority.asked.map(\.messageType) == ["19", "17"])
            #expect(try life.powerUp().operations.isEmpty)
        }
    }
}
