import Agent
import Authority
import Board
import LibCrypto
import SimulatedStorage
import Testing

/// Storage that firmware of format version 2 left, with the fingerprints' text where CAs stand now (Docs/Storage.md).
@Suite struct LifeFormerVersionTests {
    /// A device of version 2 that went through a rollover, under the fingerprint of the first CA.
    @Test func afterARollover() throws {
        let life = try Rollover.life()
        #expect(life.powerUp().verdict == "done")
        life.pass(days: 45)
        #expect(life.powerUp().verdict == "done")
        life.pass(days: 6)
        try life.authority.rollOver()
        #expect(life.powerUp().events.map(\.outcome) == ["current", "taken-over"])
        let pin = life.settings["fingerprint"]
        try rewrite(life) { $0[7] = try downgrade($0[7], origin: pin, identityOrigin: pin) }
        life.pass(days: 45)
        let run = life.powerUp()
        #expect(run.operations.last == "RenewalReq")
        #expect(run.verdict == "done")
    }

    /// The same, before its time: two CAs side by side.
    @Test func duringARollover() throws {
        let life = try Rollover.life()
        #expect(life.powerUp().verdict == "done")
        life.pass(days: 45)
        #expect(life.powerUp().verdict == "done")
        let pin = life.settings["fingerprint"]
        try rewrite(life) { $0[7] = try downgrade($0[7], origin: pin, identityOrigin: pin) }
        life.pass(days: 6)
        try life.authority.rollOver()
        _ = life.powerUp()
        life.pass(days: 30)
        let run = life.powerUp()
        #expect(run.verdict == "done")
    }

    /// Version 2: an identity of A, and the certificates of B, to whom a request went that was refused.
    @Test func anotherCAsCertificatesAreStored() throws {
        let life = try Life()
        #expect(life.powerUp().verdict == "done")
        let identity = try life.identity()
        let other = try life.makeAuthority { $0.name = "Another CA" }
        let pin = life.settings["fingerprint"]
        let otherPin = try other.trustAnchor.fingerprint(.sha256).hexadecimal
        try rewrite(life) {
            $0[3] = other.trustAnchor.der
            $0[7] = try downgrade($0[7], origin: otherPin, identityOrigin: pin)
        }
        life.replaceAuthority(other)
        life.settings["fingerprint"] = try other.trustAnchor.fingerprint(.sha256).hexadecimal
        life.settings["challenge"] = try other.addPassword(device: "")
        _ = life.powerUp()
        life.pass(days: 25)
        _ = life.powerUp()
        #expect(try life.identity() != identity, "A's certificate counts as B's")
    }

    // MARK: Making it

    private func rewrite(_ life: Life, _ change: (inout [UInt8: [UInt8]]) throws -> Void) throws {
        var records = try life.records()
        try change(&records)
        var store = IdentityStore(
            NORSnapshots<LifeFlash, 512>(LifeFlash(life: life), capacity: Life.Device.snapshotCapacity))
        try store.open()
        try store.begin(bodySize: records.values.reduce(0) { $0 + 3 + $1.count })
        for (number, bytes) in records.sorted(by: { $0.key < $1.key }) {
            try store.append(#require(StoredRecord(rawValue: number)), bytes.span)
        }
        try store.commit()
    }

    /// As firmware of version 2 left it: origins in place of anchors.
    ///
    /// - Parameters:
    ///   - origin: the fingerprints under which the CA's certificates are trusted.
    ///   - identityOrigin: those under which the identity was issued.
    private func downgrade(_ state: [UInt8]?, origin: String?, identityOrigin: String?) throws -> [UInt8] {
        var old = Array(try #require(state)[..<77])
        old.replaceSubrange(0..<16, with: try Digest.sha256.hash(Array(#require(origin).utf8)).prefix(16))
        old.replaceSubrange(61..<77, with: try Digest.sha256.hash(Array(#require(identityOrigin).utf8)).prefix(16))
        return old
    }
}
