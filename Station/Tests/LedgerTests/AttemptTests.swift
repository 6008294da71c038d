import Ledger
import StationSupport
import Testing

@Suite("A device is brought from planned to verified")
struct AttemptTests {
    @Test(arguments: LedgerPlace.allCases)
    func everyStepIsRecordedWithItsEntryInTheTrail(place: LedgerPlace) throws {
        try place.withLedger { ledger in
            try ledger.plan(["s1"])
            let attempt = try ledger.provision("s1", fingerprint: "f1")
            #expect(attempt.state == .verified && attempt.fingerprint == "f1" && attempt.transactionID == "t")
            #expect(attempt.finishedAt != nil && attempt.tries == 1)
            let actions = try ledger.auditEntries(of: "s1").map(\.action)
            #expect(actions == ["claimed", "key", "requested", "pending", "issued", "delivered", "verified"])
            #expect(try ledger.claim("s1", port: nil, lease: 1, by: .second) == .verified(attempt))
            #expect(try ledger.verifyAudit().sequence == 8)
        }
    }

    @Test(arguments: LedgerPlace.allCases)
    func whatWasRecordedAlreadyIsNotRecordedAgain(place: LedgerPlace) throws {
        try place.withLedger { ledger in
            try ledger.plan(["s1"])
            var attempt = try ledger.taken("s1")
            for step in AttemptStep.whole("f1") {
                attempt = try ledger.record(step, of: attempt, by: .first)
                #expect(try ledger.record(step, of: attempt, by: .first) == attempt)
            }
            #expect(try ledger.verifyAudit().sequence == 8)
        }
    }

