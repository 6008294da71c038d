import Board
import SCEP
import TestSupport
import Testing

@testable import Agent

/// What becomes of failures: how they are counted, what is stored of them, and how long a device waits.
@Suite struct AgentFailureTests {
    /// Fails at the next exchange, and goes to sleep.
    ///
    /// - Returns: for how many milliseconds.
    private func failOnce(_ bench: AgentBench, _ error: ExchangeError = .connecting(.refused)) throws -> UInt64 {
        guard case .exchange(let operation, _) = try bench.step() else { throw StorageError.failed }
        try bench.fail(error, to: operation)
        #expect(try bench.step() == .store)
        try bench.keep()
        guard case .sleep(let milliseconds) = try bench.step() else { throw StorageError.failed }
        return milliseconds
    }

    /// Byte 22 of the state is how often it failed, the six after it when the next try is due (Docs/Storage.md).
    @Test func failuresAndTheNextTryAreStored() throws {
        let bench = try AgentBench("stay=yes", "retry=10", "retry-cap=60", "renew=1", "jitter=0")
        try bench.putIdentity()
        bench.clock = AgentBench.epoch + 50 * 86_400
        try bench.start()
        for (count, cap) in [(1, 10), (2, 20), (3, 40), (4, 60), (5, 60)] as [(Int64, UInt64)] {
            let milliseconds = try failOnce(bench)
            #expect((cap * 500...cap * 1000).contains(milliseconds), "\(milliseconds) ms of \(cap) s")
            #expect(try bench.number(.state, at: 22, size: 1) == count)
            let clock = try #require(bench.clock)
            #expect(try bench.number(.state, at: 23, size: 6) == clock + Int64(milliseconds / 1000))
            bench.pass(milliseconds: milliseconds)
        }
    }

    /// 255 are as many as can be counted: one more is not none, and goes on to change, since two CAs take turns by it.
    @Test func failuresAreCountedToTheirEnd() throws {
        let bench = try AgentBench("stay=yes", "retry=10", "retry-cap=60", "renew=1", "jitter=0")
        try bench.putIdentity()
        bench.clock = AgentBench.epoch + 50 * 86_400
        try bench.start()
        bench.agent.stored.failures = 253
        for count in [254, 255, 252, 253, 254] as [Int64] {
            let milliseconds = try failOnce(bench)
            #expect((30_000...60_000).contains(milliseconds), "\(milliseconds) ms")
            #expect(try bench.number(.state, at: 22, size: 1) == count)
            bench.pass(milliseconds: milliseconds)
        }
    }

    /// A wait is neither none nor for ever: whatever the clock, the certificate's end and the configuration say.
    @Test func aDeviceThatStaysLooksNowAndThen() throws {
        let bench = try AgentBench("stay=yes", "renew=50", "jitter=0", "check-interval=3600")
        try bench.putIdentity()
        // Seconds before a renewal, at half of a hundred days, and for how many seconds it sleeps.
        for (left, seconds) in [(1, 60), (59, 60), (61, 61), (3599, 3599), (3601, 3600), (86_400, 3600)]
            as [(Int64, UInt64)]
        {
            bench.clock = AgentBench.epoch + 50 * 86_400 - left
            try bench.start()
            // Its CA's next certificates are another action.
            bench.agent.tried.insert(Goals(.nextCA))
            #expect(try bench.step() == .sleep(milliseconds: seconds * 1000), "\(left) s before")
        }
    }

