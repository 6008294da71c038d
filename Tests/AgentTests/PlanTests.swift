import Board
import PKIX
import SCEP
import SimulatedStorage
import TestSupport
import Testing

@testable import Agent

/// What is due, by what a device has, what time it is, and what failed before: Docs/Lifecycle.md, "What is due".
@Suite struct PlanTests {
    private static let day: Int64 = 86_400
    private static let epoch = AgentBench.epoch

    /// The CA that comes after the one of ``AgentBench``, and what it issues: from the 60th day on, the 150th, and the
    /// first.
    private static let made = Result {
        let ca = try OpenSSLIdentity(
            authority: "/O=Example/CN=Next CA", from: "20250701000000Z", until: "20350701000000Z")
        return try (
            ca: ca.der,
            early: OpenSSLIdentity(
                subject: "/CN=sensor", for: .rsa, issuedBy: ca, from: "20260302000000Z", until: "20260801000000Z"
            ).der,
            late: OpenSSLIdentity(
                subject: "/CN=sensor", for: .rsa, issuedBy: ca, from: "20260531000000Z", until: "20260801000000Z"
            ).der,
            former: OpenSSLIdentity(
                subject: "/CN=sensor", for: .rsa, issuedBy: ca, from: "20251201000000Z", until: "20260801000000Z"
            ).der
        )
    }

    /// A device with a certificate of a hundred days, of which fifty pass before it is renewed, in the given state.
    ///
    /// - Parameter other: which other identity is stored; a CA's certificates are, unless it is nil.
    private func bench(
        day: Double, _ other: KeyPath<(ca: [UInt8], early: [UInt8], late: [UInt8], former: [UInt8]), [UInt8]>? = \.ca,
        failures: Int = 0, _ settings: String...
    ) throws -> AgentBench {
        let bench = try AgentBench((["renew=50", "jitter=0"] + settings).joined(separator: "\n"))
        let made = try Self.made.get()
        var records: [(StoredRecord, [UInt8])] = try [
            (.privateKey, AgentBench.key()), (.certificate, AgentBench.certificate),
            (.caCertificates, OpenSSLIdentity.authority.der),
        ]
        if let other {
            records.append((.nextCACertificates, made.ca))
            if other != \.ca {
                records += try [(.nextPrivateKey, AgentBench.key()), (.nextCertificate, made[keyPath: other])]
            }
        }
        try write(records, to: &bench.store)
        bench.clock = Self.epoch + Int64(day * 86_400)
        try bench.start()
        bench.agent.stored.failures = failures
        return bench
    }

    /// What a step sets out to do; nil where it ends, or stores.
    private func goal(_ bench: AgentBench) throws -> Goal? {
        let action = try bench.step()
        let goal = bench.agent.state.goal
        #expect((action == .exchange(.getCACaps, .none)) == (goal != nil), "\(action)")
        return goal
    }

    /// Where both CAs can be asked, the next one is first until half of the time to renew has passed, and after two failures
    /// it is the other's turn.
    @Test func bothCAsTakeTurns() throws {
        let rows: [(Double, [Int: Goal])] = [
            // It is not yet to be renewed: the next CA alone.
            (49.9, [0: .rollOver, 1: .rollOver, 2: .rollOver, 3: .rollOver, 4: .rollOver]),
            (50, [0: .rollOver, 1: .rollOver, 2: .renew, 3: .renew, 4: .rollOver, 252: .rollOver, 254: .renew]),
            (75, [0: .rollOver, 1: .rollOver, 2: .renew, 3: .renew, 4: .rollOver, 255: .renew]),
            // Less time is left than it has been due.
            (75.0001, [0: .renew, 1: .renew, 2: .rollOver, 3: .rollOver, 4: .renew, 5: .renew, 6: .rollOver]),
            (99.9, [0: .renew, 1: .renew, 2: .rollOver, 3: .rollOver, 4: .renew]),
        ]
        for (day, expected) in rows {
            for (failures, goal) in expected {
                #expect(try self.goal(bench(day: day, failures: failures)) == goal, "day \(day), \(failures) failures")
            }
        }
    }

