import Foundation
import Ledger
import StationSupport
import TestSupport
import Testing

@Suite("The audit trail shows what was done to it")
struct AuditTests {
    private func withTrail(_ place: LedgerPlace, _ body: (Ledger, String) throws -> Void) throws {
        try place.withAddress { address in
            let ledger = try place.open(address)
            try ledger.plan(["s1", "s2"])
            try ledger.provision("s1", fingerprint: "f1")
            try ledger.provision("s2", fingerprint: "f2")
            try body(ledger, address)
        }
    }

    @Test(arguments: LedgerPlace.allCases)
    func theTablesRefuseToBeChanged(place: LedgerPlace) throws {
        try withTrail(place) { ledger, address in
            for statement in [
                "UPDATE audit SET actor = 'Eve' WHERE seq = 3", "DELETE FROM audit WHERE seq = 3", "DELETE FROM audit",
            ] {
                #expect(throws: ProgramFailure.self) { try place.tamper(address, statement) }
            }
            if place == .sqlite {
                #expect(throws: ProgramFailure.self) {
                    try place.tamper(
                        address,
                        "INSERT OR REPLACE INTO audit SELECT seq, prev, at, station, 'Eve', action, subject, detail, digest FROM audit WHERE seq = 3"
                    )
                }
            } else {
                #expect(throws: ProgramFailure.self) { try place.tamper(address, "TRUNCATE audit") }
            }
            let head = try ledger.verifyAudit()
            #expect(head.sequence == 15)
        }
    }

    /// What somebody who owns the database can do all the same.
    private static func force(_ place: LedgerPlace, _ address: String, _ statements: String) throws {
        try place.tamper(
            address,
            place == .sqlite
                ? "DROP TRIGGER audit_no_update; DROP TRIGGER audit_no_delete; DROP TRIGGER audit_no_replace; \(statements)"
                : "DROP TRIGGER audit_no_change ON audit; \(statements)")
    }

    @Test(
        arguments: LedgerPlace.allCases,
        [
            ("UPDATE audit SET actor = 'Eve' WHERE seq = 3", AuditFault.altered(sequence: 3)),
            ("UPDATE audit SET at = '2020-01-01T00:00:00.000Z' WHERE seq = 1", .altered(sequence: 1)),
            ("UPDATE audit SET detail = '{}' WHERE seq = 4", .altered(sequence: 4)),
            ("UPDATE audit SET subject = 's2' WHERE seq = 4", .altered(sequence: 4)),
            ("DELETE FROM audit WHERE seq = 5", .gap(sequence: 6)),
            ("DELETE FROM audit WHERE seq = 1", .gap(sequence: 2)),
            ("DELETE FROM audit WHERE seq = 5; UPDATE audit SET seq = 5 WHERE seq = 15", .broken(sequence: 5)),
        ])
    func whatWasChangedIsFound(place: LedgerPlace, change: (String, AuditFault)) throws {
        try withTrail(place) { ledger, address in
            try Self.force(place, address, change.0)
            #expect(throws: change.1) { try ledger.verifyAudit() }
        }
    }

    @Test(
        arguments: LedgerPlace.allCases,
        [
            "UPDATE attempts SET state = 'failed' WHERE serial = 's1'",
            "UPDATE attempts SET fingerprint = 'f9' WHERE serial = 's2'",
            "DELETE FROM attempts WHERE serial = 's1'",
            "UPDATE certificates SET status = 'superseded' WHERE serial = 's1'",
            "UPDATE certificates SET fingerprint = 'f9' WHERE serial = 's1'",
            "DELETE FROM certificates WHERE serial = 's2'",
            "UPDATE attempts SET number = 2 WHERE serial = 's2'",
        ])
    func whatTheTablesSayIsHeldAgainstTheTrail(place: LedgerPlace, change: String) throws {
        try withTrail(place) { ledger, address in
            try place.tamper(address, change)
            let fault = #expect(throws: AuditFault.self) { try ledger.verifyAudit() }
            switch fault {
            case .tableDiffers, .certificatesMissing: break
            default: Issue.record("\(String(describing: fault))")
            }
        }
    }

    /// Whatever a line does, its tables are what the trail says.
    @Test(arguments: LedgerPlace.allCases)
    func everyWayOfADeviceIsToldByTheTrail(place: LedgerPlace) throws {
        let clock = TestClock()
        try place.withLedger(clock) { ledger in
            try ledger.plan((1...8).map { "s\($0)" })
            try ledger.provision("s1", fingerprint: "f1")
            try ledger.retire("s1", reason: "r", by: .first)
            try ledger.provision("s2", fingerprint: "f2")
            try ledger.rework("s2", reason: "r", by: .first)
            try ledger.provision("s2", fingerprint: "f22")
            try ledger.scrap("s3", reason: "r", by: .first)
            try ledger.provision("s4", fingerprint: "f4")
            try ledger.scrap("s4", reason: "r", by: .first)
            let refused = FailureCause(kind: "refused", sentence: "a \"attempt\":9 b", excludesCertificate: true)
            try ledger.record(.failed(refused), of: ledger.taken("s5"), by: .first)
            try ledger.provision("s5", fingerprint: "f5")
            try ledger.record(
                .certificate("f6"),
                of: ledger.record(.requested(transactionID: "t"), of: ledger.taken("s6"), by: .first), by: .first)
            clock.move(seconds: 100_000)
            try ledger.rework("s6", reason: "r", by: .second)
            _ = try ledger.taken("s7", lease: 1)
            clock.move(seconds: 100)
            _ = try ledger.taken("s7", by: .second)
            #expect(try ledger.verifyAudit().sequence > 30)
        }
    }

    @Test(arguments: LedgerPlace.allCases)
    func aCheckpointShowsALostEndAndANewTrail(place: LedgerPlace) throws {
        try withTrail(place) { ledger, address in
            let head = try ledger.auditHead()
            try Self.force(place, address, "DELETE FROM audit WHERE seq > 8")
            #expect(throws: AuditFault.tableDiffers(serial: "s2", attempt: 1)) { try ledger.verifyAudit() }
            // Whoever cuts it off has the tables say the same.
            try place.tamper(
                address,
                "UPDATE devices SET attempt = 0 WHERE serial = 's2'; DELETE FROM certificates WHERE serial = 's2'; DELETE FROM attempts WHERE serial = 's2'"
            )
            #expect(try ledger.verifyAudit().sequence == 8, "that alone does not show it")
            #expect(throws: AuditFault.truncated(last: 8, checkpoint: 15)) {
                try ledger.verifyAudit(against: [head])
            }
            // Work goes on behind the cut.
            try ledger.plan(["s3"], batch: "B2")
            try ledger.provision("s3", fingerprint: "f3")
            #expect(throws: AuditFault.replaced(checkpoint: 15)) {
                try ledger.verifyAudit(against: [head])
            }
        }
    }

    /// The trail was made anew, and as long, and the station signed it: that does not speak for it against what was kept.
    @Test(arguments: LedgerPlace.allCases)
    func everyCheckpointHasToHold(place: LedgerPlace) throws {
        try withTrail(place) { ledger, address in
            let kept = try ledger.auditHead()
            try Self.force(
                place, address,
                "DELETE FROM audit WHERE seq = 15; UPDATE attempts SET state = 'delivered' WHERE serial = 's2'")
            try ledger.plan(["s3"], batch: "B2")
            let anew = try ledger.auditHead()
            #expect(anew.sequence == kept.sequence)
            for checkpoints in [[kept, anew], [anew, kept]] {
                #expect(throws: AuditFault.replaced(checkpoint: 15)) { try ledger.verifyAudit(against: checkpoints) }
            }
            #expect(try ledger.verifyAudit(against: [anew, anew]) == anew)
        }
    }

    /// Whoever has only the table, and `sha256sum`, comes to the same digests.
    @Test func anotherProgramVerifiesTheChain() throws {
        try withTrail(.sqlite) { ledger, address in
            let program = """
                import hashlib, json, sqlite3, sys
                prev = "0" * 64
                for seq, p, at, station, actor, action, subject, detail, digest in sqlite3.connect(sys.argv[1]).execute(
                        "SELECT seq, prev, at, station, actor, action, subject, detail, digest FROM audit ORDER BY seq"):
                    entry = dict(seq=seq, prev=p, at=at, station=station, actor=actor, action=action, subject=subject,
                                 detail=json.loads(detail))
                    text = json.dumps(entry, ensure_ascii=False, separators=(",", ":"), sort_keys=True)
                    assert p == prev and hashlib.sha256(text.encode()).hexdigest() == digest, seq
                    prev = digest
                print(seq, prev)
                """
            let output = try runProgram("/usr/bin/python3", ["-c", program, address]).output
            let head = try ledger.verifyAudit()
            #expect(String(decoding: output, as: UTF8.self) == "\(head.sequence) \(head.digest)\n")
        }
    }

    @Test(arguments: LedgerPlace.allCases)
    func stationsThatWriteAtOnceMakeOneChain(place: LedgerPlace) throws {
        try place.withAddress { address in
            let ledgers = try (0..<4).map { _ in try place.open(address) }
            try ledgers[0].plan((0..<40).map { "s\($0)" })
            let failures = Failures()
            DispatchQueue.concurrentPerform(iterations: 8) { worker in
                do {
                    for device in stride(from: worker, to: 40, by: 8) {
                        try ledgers[worker % 4].provision("s\(device)", fingerprint: "f\(device)")
                    }
                } catch {
                    failures.add("\(error)")
                }
            }
            #expect(failures.all == [])
            #expect(try ledgers[1].verifyAudit().sequence == 1 + 40 * 7)
        }
    }

    /// All ports of all stations see the same device at once: one has it.
    @Test(arguments: LedgerPlace.allCases)
    func oneOfManyGetsADevice(place: LedgerPlace) throws {
        try place.withAddress { address in
            let ledgers = try (0..<8).map { _ in try place.open(address) }
            try ledgers[0].plan((0..<10).map { "s\($0)" })
            let winners = Failures()
            DispatchQueue.concurrentPerform(iterations: 8) { worker in
                for device in 0..<10 {
                    let actor = Actor(station: "line-\(worker)", person: "Ada")
                    let result = Result { try ledgers[worker].claim("s\(device)", port: nil, lease: 600, by: actor) }
                    switch result {
                    case .success(.begun): winners.add("s\(device)")
                    case .success(.busy): break
                    default: winners.add("\(result)")
                    }
                }
            }
            #expect(winners.all.sorted() == (0..<10).map { "s\($0)" })
        }
    }
}

/// What threads say.
private final class Failures: @unchecked Sendable {
    private let lock = NSLock()
    private var texts: [String] = []

    func add(_ text: String) { lock.withLock { texts.append(text) } }
    var all: [String] { lock.withLock { texts } }
}