    /// Statuses by what GetCACert can explain: other certificates of the CA may, but not one that has too much to do.
    @Test func otherCertificatesExplainWhatTheyCan() throws {
        let rows: [(AgentError, Bool)] =
            [400, 401, 403, 404, 409, 410, 500, 501, 502, 504].map { (.status(.pkcsReq, $0, text: 0..<0), true) }
            + [429, 503].map { (.status(.pkcsReq, $0, text: 0..<0), false) }
            + [
                (.scep(.certPoll, .unknownSigner, text: 0..<0), true),
                (.scep(.certPoll, .signerExpired, text: 0..<0), true),
                (.scep(.certPoll, .invalidSignature, text: 0..<0), true),
                (.scep(.certPoll, .refused(.badMessageCheck), text: 0..<0), true),
                (.scep(.certPoll, .refused(.badRequest), text: 0..<0), false),
                (.scep(.certPoll, .wrongRecipientNonce, text: 0..<0), false),
                (.scep(.certPoll, .wrongTransactionID, text: 0..<0), false),
                (.exchange(.pkcsReq, .receiving(.timedOut)), false),
            ]
        for (error, expected) in rows { #expect(error.mayBeOldCACertificates == expected, "\(error)") }
    }

    /// Docs/Lifecycle.md: 502 to 504, and silence, say nothing of the request.
    @Test func answersOfNoUseAreTheServers() {
        for status in [302, 400, 404, 429, 500, 501, 505, 599] as [UInt16] {
            #expect(AgentError.status(.pkcsReq, status, text: 0..<0).isUselessAnswer, "\(status)")
        }
        for status in [502, 503, 504] as [UInt16] {
            #expect(!AgentError.status(.pkcsReq, status, text: 0..<0).isUselessAnswer, "\(status)")
        }
        #expect(AgentError.scep(.pkcsReq, .unknownSigner, text: 0..<0).isUselessAnswer)
        #expect(!AgentError.exchange(.pkcsReq, .receiving(.timedOut)).isUselessAnswer)
    }

    /// A renewal as a PKCSReq that a server refuses which says Renewal and not SCEPStandard is tried as the other type.
    @Test func refusalsOfATypeAreTold() throws {
        func isRefused(_ error: AgentError, _ capabilities: Capabilities, _ settings: String...) throws -> Bool {
            let bench = try AgentBench(settings.joined(separator: "\n"))
            bench.agent.transaction.flags.insert(.renewal)
            bench.agent.capabilities = capabilities
            let text = bench.text
            let configuration = try Configuration(text.span)
            return bench.agent.isRefusedRenewal(error, .pkcsReq, configuration)
        }
        let older = Capabilities.renewal.union(.aes)
        for status in [400, 403, 404, 409, 500, 501] as [UInt16] {
            #expect(try isRefused(.status(.pkcsReq, status, text: 0..<0), older), "\(status)")
        }
        for status in [429, 502, 503, 504] as [UInt16] {
            #expect(try !isRefused(.status(.pkcsReq, status, text: 0..<0), older), "\(status)")
        }
        let refusal = AgentError.scep(.pkcsReq, .refused(.badRequest), text: 0..<0)
        #expect(try isRefused(refusal, older))
        #expect(try !isRefused(refusal, older.union(.scepStandard)))
        #expect(try !isRefused(refusal, .aes))
        #expect(try !isRefused(refusal, older, "renewal-type=19"))
        #expect(try !isRefused(.scep(.pkcsReq, .unknownSigner, text: 0..<0), older))
        #expect(try !isRefused(.exchange(.pkcsReq, .receiving(.timedOut)), older))
        // An enrolment is a PKCSReq whatever the server is.
        let bench = try AgentBench()
        bench.agent.capabilities = older
        let text = bench.text
        let configuration = try Configuration(text.span)
        let isRenewal = bench.agent.isRefusedRenewal(refusal, .pkcsReq, configuration)
        #expect(!isRenewal)
    }

    /// A server without GetCACaps has no next CA; one that is busy may have one.
    @Test(
        arguments: [
            (400, true), (404, true), (405, true), (501, false), (408, false), (429, false), (500, false), (503, false),
        ] as [(UInt16, Bool)])
    func serverThatIsBusyMayHaveANextCA(status: UInt16, hasNone: Bool) throws {
        let bench = try AgentBench("retries=0")
        try bench.putIdentity()
        bench.agent.requestedGoal = .nextCA
        try bench.start()
        #expect(try bench.step() == .exchange(.getCACaps, .none))
        if hasNone {
            try bench.receive([], status: status, to: .getCACaps)
            #expect(try bench.step() == .ready)
        } else {
            #expect(throws: AgentError.status(.getCACaps, status, text: 0..<0)) {
                try bench.receive([], status: status, to: .getCACaps)
            }
        }
    }