    /// A request to either that does not get anywhere is left for the other, but for one that is pending.
    @Test func requestsAreLeftForTheOtherCA() throws {
        let (current, next) = (TransactionFlags.renewal, TransactionFlags.renewal.union(.forNextCA))
        let rows: [(Double, TransactionFlags, [Int: Goal])] = [
            (60, next, [0: .resume, 1: .resume, 2: .renew, 3: .renew, 4: .resume, 5: .resume, 6: .renew]),
            (60, current, [0: .resume, 1: .resume, 2: .resume, 3: .resume, 4: .rollOver, 5: .rollOver, 6: .resume]),
            (80, next, [0: .renew, 1: .renew, 2: .resume, 3: .resume, 4: .renew]),
            (80, current, [0: .resume, 1: .resume, 2: .rollOver, 3: .rollOver, 4: .resume]),
            (49, next, [0: .resume, 2: .resume, 4: .resume]),
            // An enrolment is nobody's turn.
            (60, TransactionFlags(), [0: .resume, 2: .resume, 4: .resume]),
        ]
        for (day, flags, expected) in rows {
            for (failures, goal) in expected {
                for isPending in [false, true] {
                    let bench = try bench(day: day, failures: failures, "polls=1")
                    bench.agent.transaction.identifier[0] = 1
                    bench.agent.transaction.request = bench.agent.configuredRequest
                    bench.agent.transaction.flags = isPending ? flags.union(.pending) : flags
                    if isPending {
                        // The wait has ended: it is asked whether the CA has decided.
                        bench.agent.capabilities = Capabilities.aes.union(.sha256)
                        _ = try? bench.step()
                        let isOpen = bench.agent.transaction.isOpen
                        #expect(isOpen, "pending, day \(day), \(failures) failures")
                    } else {
                        #expect(
                            try self.goal(bench) == goal,
                            "day \(day), \(failures) failures, \(flags.contains(.forNextCA))")
                    }
                }
            }
        }
        // Without a next CA there is no other.
        for failures in [0, 2, 4] {
            let bench = try bench(day: 60, nil, failures: failures)
            bench.agent.transaction.identifier[0] = 1
            bench.agent.transaction.request = bench.agent.configuredRequest
            bench.agent.transaction.flags = current
            bench.agent.tried = Goals(.nextCA)
            #expect(try goal(bench) == .resume)
        }
    }

    /// An identity of the next CA keeps from renewing, if its time comes before the current one expires.
    @Test func identityOfTheNextCAIsWaitedFor() throws {
        // From the 60th day on.
        #expect(try bench(day: 55, \.early).step() == .ready)
        #expect(try bench(day: 59.9999, \.early).step() == .ready)
        for day in [60.0, 60.1, 99] {
            let bench = try bench(day: day, \.early)
            #expect(try bench.step() == .store)
            try bench.keep()
            // A clock proves it: for good.
            #expect(try bench.record(.certificate) == Self.made.get().early)
            #expect(try bench.record(.caCertificates) == Self.made.get().ca)
            #expect(try bench.record(.nextCertificate) == nil && bench.record(.nextCACertificates) == nil)
            #expect(try bench.number(.state, at: 77, size: 6) == bench.clock)
        }
        // From the 150th day on, when the current one is long over.
        #expect(try goal(bench(day: 55, \.late)) == .renew)
        #expect(try bench(day: 49, \.late).step() == .ready)
    }

    /// One that took over by a Date which turned out wrong gives its place back, with five minutes between clocks.
    @Test func formerIdentityComesBack() throws {
        // The former one began 31 days before the current one does.
        for (seconds, comesBack) in [(-301, true), (-86_400, true), (-300, false), (0, false)] as [(Int64, Bool)] {
            let bench = try bench(day: 0, \.former)
            bench.clock = Self.epoch + seconds
            try bench.start()
            #expect(try bench.step() == (comesBack ? .store : .ready), "\(seconds)")
        }
        // It is no CA to ask for another certificate.
        #expect(try goal(bench(day: 60, \.former)) == .nextCA || goal(bench(day: 60, \.former)) == .renew)
    }

    /// What has expired is renewed all the same; by a password that no request has had, the device enrols.
    @Test func identityThatIsOverIsReplaced() throws {
        func goal(_ day: Double, isSpent: Bool = false, _ settings: String...) throws -> Goal? {
            let bench = try bench(day: day, nil, settings.joined(separator: "\n"))
            bench.agent.tried = Goals(.nextCA)
            if isSpent {
                let text = bench.text
                let configuration = try Configuration(text.span)
                bench.agent.stored.spend(configuration.challenge, in: InlineArray(repeating: 1))
            }
            return try self.goal(bench)
        }
        // The last second of the hundredth day is the certificate's last.
        #expect(try goal(100, "challenge=new") == .renew)
        #expect(try goal(100.0001, "challenge=new") == .enrol)
        #expect(try goal(100.0001) == .renew)
        #expect(try goal(100.0001, isSpent: true, "challenge=old") == .renew)
        #expect(try goal(100.0001, isSpent: true, "challenge=old", "challenge-use=always") == .enrol)
        #expect(try goal(60, "challenge=new") == .renew)
    }

    /// A device that does not know the time asks for it first, once; by what it is told it goes on.
    @Test func timeIsAskedForFirst() throws {
        let bench = try bench(day: 60, nil, "check=crl")
        bench.clock = nil
        try bench.start()
        bench.agent.tried = Goals(.nextCA)
        #expect(try goal(bench) == .askTime)
        try bench.receive(AgentBench.capabilities, to: .getCACaps)
        #expect(try goal(bench) == .revocationList)
        for (seconds, expected) in [(50 * Self.day - 1, Goal.revocationList), (50 * Self.day, .renew)] {
            bench.agent.time = Timekeeper()
            try bench.start()
            bench.agent.tried = Goals(.nextCA)
            #expect(try goal(bench) == .askTime)
            try bench.receive(AgentBench.capabilities, to: .getCACaps, date: Self.epoch + seconds)
            #expect(try goal(bench) == expected)
        }
        // A failure of that is none of the run's.
        bench.agent.time = Timekeeper()
        try bench.start()
        #expect(try goal(bench) == .askTime)
        try bench.fail(.connecting(.refused), to: .getCACaps)
        let wasUnknown = bench.agent.timeWasUnknown
        #expect(wasUnknown)
        #expect(try goal(bench) == .revocationList)
    }

    /// The next CA is asked for when a certificate as old as the CA's would be renewed.
    @Test func nextCAIsLookedFor() throws {
        let ca = try OpenSSLIdentity(
            authority: "/O=Example/CN=Short CA", from: "20260101000000Z", until: "20260411000000Z")
        let certificate = try OpenSSLIdentity(
            subject: "/CN=sensor", for: .rsa, issuedBy: ca, from: "20260220000000Z", until: "20260530000000Z")
        let bench = try AgentBench("fingerprint=\(ca.fingerprint())", "jitter=0")
        bench.text = try AgentTests.text("jitter=0", "renew=80", "stay=yes", fingerprint: ca.fingerprint())
        try write(
            [(.privateKey, AgentBench.key()), (.certificate, certificate.der), (.caCertificates, ca.der)],
            to: &bench.store)
        let due = Self.epoch + 80 * Self.day
        let text = bench.text
        let configuration = try Configuration(text.span)
        for (clock, expected) in [(due - 1, nil), (due, Goal.nextCA), (due + 1, .nextCA)] {
            bench.clock = clock
            try bench.start()
            let nextAction = bench.agent.nextAction(configuration)
            #expect(nextAction?.goal == .nextCA && nextAction?.time == due)
            let action = try bench.step()
            if expected == nil {
                #expect(action == .sleep(milliseconds: 60_000))
            } else {
                #expect(action == .exchange(.getCACaps, .none))
                // What was tried is not what comes next.
                bench.agent.tried.insert(Goals(.nextCA))
                let later = bench.agent.nextAction(configuration)
                #expect(later?.goal == .renew && later?.time == Self.epoch + 50 * Self.day + 99 * Self.day * 80 / 100)
            }
        }
    }

    /// What comes next, of a device that knows the next CA.
    @Test func dutiesAreTold() throws {
        func nextAction(_ bench: AgentBench) throws -> String {
            let text = bench.text
            let configuration = try Configuration(text.span)
            let nextAction = bench.agent.nextAction(configuration)
            return nextAction.map { "\($0.goal) \(($0.time - Self.epoch) / Self.day)" } ?? "-"
        }
        #expect(try nextAction(bench(day: 1, \.early)) == "takeOver 60")
        #expect(try nextAction(bench(day: 1, \.late)) == "renew 50")
        #expect(try nextAction(bench(day: 1, \.former)) == "renew 50")
        // Of a certificate that was stored later than half of its life, the rest counts.
        let old = try bench(day: 61, \.late)
        old.agent.time.update(clock: old.clock, uptime: 0)
        old.agent.stored.issuedAt = Self.epoch + 60 * Self.day
        #expect(try nextAction(old) == "renew 80")
        old.agent.stored.issuedAt = Self.epoch + 50 * Self.day
        #expect(try nextAction(old) == "renew 75")
        old.agent.stored.issuedAt = Self.epoch + 50 * Self.day - 1
        #expect(try nextAction(old) == "renew 50")
        // But not by a clock that was ahead.
        old.agent.stored.issuedAt = Self.epoch + 62 * Self.day
        #expect(try nextAction(old) == "renew 50")
    }

    /// A device waits as long as is left until it asks again, however often it is switched on.
    @Test func waitForADecisionIsGoneOnWith() throws {
        for (left, seconds) in [(100, 100), (1, 1), (0, 0), (-5, 0), (301, 300), (1 << 40, 300)] as [(Int64, UInt64)] {
            let bench = try AgentBench("poll=100", "poll-cap=300")
            let text = bench.text
            let configuration = try Configuration(text.span)
            bench.agent = try AgentTests.begun(&bench.store, configuration, isPending: true)
            bench.agent.transaction.nextPoll = Self.epoch + left
            bench.agent.time.update(clock: bench.clock, uptime: 0)
            try bench.keep()
            try bench.start()
            let action = try bench.step()
            #expect(
                action == (seconds > 0 ? .sleep(milliseconds: seconds * 1000) : .exchange(.getCACaps, .none)), "\(left)"
            )
            // One that may not wait asks at once, and so does one that does not know the time.
            for isPass in [true, false] {
                try bench.start()
                bench.agent.mayWait = !isPass
                if !isPass { bench.clock = nil }
                #expect(try bench.step() == .exchange(.getCACaps, .none))
                bench.agent.mayWait = true
            }
        }
    }

    /// A device that stays waits for a decision however often it has asked.
    @Test func aDeviceThatStaysWaitsForEver() throws {
        for (stay, polls, waits) in [
            ("no", 3, true), ("no", 4, false), ("yes", 4, true), ("yes", 100_000, true),
        ] as [(String, Int, Bool)] {
            let bench = try AgentBench("polls=3", "stay=\(stay)", "poll=60")
            let text = bench.text
            let configuration = try Configuration(text.span)
            bench.agent = try AgentTests.begun(&bench.store, configuration, isPending: true)
            bench.agent.transaction.polls = polls
            if waits {
                try bench.agent.waitForDecision(configuration, resuming: false)
                guard case .sleep = try bench.step() else {
                    Issue.record("it does not wait")
                    return
                }
            } else {
                #expect(throws: AgentError.stillPending) {
                    try bench.agent.waitForDecision(configuration, resuming: false)
                }
            }
            bench.agent.mayWait = false
            #expect(throws: AgentError.stillPending) {
                try bench.agent.waitForDecision(configuration, resuming: false)
            }
        }
    }

    /// What was left until later is told by when it will be tried, and a person's wish is not left.
    @Test func whatIsPutOffIsTold() throws {
        let bench = try AgentBench("retries=5", "retry=600", "jitter=0")
        try bench.putIdentity()
        (bench.agent.mayWait, bench.agent.defers) = (false, true)
        func start() throws {
            try bench.start()
            bench.agent.tried = Goals(.nextCA)
        }
        bench.clock = Self.epoch + 70 * Self.day
        try start()
        #expect(try goal(bench) == .renew)
        try bench.fail(.connecting(.refused), to: .getCACaps)
        #expect(try bench.step() == .store)
        #expect(throws: AgentError.exchange(.getCACaps, .connecting(.refused))) { try bench.keep() }
        let nextTry = try bench.number(.state, at: 23, size: 6)
        #expect((300...600).contains(nextTry - Self.epoch - 70 * Self.day))
        bench.clock = nextTry - 1
        try start()
        #expect(try bench.step() == .ready)
        let until = bench.agent.deferredUntil
        #expect(until == nextTry)
        // Whoever asks is not put off.
        bench.agent.requestedGoal = .renew
        try start()
        let forgotten = bench.agent.deferredUntil
        #expect(forgotten == 0)
        #expect(try goal(bench) == .renew)
        bench.agent.requestedGoal = nil
        bench.clock = nextTry
        try start()
        #expect(try goal(bench) == .renew)
        // Where it may wait, it does.
        bench.clock = nextTry - 9
        (bench.agent.mayWait, bench.agent.defers) = (true, false)
        try start()
        #expect(try bench.step() == .sleep(milliseconds: 9000))
    }

    /// What is begun, and whether that is an enrolment.
    @Test func enrolmentsAreTold() throws {
        func isEnrolling(_ bench: AgentBench) throws -> Bool {
            _ = try bench.step()
            return bench.agent.isEnrolling
        }
        let enrolling = try AgentBench()
        try enrolling.start()
        #expect(try isEnrolling(enrolling))
        for (flags, expected) in [
            (TransactionFlags(), true), (.renewal, false), (TransactionFlags.renewal.union(.forNextCA), false),
        ] {
            let bench = try bench(day: 60, nil)
            bench.agent.transaction.identifier[0] = 1
            bench.agent.transaction.request = bench.agent.configuredRequest
            bench.agent.transaction.flags = flags
            #expect(try isEnrolling(bench) == expected)
        }
        let renewing = try bench(day: 60, nil)
        renewing.agent.tried = Goals(.nextCA)
        #expect(try !isEnrolling(renewing))
        #expect(try !isEnrolling(bench(day: 55)))
    }

    /// What an EC key is renewed with is missed before anything is sent.
    @Test func renewalOfAnECKeyNeedsAPassword() throws {
        let bench = try bench(day: 60, nil, "key=p256")
        bench.agent.requestedGoal = .renew
        #expect(throws: AgentError.scep(.renewalReq, .passwordMissing, text: 0..<0)) { _ = try bench.step() }
    }

    /// The longest wait between two tries is the longer of two settings: beyond it, a clock was ahead.
    @Test func theLongestWaitIsTheLongerOfTwo() throws {
        for (settings, longest) in [
            ("retry-cap=100000\ncheck-interval=60", 100_000), ("retry-cap=60\ncheck-interval=100000", 100_000),
            ("retry-cap=60\ncheck-interval=61", 61),
        ] as [(String, Int64)] {
            for (left, isWaitedFor) in [(longest, true), (longest + 1, false)] {
                let bench = try AgentBench("retries=5", settings)
                try bench.start()
                (bench.agent.stored.failures, bench.agent.stored.nextTry) = (1, Self.epoch + left)
                let action = try bench.step()
                #expect(
                    action
                        == (isWaitedFor ? .sleep(milliseconds: UInt64(left) * 1000) : .exchange(.getCACaps, .none)))
            }
        }
    }

    /// What is proven to have passed is read from the store; the later of that and what is configured counts.
    @Test func floorIsRead() throws {
        for (configured, expected) in [(1_700_000_000, 1_767_225_600), (1_800_000_000, 1_800_000_000)]
            as [(Int64, Int64)]
        {
            let bench = try AgentBench("time=\(configured)")
            var state = [UInt8](repeating: 0, count: 119)
            state.replaceSubrange(16..<22, with: [0x00, 0x00, 0x69, 0x55, 0xB9, 0x00])
            try write([(.state, state)], to: &bench.store)
            try bench.start()
            let floor = bench.agent.time.floor
            #expect(floor == expected)
        }
    }
}
