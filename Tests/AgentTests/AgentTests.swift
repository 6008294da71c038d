import Board
import CMS
import DeviceCrypto
import PKIX
import SCEP
import SimulatedStorage
import TestKeys
import TestSupport
import Testing

@testable import Agent
@testable import HTTP

/// What a device does where its way to a certificate forks.
@Suite struct AgentTests {
    typealias Device = Agent<RSAPrivateKey, 4096>

    private static let identifier = InlineArray<16, UInt8>(repeating: 0x41)

    static func blankStore() -> FlashStore {
        let geometry = StorageGeometry(pageSize: 4, sectorSize: 1024, sectorCount: 32, erasedValue: 0xFF)
        return FlashStore(SimulatedFlash(geometry), capacity: Device.snapshotCapacity)
    }

    static func text(_ more: String..., fingerprint: String? = nil) throws -> [UInt8] {
        let fingerprint = try fingerprint ?? OpenSSLIdentity.authority.fingerprint()
        let lines = ["url=http://ca.example/scep", "fingerprint=\(fingerprint)", "subject=CN=sensor"] + more
        return Array(lines.joined(separator: "\n").utf8)
    }

    /// A device that has begun a transaction, which is to be stored.
    static func begun(
        _ store: inout FlashStore, _ configuration: borrowing Configuration, isPending: Bool = false
    ) throws -> Device {
        var agent = Device()
        var buffer = [UInt8](repeating: 0xA5, count: 8192)
        var work = buffer.mutableSpan
        try agent.start(configuration: configuration, store: &store, work: &work)
        agent.key = try TestKey.rsa.rsaPrivateKey()
        let ca = try OpenSSLIdentity.authority.der
        for index in ca.indices { agent.caCertificates[index] = ca[index] }
        agent.caByteCount = ca.count
        for occurrence in [
            .due(.enrol), .capabilities(isPending: false, wantsCACertificates: false),
            .caCertificates(.changed, isPending: false),
        ] as [Occurrence] {
            agent.move(occurrence)
        }
        var random = try seededRandom()
        try agent.begin(configuration, keepsKey: false, &random)
        agent.transaction.identifier = identifier
        agent.stored.spentIn = InlineArray(repeating: 0)
        if isPending {
            try agent.store(configuration: configuration, in: &store, work: &work, random: &random)
            agent.transaction.flags.insert(.pending)
            agent.transaction.polls = 1
            agent.move(.pending)
        }
        return agent
    }

    /// - Returns: the transaction that a device takes up at its start, and what its work buffer holds after that.
    private static func restored(_ store: inout FlashStore, _ configuration: borrowing Configuration) throws
        -> (isBegun: Bool, work: [UInt8])
    {
        var agent = Device()
        var buffer = [UInt8](repeating: 0xA5, count: 8192)
        do {
            var work = buffer.mutableSpan
            try agent.start(configuration: configuration, store: &store, work: &work)
        }
        return (agent.transaction.isOpen, buffer)
    }

    /// - Returns: why a device stops at a reply to GetCACaps; nil if it goes on.
    private func refusal(of status: UInt16, _ body: String = "", _ configured: String...) throws -> AgentError? {
        let text = try Self.text("retries=0", configured.joined(separator: "\n"))
        let configuration = try Configuration(text.span)
        var store = Self.blankStore()
        var random = try seededRandom()
        var agent = Device()
        var buffer = Array(body.utf8) + [UInt8](repeating: 0, count: 1024)
        var work = buffer.mutableSpan
        try agent.start(configuration: configuration, store: &store, work: &work)
        let first = try agent.step(
            configuration: configuration, clock: nil, uptime: 0, store: &store, work: &work, random: &random)
        #expect(first == .exchange(.getCACaps, .none))
        for (index, byte) in body.utf8.enumerated() { work[index] = byte }
        var response = Response()
        response.status = status
        response.body = 0..<body.utf8.count
        do throws(AgentError) {
            try agent.received(
                response, to: .getCACaps, configuration: configuration, store: &store, work: &work, random: &random)
        } catch {
            return error
        }
        let next = try agent.step(
            configuration: configuration, clock: nil, uptime: 0, store: &store, work: &work, random: &random)
        #expect(next == .exchange(.getCACert, .none))
        return nil
    }