    /// Of what an earlier clock noted for a time beyond all waits, nothing is kept.
    @Test(arguments: [(0, true), (3600, true), (86_400, true), (86_401, false), (1 << 32, false)])
    func aTryThatIsTooFarOffIsNotWaitedFor(left: Int64, isWaitedFor: Bool) throws {
        let bench = try AgentBench("retries=5", "retry-cap=60")
        try bench.start()
        bench.agent.stored.failures = 2
        bench.agent.stored.nextTry = AgentBench.epoch + left
        let action = try bench.step()
        if left > 0, isWaitedFor {
            #expect(action == .sleep(milliseconds: UInt64(left) * 1000))
        } else {
            #expect(action == .exchange(.getCACaps, .none))
        }
    }

    /// What was left is left for a timer's passes alone, and not once the configuration is another one.
    @Test func aChangeOfTheConfigurationIsNotPutOff() throws {
        let bench = try AgentBench("retries=5", "retry=600")
        (bench.agent.mayWait, bench.agent.defers) = (false, true)
        try bench.start()
        #expect(try bench.step() == .exchange(.getCACaps, .none))
        try bench.fail(.connecting(.refused), to: .getCACaps)
        #expect(try bench.step() == .store)
        #expect(throws: AgentError.exchange(.getCACaps, .connecting(.refused))) { try bench.keep() }
        bench.pass(milliseconds: 60_000)
        try bench.start()
        #expect(try bench.step() == .ready)
        bench.text += Array("\ntimeout=5".utf8)
        try bench.start()
        #expect(try bench.step() == .exchange(.getCACaps, .none))
    }

    /// A CA that leaves it to a person: when it is asked next is stored, in the bytes from 72 on, and failures are forgotten.
    @Test func theNextQuestionIsStored() throws {
        let bench = try AgentBench("poll=100", "poll-cap=300", "polls=9")
        let text = bench.text
        let configuration = try Configuration(text.span)
        bench.agent = try AgentTests.begun(&bench.store, configuration, isPending: true)
        try bench.keep()
        bench.agent.capabilities = Capabilities.aes.union(.sha256).union(.postPKIOperation)
        for (polls, seconds) in [(2, 200), (3, 300), (4, 300)] as [(Int64, Int64)] {
            // The time came.
            bench.pass(milliseconds: 400_000)
            var action = try bench.step()
            if case .sleep = action {
                bench.pass(milliseconds: 400_000)
                action = try bench.step()
            }
            guard case .exchange(.certPoll, _) = action else {
                Issue.record("\(action)")
                return
            }
            bench.agent.stored.failures = 3
            let last = bench.agent.lastRequest
            let asked = try #require(last)
            try bench.receive(
                CertRepMaker.failure(
                    by: .authority, status: "3", recipientNonce: (0..<16).map { asked.senderNonce[$0] },
                    transactionID: (0..<32).map { asked.transactionID[$0] }),
                to: .certPoll)
            #expect(try bench.step() == .store)
            try bench.keep()
            #expect(try bench.number(.transaction, at: 69, size: 3) == polls)
            let clock = try #require(bench.clock)
            #expect(try bench.number(.transaction, at: 72, size: 6) == clock + seconds)
            #expect(try bench.number(.state, at: 22, size: 1) == 0)
            #expect(try bench.step() == .sleep(milliseconds: UInt64(seconds) * 1000))
        }
    }
}
