import Foundation
import Ledger
import Signing
import StationSupport
import TestSupport
import Testing

@Suite("A ledger is copied, opened again, and held against checkpoints")
struct BackupTests {
    @Test(arguments: LedgerPlace.allCases)
    func aBackupIsALedger(place: LedgerPlace) throws {
        try place.withLedger { ledger in
            try ledger.plan(["s1", "s2", "s3"], quota: 3)
            try ledger.provision("s1", fingerprint: "f1")
            let held = try ledger.record(.requested(transactionID: "t"), of: ledger.taken("s2"), by: .first)
            try withTemporaryDirectory { folder in
                let file = folder.appending(path: "copy.db").path
                try ledger.backUp(to: file)
                let copy = try Ledger(SQLiteDatabase(file: file))
                #expect(try copy.verifyAudit() == ledger.verifyAudit())
                #expect(try copy.certificates(of: "s1") == ledger.certificates(of: "s1"))
                // It can be gone on with.
                guard case .resumed(let attempt) = try copy.claim("s2", port: nil, lease: 9, by: .first) else {
                    Issue.record("it was not resumed")
                    return
                }
                #expect(attempt.transactionID == held.transactionID)
                #expect(throws: LedgerError.self) { try ledger.backUp(to: file) }
            }
        }
    }

    @Test(arguments: LedgerPlace.allCases)
    func checkpointsAreSignedOnceAndHold(place: LedgerPlace) throws {
        try place.withLedger { ledger in
            try withTemporaryDirectory { folder in
                let key = try StationKey(file: folder.appending(path: "key"))
                let stranger = try StationKey(file: folder.appending(path: "other"))
                #expect(try ledger.signCheckpoint(by: key, of: .first) == nil)
                try ledger.plan(["s1"])
                let jws = try #require(try ledger.signCheckpoint(by: key, of: .first))
                #expect(try ledger.signCheckpoint(by: key, of: .first) == jws)
                let checkpoint = try Checkpoint(jws, by: key.verifier)
                let head = try ledger.auditHead()
                #expect(
                    checkpoint.sequence == head.sequence && checkpoint.digest == head.digest
                        && checkpoint.station == "line-1")
                #expect(throws: SigningError.notSigned) { try Checkpoint(jws, by: stranger.verifier) }
                #expect(try ledger.checkpoints(of: key.verifier) == [checkpoint])
                #expect(try ledger.checkpoints(of: stranger.verifier) == [])
            }
        }
    }

    @Test(arguments: LedgerPlace.allCases)
    func aLedgerOfALaterProgramIsNotTouched(place: LedgerPlace) throws {
        try place.withAddress { address in
            _ = try place.open(address)
            try place.tamper(address, "UPDATE ledger SET version = 99")
            #expect(throws: LedgerError.newer(version: 99, known: 1)) { try place.open(address) }
        }
    }

    @Test(arguments: LedgerPlace.allCases)
    func anotherProgramsDatabaseIsNotTouched(place: LedgerPlace) throws {
        try place.withAddress { address in
            try place.tamper(address, "CREATE TABLE customers (name TEXT)")
            let error = #expect(throws: LedgerError.self) { try place.open(address) }
            if case .foreign = error {} else { Issue.record("\(String(describing: error))") }
        }
    }

    @Test func whatIsNoDatabaseIsNamed() throws {
        try withTemporaryDirectory { folder in
            let file = try folder.write(
                [UInt8]("this is a text, and long enough to be looked at: it is no database".utf8), to: "x")
            #expect(throws: LedgerError.foreign(file)) { try Ledger.open(file) }
            let missing = folder.appending(path: "no/such/folder/x").path
            let error = #expect(throws: LedgerError.self) { try Ledger.open(missing) }
            if case .notOpened = error {} else { Issue.record("\(String(describing: error))") }
        }
    }

    @Test func aServerThatIsAwayIsNamedWithoutItsPassword() throws {
        let error = #expect(throws: LedgerError.self) { try Ledger.open("host=/nonexistent dbname=line user=ada") }
        #expect("\(try #require(error))".contains("line on /nonexistent"))
        for address in ["postgresql://ada:s3cret@127.0.0.1/line", "host=127.0.0.1 dbname=line password=s3cret"] {
            let error = #expect(throws: LedgerError.self) { try Ledger.open(address) }
            let text = "\(try #require(error))"
            #expect(text.contains("passfile=") && !text.contains("s3cret"))
        }
        let error2 = #expect(throws: LedgerError.self) { try Ledger.open("postgresql://ada:s3cret@[::1/line") }
        #expect(!"\(try #require(error2))".contains("s3cret"))
    }
}