    /// RFC 8894, 3.5.2: whoever does not know GetCACaps has no capabilities, which is too little unless it is allowed.
    @Test func serversThatDoNotKnowGetCACapsAreNamedAsThat() throws {
        #expect(try refusal(of: 200, "AES\nSHA-256\n") == nil)
        #expect(
            try refusal(of: 200, "SHA-1\n")
                == .scep(.getCACaps, .belowFloor(Leniency.sha1.union(.tripleDES)), text: 0..<6))
        for (status, body) in [(404, "no such page"), (500, "")] as [(UInt16, String)] {
            let expected = AgentError.status(.getCACaps, status, text: 0..<body.utf8.count)
            #expect(try refusal(of: status, body) == expected)
            #expect(try refusal(of: status, body, "allow=sha1,3des") == nil)
        }
        for status in [401, 403, 408, 429, 502, 503] as [UInt16] {
            let expected = AgentError.status(.getCACaps, status, text: 0..<4)
            #expect(try refusal(of: status, "busy", "allow=sha1,3des") == expected)
        }
        for body in ["", "<html></html>"] {
            #expect(try refusal(of: 200, body) == .scep(.getCACaps, .noCapabilities, text: 0..<body.utf8.count))
            #expect(try refusal(of: 200, body, "allow=sha1,3des") == nil)
        }
    }

    @Test(arguments: [ExchangeError.receiving(.reset), .reply(HTTPError(.noReply, at: 0)), .connecting(.refused)])
    func silenceAtGetCACapsIsNamedAsThat(error: ExchangeError) throws {
        func refusal(_ configured: String...) throws -> AgentError? {
            let text = try Self.text("retries=0", configured.joined(separator: "\n"))
            let configuration = try Configuration(text.span)
            var store = Self.blankStore()
            var agent = Device()
            var buffer = [UInt8](repeating: 0, count: 1024)
            var work = buffer.mutableSpan
            var random = try seededRandom()
            try agent.start(configuration: configuration, store: &store, work: &work)
            let first = try agent.step(
                configuration: configuration, clock: nil, uptime: 0, store: &store, work: &work, random: &random)
            #expect(first == .exchange(.getCACaps, .none))
            do throws(AgentError) {
                try agent.failed(error, to: .getCACaps, configuration: configuration, random: &random)
                return nil
            } catch {
                return error
            }
        }
        #expect(try refusal() == .exchange(.getCACaps, error))
        #expect(try refusal("allow=sha1,3des") == (error == .connecting(.refused) ? .exchange(.getCACaps, error) : nil))
    }

    private static func nextStep(
        _ agent: inout Device, _ configuration: borrowing Configuration, _ store: inout FlashStore, uptime: UInt64 = 5
    ) throws -> AgentAction {
        var random = try seededRandom()
        var buffer = [UInt8](repeating: 0, count: 8192)
        var work = buffer.mutableSpan
        return try agent.step(
            configuration: configuration, clock: nil, uptime: uptime, store: &store, work: &work, random: &random)
    }

    @Test func aDeviceDoesNotWaitBeforeItGivesUp() throws {
        let text = try Self.text("polls=3", "poll=60")
        let configuration = try Configuration(text.span)
        var store = Self.blankStore()
        var agent = try Self.begun(&store, configuration, isPending: true)
        agent.transaction.polls = 3
        try agent.waitForDecision(configuration, resuming: false)
        #expect(try Self.nextStep(&agent, configuration, &store) == .sleep(milliseconds: 240_000))
        agent.transaction.polls = 4
        do throws(AgentError) {
            try agent.waitForDecision(configuration, resuming: false)
            Issue.record("it asks once more")
        } catch {
            #expect(error == .stillPending)
        }
    }

    @Test func aTransactionIsTakenUpForTheSameCAAndTheSameRequest() throws {
        let text = try Self.text()
        let configuration = try Configuration(text.span)
        var store = Self.blankStore()
        var agent = try Self.begun(&store, configuration)
        var buffer = [UInt8](repeating: 0xA5, count: 8192)
        do {
            var work = buffer.mutableSpan
            var random = try seededRandom()
            try agent.store(configuration: configuration, in: &store, work: &work, random: &random)
        }
        let (isBegun, work) = try Self.restored(&store, configuration)
        #expect(isBegun)
        #expect(try !Self.holdsSecret(work))
        // Told to trust another CA, the device has nothing to do with what it asked this one.
        let other = try Self.text(fingerprint: OpenSSLIdentity.recipient.fingerprint())
        #expect(try !Self.restored(&store, Configuration(other.span)).isBegun)
        // Told to ask for something else, it begins anew.
        for (changed, expected) in [
            ("san=DNS:a.example", true), ("key=rsa3072", true), ("timeout=5", false), ("key=rsa2048", false),
        ] {
            let text = try Self.text(changed)
            let configuration = try Configuration(text.span)
            var agent = Device()
            do {
                var work = buffer.mutableSpan
                try agent.start(configuration: configuration, store: &store, work: &work)
            }
            _ = try Self.nextStep(&agent, configuration, &store)
            #expect((agent.state.goal == .enrol) == expected, "\(changed)")
        }
    }

    /// The password that went into one transaction goes into no other, unless it is said to be shared.
    @Test func aPasswordIsNotUsedTwice() throws {
        let first = try Self.text("challenge=once")
        let configuration = try Configuration(first.span)
        var store = Self.blankStore()
        var agent = try Self.begun(&store, configuration)
        agent.stored.spend(configuration.challenge, in: Self.identifier)
        var random = try seededRandom()
        var buffer = [UInt8](repeating: 0xA5, count: 8192)
        do {
            var work = buffer.mutableSpan
            try agent.store(configuration: configuration, in: &store, work: &work, random: &random)
        }
        func step(_ more: String...) throws -> AgentError? {
            let text = try Self.text(more.joined(separator: "\n"))
            let configuration = try Configuration(text.span)
            var agent = Device()
            do {
                var work = buffer.mutableSpan
                try agent.start(configuration: configuration, store: &store, work: &work)
            }
            do throws(AgentError) {
                var random = RandomGenerator()
                var work = buffer.mutableSpan
                let action = try agent.step(
                    configuration: configuration, clock: nil, uptime: 0, store: &store, work: &work, random: &random)
                #expect(action == .exchange(.getCACaps, .none))
                return nil
            } catch {
                return error
            }
        }
        #expect(try step("challenge=once") == nil)
        #expect(try step("challenge=once", "san=DNS:a.example") == .passwordSpent)
        #expect(try step("challenge=other", "san=DNS:a.example") == nil)
        #expect(try step("challenge=once", "san=DNS:a.example", "challenge-use=always") == nil)
    }

    /// RFC 8894, 3.1: whatever is for a key that cannot decrypt is encrypted with the password.
    @Test func anECKeyNeedsAPassword() throws {
        let text = try Self.text("key=p256")
        let configuration = try Configuration(text.span)
        var store = Self.blankStore()
        var agent = Device()
        var buffer = [UInt8](repeating: 0, count: 1024)
        do {
            var work = buffer.mutableSpan
            try agent.start(configuration: configuration, store: &store, work: &work)
        }
        #expect(throws: AgentError.scep(.pkcsReq, .passwordMissing, text: 0..<0)) {
            _ = try Self.nextStep(&agent, configuration, &store)
        }
    }

    /// A key that was stored and cannot be read does not stay in the buffer either.
    @Test func noKeyIsLeftBehindByAKeyThatCannotBeRead() throws {
        var store = Self.blankStore()
        try store.open()
        var buffer = [UInt8](repeating: 0, count: 8192)
        var work = buffer.mutableSpan
        var key = try Self.exportedKey()
        key[key.count - 1] ^= 1
        try write([(.transactionKey, key)], to: &store)
        var place = RSAPrivateKey()
        do throws(StorageError) {
            try Device.load(.transactionKey, into: &place, from: &store, &work)
            Issue.record("a key with a bit over was taken")
        } catch {
            #expect(error == .corrupt)
        }
        #expect(try !Self.holdsSecret(buffer))
    }

    /// Storage fails at any operation: the key does not stay where pages are gathered.
    @Test func noKeyIsLeftBehindByAStoreThatFails() throws {
        let text = try Self.text()
        let configuration = try Configuration(text.span)
        for operation in 0... {
            var store = Self.blankStore()
            var agent = try Self.begun(&store, configuration)
            var random = try seededRandom()
            var buffer = [UInt8](repeating: 0xA5, count: 8192)
            var isStored = true
            do {
                var work = buffer.mutableSpan
                store.flash.operations.cutPower(at: operation + 1, .before)
                do throws(AgentError) {
                    try agent.store(configuration: configuration, in: &store, work: &work, random: &random)
                } catch {
                    isStored = false
                    #expect(error == .storage(.powerLost))
                }
            }
            #expect(try !Self.holdsSecret(buffer), "operation \(operation)")
            if isStored { break }
        }
    }

    private static func exportedKey() throws -> [UInt8] {
        var key = try TestKey.rsa.rsaPrivateKey()
        var bytes = [UInt8](repeating: 0, count: key.exportSize)
        var buffer = bytes.mutableSpan
        _ = try key.export(into: &buffer)
        return bytes
    }

    /// Whether 16 bytes of the device's prime factors stand anywhere in `work`.
    private static func holdsSecret(_ work: [UInt8]) throws -> Bool {
        let key = try exportedKey()
        return stride(from: 7, to: 7 + 256 - 16, by: 16).contains { work.firstRange(of: key[$0..<($0 + 16)]) != nil }
    }

    /// A CA's signed answer to the device's CertPoll.
    private static func refusal(_ transaction: Transaction) throws -> [UInt8] {
        try CertRepMaker.failure(
            by: .authority, recipientNonce: (0..<16).map { transaction.senderNonce[$0] },
            transactionID: (0..<32).map { transaction.transactionID[$0] })
    }

    /// RFC 8894, 2.5.1: a refusal ends the transaction, so that the device's next start begins another.
    @Test func aRefusedTransactionIsNotTakenUpAgain() throws {
        let text = try Self.text()
        let configuration = try Configuration(text.span)
        var store = Self.blankStore()
        var random = try seededRandom()
        var agent = try Self.begun(&store, configuration, isPending: true)
        var buffer = [UInt8](repeating: 0, count: 8192)
        var work = buffer.mutableSpan
        try agent.store(configuration: configuration, in: &store, work: &work, random: &random)
        _ = try agent.step(
            configuration: configuration, clock: nil, uptime: 0, store: &store, work: &work, random: &random)
        #expect(try Self.restored(&store, configuration).isBegun)

        agent.capabilities = [Capabilities.aes, .sha256, .postPKIOperation].reduce(Capabilities()) { $0.union($1) }
        guard
            case .exchange(.certPoll, .post) = try agent.step(
                configuration: configuration, clock: nil, uptime: 60_000, store: &store, work: &work, random: &random)
        else {
            Issue.record("it does not ask")
            return
        }
        let begun = agent.lastRequest
        let transaction = try #require(begun)
        let reply = try Self.refusal(transaction)
        for index in reply.indices { work[index] = reply[index] }
        var response = Response()
        response.status = 200
        response.body = 0..<reply.count
        try agent.received(
            response, to: .certPoll, configuration: configuration, store: &store, work: &work, random: &random)
        let next = try agent.step(
            configuration: configuration, clock: nil, uptime: 60_001, store: &store, work: &work, random: &random)
        #expect(next == .store)
        do throws(AgentError) {
            try agent.store(configuration: configuration, in: &store, work: &work, random: &random)
            Issue.record("the refusal was swallowed")
        } catch {
            guard case .scep(.certPoll, .refused(.badRequest), let words) = error else {
                Issue.record("\(error)")
                return
            }
            #expect(words.map { work[$0] } == Array("stolen".utf8))
        }
        #expect(try !Self.restored(&store, configuration).isBegun)
        try agent.start(configuration: configuration, store: &store, work: &work)
        let again = try agent.step(
            configuration: configuration, clock: nil, uptime: 60_001, store: &store, work: &work, random: &random)
        #expect(again == .exchange(.getCACaps, .none))
    }
}