    @Test(arguments: LedgerPlace.allCases)
    func nobodyElseTakesADeviceUntilItsLeaseIsOver(place: LedgerPlace) throws {
        let clock = TestClock()
        try place.withLedger(clock) { ledger in
            try ledger.plan(["s1"])
            let held = try ledger.taken("s1", lease: 60)
            #expect(try ledger.claim("s1", port: "p9", lease: 60, by: .second) == .busy(held))
            clock.move(seconds: 61)
            let taken = try ledger.taken("s1", by: .second)
            #expect(taken.number == 1 && taken.station == "line-2" && taken.tries == 2)
            // Who had it before records nothing any more.
            #expect(throws: StepError.lost(taken)) {
                try ledger.record(.requested(transactionID: "x"), of: held, by: .first)
            }
            #expect(throws: StepError.lost(taken)) { try ledger.extend(held, lease: 60) }
        }
    }

    @Test(arguments: LedgerPlace.allCases)
    func aStationGoesOnWhereItWasCut(place: LedgerPlace) throws {
        try place.withLedger { ledger in
            try ledger.plan(["s1"])
            let held = try ledger.record(.requested(transactionID: "t7"), of: ledger.taken("s1"), by: .first)
            guard case .resumed(let again) = try ledger.claim("s1", port: "p2", lease: 60, by: .first) else {
                Issue.record("it was not resumed")
                return
            }
            #expect(again.transactionID == "t7" && again.state == .requested && again.number == held.number)
            #expect(again.port == "p2" && again.tries == 2)
        }
    }

    @Test(arguments: LedgerPlace.allCases)
    func onlyTheStationThatMadeAKeyGoesOnWithIt(place: LedgerPlace) throws {
        let clock = TestClock()
        try place.withLedger(clock) { ledger in
            try ledger.plan(["s1"])
            let held = try ledger.record(
                .key(publicKey: "k", isHere: true), of: ledger.taken("s1", lease: 5), by: .first)
            clock.move(seconds: 1000)
            #expect(try ledger.claim("s1", port: nil, lease: 60, by: .second) == .keyElsewhere(held))
            // The station is gone for good.
            try ledger.rework("s1", reason: "line-1 burnt", by: .second)
            let again = try ledger.taken("s1", by: .second)
            #expect(again.number == 2 && again.keyStation == nil && again.tries == 1 && again.reason == "line-1 burnt")
        }
    }

    @Test(arguments: LedgerPlace.allCases)
    func aFailureWithoutACertificateMayBeTriedAgain(place: LedgerPlace) throws {
        try place.withLedger { ledger in
            try ledger.plan(["s1", "s2", "s3"])
            let refused = FailureCause(kind: "refused", sentence: "no", excludesCertificate: true)
            let lost = FailureCause(kind: "silent", sentence: "no answer", excludesCertificate: false)
            var attempt = try ledger.record(.requested(transactionID: "t"), of: ledger.taken("s1"), by: .first)
            attempt = try ledger.record(.failed(refused), of: attempt, by: .first)
            #expect(!attempt.mayHaveCertificate && attempt.cause == "refused")
            #expect(try ledger.taken("s1").number == 2)

            attempt = try ledger.record(.failed(lost), of: ledger.taken("s2"), by: .first)
            #expect(try ledger.taken("s2").number == 2, "nothing was sent")

            attempt = try ledger.record(.requested(transactionID: "t"), of: ledger.taken("s3"), by: .first)
            attempt = try ledger.record(.failed(lost), of: attempt, by: .first)
            #expect(try ledger.claim("s3", port: nil, lease: 1, by: .first) == .needsRework(attempt))
        }
    }

    @Test(arguments: LedgerPlace.allCases)
    func aReworkSupersedesTheCertificate(place: LedgerPlace) throws {
        try place.withLedger { ledger in
            try ledger.plan(["s1"])
            try ledger.provision("s1", fingerprint: "f1")
            try ledger.rework("s1", reason: "wrong label", by: .second)
            let attempt = try ledger.provision("s1", fingerprint: "f2", by: .second)
            #expect(attempt.number == 2 && attempt.state == .verified)
            #expect(
                try ledger.certificates(of: "s1").map { "\($0.fingerprint) \($0.status)" } == [
                    "f1 superseded", "f2 live",
                ])
        }
    }

    @Test(arguments: LedgerPlace.allCases)
    func aDeviceHasOneLiveCertificateAtMost(place: LedgerPlace) throws {
        try place.withLedger { ledger in
            try ledger.plan(["s1", "s2"])
            try ledger.provision("s1", fingerprint: "f1")
            let other = try ledger.record(.requested(transactionID: "t"), of: ledger.taken("s2"), by: .first)
            #expect(throws: StepError.certificateOfOther(serial: "s1")) {
                try ledger.record(.certificate("f1"), of: other, by: .first)
            }
            let issued = try ledger.record(.certificate("f2"), of: other, by: .first)
            #expect(throws: StepError.otherCertificate(expected: "f2", found: "f1")) {
                try ledger.record(.verified(fingerprint: "f1", by: "event"), of: issued, by: .first)
            }
            #expect(throws: StepError.outOfOrder(issued, .pending)) {
                try ledger.record(.pending, of: issued, by: .first)
            }
            // What was refused left nothing behind.
            #expect(try ledger.auditEntries(of: "s2").map(\.action) == ["claimed", "requested", "issued"])
        }
    }

    @Test(arguments: LedgerPlace.allCases)
    func noMoreDevicesAreBegunThanTheQuotaHas(place: LedgerPlace) throws {
        try place.withLedger { ledger in
            try ledger.plan(["s1", "s2", "s3", "s4"], quota: 2)
            try ledger.provision("s1", fingerprint: "f1")
            let second = try ledger.taken("s2")
            let full = ClaimResult.quotaReached(batch: "B1", quota: 2)
            #expect(try ledger.claim("s3", port: nil, lease: 1, by: .first) == full)
            // What failed before anything was sent makes its place free, and so does what is scrapped; rework takes none.
            let cause = FailureCause(kind: "no-device", sentence: "none", excludesCertificate: true)
            try ledger.record(.failed(cause), of: second, by: .first)
            try ledger.provision("s3", fingerprint: "f3")
            #expect(try ledger.claim("s2", port: nil, lease: 1, by: .first) == full)
            try ledger.rework("s3", reason: "r", by: .first)
            try ledger.provision("s3", fingerprint: "f33")
            #expect(try ledger.claim("s4", port: nil, lease: 1, by: .first) == full)
            try ledger.scrap("s1", reason: "fell", by: .first)
            #expect(try ledger.taken("s4").number == 1)
        }
    }

    @Test(arguments: LedgerPlace.allCases)
    func whatEndedStaysEnded(place: LedgerPlace) throws {
        try place.withLedger { ledger in
            try ledger.plan(["s1", "s2", "s3"])
            let done = try ledger.provision("s1", fingerprint: "f1")
            try ledger.retire("s1", reason: "returned", by: .first)
            try ledger.scrap("s2", reason: "cracked", by: .first)
            for serial in ["s1", "s2"] {
                guard case .ended = try ledger.claim(serial, port: nil, lease: 1, by: .first) else {
                    Issue.record("\(serial) was given out")
                    continue
                }
                #expect(throws: ReworkError.self) { try ledger.rework(serial, reason: "r", by: .first) }
                #expect(throws: ReworkError.self) { try ledger.scrap(serial, reason: "r", by: .first) }
                #expect(throws: ReworkError.self) { try ledger.retire(serial, reason: "r", by: .first) }
            }
            #expect(throws: StepError.self) {
                try ledger.record(.verified(fingerprint: "f1", by: "x"), of: done, by: .first)
            }
            #expect(throws: ReworkError.noReason) { try ledger.scrap("s3", reason: " ", by: .first) }
            #expect(throws: ReworkError.notBegun(serial: "s3")) { try ledger.rework("s3", reason: "r", by: .first) }
            #expect(throws: ReworkError.unknown(serial: "s9")) { try ledger.scrap("s9", reason: "r", by: .first) }
            let held = try ledger.taken("s3")
            #expect(throws: ReworkError.underWay(held)) { try ledger.rework("s3", reason: "r", by: .second) }
            #expect(try ledger.certificates(of: "s1").map(\.status) == ["retired"])
            #expect(try ledger.claim("s9", port: nil, lease: 1, by: .first) == .unknown)
        }
    }

    /// A place that was given up, because the CA issued nothing, may be another device's by now.
    @Test(arguments: LedgerPlace.allCases)
    func aReworkDoesNotPassTheQuota(place: LedgerPlace) throws {
        try place.withLedger { ledger in
            try ledger.plan(["s1", "s2"], quota: 1)
            let refused = FailureCause(kind: "refused", sentence: "no", excludesCertificate: true)
            _ = try ledger.record(.failed(refused), of: ledger.taken("s1"), by: .first)
            try ledger.provision("s2", fingerprint: "f2")
            #expect(throws: ReworkError.self) { try ledger.rework("s1", reason: "again", by: .first) }
            #expect(
                try ledger.claim("s1", port: nil, lease: 1, by: .first) == .quotaReached(batch: "B1", quota: 1))
        }
    }

    @Test(arguments: LedgerPlace.allCases)
    func aQuotaIsNotPassedOverInABatchThatIsThere(place: LedgerPlace) throws {
        try place.withLedger { ledger in
            try ledger.plan(["s1", "s2"])
            #expect(throws: PlanError.otherQuota(batch: "B1", quota: nil)) { try ledger.plan(["s1", "s2"], quota: 1) }
            try ledger.plan(["t1"], batch: "B2", quota: 1)
            // Whoever names none leaves it as it is.
            try ledger.plan(["t1"], batch: "B2")
            try ledger.plan(["t1"], batch: "B2", quota: 1)
        }
    }

    @Test(arguments: LedgerPlace.allCases)
    func aQuotaIsRaisedByAPersonWhoSaysWhy(place: LedgerPlace) throws {
        try place.withAddress { address in
            let ledger = try place.open(address)
            try ledger.plan(["s1", "s2", "s3"], quota: 1)
            try ledger.provision("s1", fingerprint: "f1")
            #expect(try ledger.claim("s2", port: nil, lease: 1, by: .first) == .quotaReached(batch: "B1", quota: 1))
            #expect(throws: QuotaError.noReason) { try ledger.setQuota(2, of: "B1", reason: " ", by: .second) }
            #expect(throws: QuotaError.noBatch("B9")) { try ledger.setQuota(2, of: "B9", reason: "r", by: .second) }
            #expect(throws: QuotaError.same(batch: "B1", quota: 1)) {
                try ledger.setQuota(1, of: "B1", reason: "r", by: .second)
            }
            #expect(try ledger.setQuota(3, of: "B1", reason: "more were ordered", by: .second) == 1)
            try ledger.provision("s2", fingerprint: "f2")
            #expect(throws: QuotaError.belowMade(batch: "B1", made: 2)) {
                try ledger.setQuota(1, of: "B1", reason: "fewer", by: .second)
            }
            #expect(try ledger.setQuota(2, of: "B1", reason: "fewer", by: .second) == 3)
            #expect(try ledger.claim("s3", port: nil, lease: 1, by: .first) == .quotaReached(batch: "B1", quota: 2))
            // A manifest that comes once more changes nothing.
            try ledger.plan(["s1", "s4"])
            let entries = try ledger.auditEntries(of: "B1").filter { $0.action == "quota" }
            #expect(entries.map(\.actor) == ["Bob", "Bob"] && entries[0].detail.contains("more were ordered"))
            _ = try ledger.verifyAudit()
            try place.tamper(address, "UPDATE batches SET quota = 9")
            #expect(throws: AuditFault.quotaDiffers(batch: "B1")) { try ledger.verifyAudit() }
        }
    }

    /// A CA that issues twice in one transaction: the first that is seen is the live one, and the other is named.
    @Test(arguments: LedgerPlace.allCases)
    func aSecondCertificateIsNamed(place: LedgerPlace) throws {
        try place.withLedger { ledger in
            try ledger.plan(["s1"])
            var attempt = try ledger.record(.requested(transactionID: "t"), of: ledger.taken("s1"), by: .first)
            attempt = try ledger.record(.certificate("f1"), of: attempt, by: .first)
            let error = #expect(throws: StepError.self) {
                try ledger.record(.certificate("f2"), of: attempt, by: .first)
            }
            let sentence = "\(error.map { "\($0)" } ?? "")"
            for word in ["serial number 0a", "fingerprint f2", "fingerprint f1", "revoke"] {
                #expect(sentence.contains(word), "\(sentence)")
            }
            #expect(try ledger.certificates(of: "s1").map(\.fingerprint) == ["f1"])
            _ = try ledger.verifyAudit()
        }
    }
}
