import Board
import DeviceCrypto
import SCEP
import SimulatedStorage
import TestKeys
import TestSupport
import Testing

@testable import Agent

/// What is read from the store, and written to it, is a secret in part: none of it is left on the stack or in the work
/// buffer.
@Suite struct AgentLeftoverTests {
    private static func secret(_ number: UInt64, _ count: Int) -> [UInt8] {
        var numbers = SeededGenerator(seed: number)
        return numbers.bytes(count)
    }

    /// A key that stays what it is while other records change.
    @Test func whatIsKept() throws {
        let key = Self.secret(1, 271)
        let bench = try AgentBench()
        try write([(.privateKey, key)], to: &bench.store)
        try bench.store.begin(bodySize: bench.store.copiedSize(of: .privateKey))
        // Nothing comes after it that covers what it left.
        let left = try stackLeft { try bench.store.copy(.privateKey) }
        try bench.store.commit()
        #expect(!holds(left, partOf: key))
        #expect(try bench.record(.privateKey) == key)
    }

    /// Prime factors: in the agent alone, until they are forgotten.
    @Test func keysThatAreRead() throws {
        let key = try AgentBench.key()
        let primes = Array(key[7..<(key.count - 8)])
        let bench = try AgentBench()
        try bench.putIdentity()
        var place = RSAPrivateKey()
        let left = try stackLeft {
            var work = bench.work.mutableSpan
            try AgentBench.Device.load(.privateKey, into: &place, from: &bench.store, &work)
        }
        #expect(!holds(left, partOf: primes), "the stack")
        #expect(!holds(bench.work, partOf: primes), "the work buffer")
        #expect(withUnsafeBytes(of: &place) { holds(Array($0), partOf: primes) })
        place.wipe()
        #expect(withUnsafeBytes(of: &place) { !holds(Array($0), partOf: primes) })
    }

    /// A transaction's seed, as it is stored, and the key that is stored with it.
    @Test func transactionsThatAreStoredAndRead() throws {
        let bench = try AgentBench("challenge=4711-secret")
        let text = bench.text
        let configuration = try Configuration(text.span)
        bench.agent = try AgentTests.begun(&bench.store, configuration)
        let seed = Self.secret(2, 48)
        for index in 0..<48 { bench.agent.transaction.seed[index] = seed[index] }
        let key = try AgentBench.key()
        let primes = Array(key[7..<(key.count - 8)])
        let stored = try stackLeft { try bench.keep() }
        // The end of the seed and what stands behind it in the record, and in no struct: compilers copy those.
        let written = try Array(#require(try bench.record(.transaction))[61..<69])
        #expect(Array(written[..<4]) == Array(seed[44...]) && written[4...] != [0, 0, 0, 0])
        #expect(!holds(stored, partOf: written), "the transaction, once it is stored")
        #expect(!holds(stored, partOf: primes), "the key, once it is stored")
        #expect(!holds(bench.work, partOf: primes) && !holds(bench.work, partOf: seed))
        #expect(try bench.record(.transactionKey) == key)
        #expect(try bench.record(.transaction)?[17..<65].elementsEqual(seed) == true)

        let started = try stackLeft { try bench.start() }
        #expect(!holds(started, partOf: written), "the transaction, once it is read")
        #expect(!holds(bench.work, partOf: seed))
        let isOpen = bench.agent.transaction.isOpen
        #expect(isOpen)
        // Given up, it is nowhere.
        bench.agent.requestedGoal = .giveUp
        #expect(try bench.step() == .store)
        try bench.keep()
        for secret in [seed, primes] {
            #expect(withUnsafeBytes(of: &bench.agent) { !holds(Array($0), partOf: secret) })
        }
    }

    /// What is no transaction ends the start, and is not left there either.
    @Test func transactionsThatAreRefused() throws {
        let bench = try AgentBench()
        let secret = Self.secret(3, 60)
        try write([(.transaction, secret)], to: &bench.store)
        var failure: AgentError?
        let left = try stackLeft {
            do throws(AgentError) {
                try bench.start()
            } catch {
                failure = error
            }
        }
        #expect(failure == .storage(.corrupt))
        #expect(!holds(left, partOf: secret))
    }

    /// Both keys are forgotten before a wait, and when a run ends, however it ends.
    @Test func keysAreForgotten() throws {
        let key = try AgentBench.key()
        let primes = Array(key[7..<(key.count - 8)])
        func holdsKey(_ bench: AgentBench) -> Bool {
            withUnsafeBytes(of: &bench.agent) { holds(Array($0), partOf: primes) }
        }
        for isIdentity in [false, true] {
            let bench = try AgentBench("stay=yes", "check-interval=3600")
            try bench.putIdentity()
            try bench.start()
            func load() throws {
                var work = bench.work.mutableSpan
                if isIdentity {
                    try AgentBench.Device.load(.privateKey, into: &bench.agent.identityKey, from: &bench.store, &work)
                } else {
                    try AgentBench.Device.load(.privateKey, into: &bench.agent.key, from: &bench.store, &work)
                }
                #expect(holdsKey(bench))
            }
            try load()
            guard case .sleep = try bench.step() else {
                Issue.record("it does not wait")
                return
            }
            #expect(!holdsKey(bench))
            try load()
            bench.agent.end(.revoked)
            #expect(!holdsKey(bench))
            try load()
            bench.agent.forgetKeys()
            #expect(!holdsKey(bench))
        }
    }

    /// The generator that makes a request repeatable could make it again: it is wiped once the request is made.
    @Test func randomnessOfARequest() throws {
        var random = try seededRandom()
        #expect(withUnsafeBytes(of: &random) { Self.holdsKeySchedule(Array($0)) })
        let bench = try AgentBench(hasBegun: ())
        var action: AgentAction?
        let left = try stackLeft { action = try bench.step() }
        guard case .exchange(.pkcsReq, .post) = action else {
            Issue.record("nothing is asked")
            return
        }
        #expect(!Self.holdsKeySchedule(left))
    }

    /// Whether the round keys of AES-256 stand anywhere: most of their words are the exclusive or of the one before and
    /// that eight before (FIPS 197, 5.2).
    private static func holdsKeySchedule(_ memory: [UInt8]) -> Bool {
        func word(_ place: Int) -> UInt32 {
            memory[place..<(place + 4)].reduce(0) { $0 << 8 | UInt32($1) }
        }
        return stride(from: 0, to: memory.count - 240, by: 4).contains { start in
            guard word(start + 4) != 0, word(start + 4) != word(start + 36) else { return false }
            return [9, 10, 11, 13, 14, 15, 17, 18, 19, 21, 22, 23].allSatisfy {
                word(start + 4 * $0) == word(start + 4 * ($0 - 8)) ^ word(start + 4 * ($0 - 1))
            }
        }
    }
}
