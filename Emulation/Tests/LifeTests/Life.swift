import Agent
import Authority
import AuthorityServer
import Board
import enum DeviceCrypto.CryptoError
import struct DeviceCrypto.RandomGenerator
import Foundation
import InProcess
import Interference
import LibCrypto
import SimulatedStorage
import Synchronization
import TestKeys
import Testing

/// One device and its CA, in one process and in a time of their own.
final class Life {
    typealias Device = Agent<PooledKey, 8192>

    /// 2026-01-01T00:00:00Z, in seconds since 1970.
    static let epoch: UInt64 = 1_767_225_600
    static let day: UInt64 = 86_400
    static let password = "47bf-once-1d0c"

    /// Milliseconds since 1970, for device and CA.
    private let time = Moving()
    /// The CA's note of the last request.
    private let noted = Noted()
    private let taken = PooledKey.Counter()
    private(set) var authority: Authority
    var flash = SimulatedFlash(StorageGeometry(pageSize: 4, sectorSize: 1024, sectorCount: 64, erasedValue: 0xFF))

    /// Lines of the device's configuration.
    var settings: [String: String]
    /// Seconds that the device's clock is ahead; nil: it has none.
    var clock: Int64? = 0
    /// Which messages get lost: by their number in the run, from 1.
    var loses: (Int) -> Loss? = { _ in nil }
    /// The same, by the time in seconds since 1970.
    var losesAt: (UInt64) -> Loss? = { _ in nil }
    /// What somebody else answers to a request; nil: the CA does.
    var intercepts: (Request) -> Answer? = { _ in nil }
    /// What happens by then, at each exchange; seconds since 1970.
    var comesToPass: (UInt64) throws -> Void = { _ in }
    /// The Date of all replies; nil: the time.
    var date: String?
    /// When power goes for good, in milliseconds since 1970.
    var end = UInt64.max
    /// What an operator asks for, whether the device may wait, and whether it leaves what failed until its time.
    var requestedGoal: Goal?
    var mayWait = true
    var defers = false
    /// How often a device that stays on wakes up, and the days between.
    var rounds = 1
    var daysBetweenRounds = 0.0
    /// Bytes of the device's work buffer.
    var workSize = 8192

    private(set) var uptime: UInt64 = 0
    private var lines: [String] = []
    private var exchanges: [Exchange] = []
    private var sleeps: [UInt64] = []
    private var boots = 0
    /// While the device is on.
    private var thread: DeviceThread?
    private var memory: DeviceMemory?
    private let secrets = Secrets()
    /// What is stored of a transaction, and whether anything was stored since that was read.
    private var storedTransaction: [UInt8]?
    var wasStored = true

    init(_ settings: [String: String] = [:], _ configure: (inout CAConfiguration) -> Void = { _ in }) throws {
        var configuration = CAConfiguration()
        configuration.challenge = .oneTime([OneTimePassword(device: "", password: Self.password)])
        let (time, noted, number) = (time, noted, PooledKey.Counter())
        configuration.clock = { time.date }
        configuration.makeKey = { try CAKeys.key($0, number.next()) }
        configure(&configuration)
        authority = try Authority(configuration) { event in noted.event.withLock { $0 = event } }
        self.settings = [
            "url": "http://ca.example/scep", "subject": "CN=sensor-7,O=Example", "challenge": Self.password,
            "jitter": "0", "retries": "0",
            "fingerprint": try authority.trustAnchor.fingerprint(.sha256).hexadecimal,
        ]
        self.settings.merge(settings) { $1 }
    }

    /// Milliseconds since 1970.
    var now: UInt64 { time.milliseconds.load(ordering: .relaxed) }
    var isEnded: Bool { now >= end }

    /// Puts another CA in the place of this one, behind the same URL.
    ///
    /// - Returns: the one before.
    @discardableResult
    func replaceAuthority(_ other: Authority) -> Authority {
        defer { authority = other }
        return authority
    }

    /// Another CA in the same time.
    func makeAuthority(_ configure: (inout CAConfiguration) -> Void) throws -> Authority {
        var configuration = authority.configuration
        configure(&configuration)
        let noted = noted
        return try Authority(configuration) { event in noted.event.withLock { $0 = event } }
    }

    /// Lets days pass with the power off.
    func pass(days: Double) { time.milliseconds.add(UInt64(days * 86_400_000), ordering: .relaxed) }

    /// Starts the device, and lets it run until it ends.
    ///
    /// - Parameter faults: of the CA, while it runs.
    @discardableResult
    func powerUp(_ faults: FaultRule...) -> Run { powerUp(faults) }

    @discardableResult
    func powerUp(_ faults: [FaultRule]) -> Run {
        (lines, exchanges, sleeps, uptime) = ([], [], [], 0)
        authority.setFaults(faults)
        defer { authority.setFaults([]) }
        boots += 1
        let text = [UInt8](settings.sorted { $0.key < $1.key }.map { "\($0.key)=\($0.value)\n" }.joined().utf8)
        let record = LifeRecord(text)
        let memory = DeviceMemory(workSize: workSize, password: settings["challenge"] ?? "", secrets: secrets)
        var failure: AgentError?
        DeviceThread.run(on: memory.stack) { thread in
            (self.thread, self.memory) = (thread, memory)
            PooledKey.$taken.withValue(self.taken) {
                do throws(AgentError) {
                    try self.run(record, memory)
                } catch {
                    failure = error
                }
            }
        }
        thread = nil
        #expect(!taken.isHolding, "a run that has expired has no key in memory")
        search(.end)
        #expect(memory.findings == [])
        var log = LifeLog(life: self)
        logResult(failure, work: memory.work.span, log: &log)
        self.memory = nil
        return Run(error: failure, lines: lines, exchanges: exchanges, sleeps: sleeps)
    }

    private func run(_ record: LifeRecord, _ memory: DeviceMemory) throws(AgentError) {
        var random = RandomGenerator()
        defer { random.wipe() }
        do throws(CryptoError) {
            let seed = [UInt8](repeating: UInt8(truncatingIfNeeded: boots), count: 48)
            try random.seed(seed.span, personalization: Span())
        } catch {
            throw .entropy(.failed)
        }
        let time = InProcessTransport.Time(uptime: { self.uptime }, wait: { self.elapse($0) })
        var transport = InProcessTransport(time) { (request) throws(TransportError) in
            Delivery(try self.exchange(request))
        }
        var clock = LifeClock(life: self)
        var log = LifeLog(life: self)
        var store = IdentityStore(storage())
        var traffic = Traffic()
        var record = record
        memory.agent.pointee.requestedGoal = requestedGoal
        memory.agent.pointee.mayWait = mayWait
        memory.agent.pointee.defers = defers
        for round in 1...rounds {
            var text = memory.text.mutableSpan
            var work = memory.work.mutableSpan
            try memory.agent.pointee.run(
                record: &record, text: &text, transport: &transport, clock: &clock,
                store: &store, log: &log, random: &random, work: &work, traffic: &traffic)
            if round < rounds { sleep(UInt64(daysBetweenRounds * 86_400_000)) }
        }
    }

    /// Does what is not the device's on the test's own thread.
    private func outside<Result>(_ body: @escaping () -> Result) -> Result { thread?.outside(body) ?? body() }

    /// Searches the device's memory for the secrets of its run.
    private func search(_ moment: DeviceMemory.Moment) {
        guard let memory else { return }
        for kept in taken.keys { secrets.note(key: kept) }
        if wasStored {
            storedTransaction = (try? records()[StoredRecord.transaction.rawValue]) ?? nil
            wasStored = false
        }
        if let transaction = storedTransaction { secrets.note(seed: Array(transaction[17..<65])) }
        memory.search(moment, isOpen: storedTransaction != nil)
    }

    private func storage() -> NORSnapshots<LifeFlash, 512> {
        NORSnapshots(LifeFlash(life: self), capacity: Device.snapshotCapacity)
    }

    /// The stored records, by number: see Docs/Storage.md.
    func records() throws(StorageError) -> [UInt8: [UInt8]] {
        var store = IdentityStore(storage())
        try store.open()
        var records: [UInt8: [UInt8]] = [:]
        for number in 1...10 as ClosedRange<UInt8> {
            guard let record = StoredRecord(rawValue: number),
                let size = store.size(of: record)
            else { continue }
            var bytes = [UInt8](repeating: 0, count: size)
            var buffer = bytes.mutableSpan
            _ = try store.read(record, into: &buffer)
            records[number] = bytes
        }
        return records
    }

    /// The device's certificate, once it is seen that the stored key belongs to it.
    func identity() throws -> Certificate? {
        let records = try records()
        guard let der = records[2] else { return nil }
        let certificate = try Certificate(der: der)
        guard let kept = records[1] else { throw Broken("a certificate without a key is stored") }
        var key = SoftwareKey()
        try key.load(kept.span)
        var bytes = [UInt8](repeating: 0, count: 1024)
        var buffer = bytes.mutableSpan
        let count = try key.publicKey(into: &buffer)
        // The modulus or the point stands in the certificate as it is.
        let content = Array(bytes[..<count].drop { $0 == 0 })
        guard certificate.publicKey.der.contains(sequence: content) else {
            throw Broken("the stored key is not the stored certificate's")
        }
        return certificate
    }

    // What the device's program runs on.

    /// Takes a line of the log: there is one before each step.
    func write(_ line: String) {
        outside {
            self.lines.append(line)
            self.search(.step)
        }
    }

    func sleep(_ milliseconds: UInt64) {
        outside {
            #expect(!self.taken.isHolding, "a device that sleeps has no key in memory")
            self.search(.sleep)
        }
        sleeps.append(milliseconds)
        elapse(milliseconds)
    }

    private func elapse(_ milliseconds: UInt64) {
        uptime += milliseconds
        time.milliseconds.add(milliseconds, ordering: .relaxed)
    }

    /// What the CA answers to an HTTP request.
    func exchange(_ bytes: [UInt8]) throws(TransportError) -> [UInt8] {
        let result: Result<[UInt8], TransportError> = outside {
            do throws(TransportError) {
                return .success(try self.answer(bytes))
            } catch {
                return .failure(error)
            }
        }
        return try result.get()
    }

    private func answer(_ bytes: [UInt8]) throws(TransportError) -> [UInt8] {
        guard let request = Request(http: bytes) else { throw .reset }
        var exchange = Exchange(request: request, time: now / 1000)
        defer { exchanges.append(exchange) }
        if let message = request.message, let key = ContentKey.ofRequest(message) { secrets.note(contentKey: key) }
        search(.sending)
        // A device that goes in circles comes to an end.
        guard exchanges.count < 5000, !isEnded else { throw .unreachable }
        let loss = loses(exchanges.count + 1) ?? losesAt(now / 1000)
        guard loss != .request else { throw .timedOut }
        #expect(throws: Never.self) { try comesToPass(now / 1000) }
        let intercepted = intercepts(request)
        let answer = intercepted ?? authority.answer(request)
        exchange.event = intercepted == nil ? noted.event.withLock { $0 } : nil
        exchange.answer = answer
        if request.message != nil, let key = ContentKey.ofReply(answer.body, to: taken.keys) {
            secrets.note(contentKey: key)
        }
        elapse(UInt64(answer.delay * 1000))
        guard loss != .reply else { throw .timedOut }
        let date: String? =
            switch authority.configuration.profile.http.date {
            case .clock: self.date ?? httpDate(authority.now)
            case .absent: nil
            case .text(let text): text
            }
        guard let reply = answer.http(date: date) else { throw .reset }
        return reply
    }
}

extension Life {
    /// One message to the CA.
    struct Exchange {
        let request: Request
        /// What the CA notes of it; nil if it did not get it.
        var event: LogEvent?
        var answer: Answer?
        /// Seconds since 1970.
        let time: UInt64
    }

    /// How a message gets lost.
    enum Loss { case request, reply }

    /// What came of a run.
    struct Run {
        let error: AgentError?
        let lines: [String]
        let exchanges: [Exchange]
        /// Milliseconds.
        let sleeps: [UInt64]

        var events: [EventLine] { lines.filter { $0.hasPrefix("event ") }.compactMap(EventLine.init) }
        /// `done`, or the word after `error`.
        var verdict: String {
            let last = lines.last ?? ""
            guard last.hasPrefix("error ") else { return last }
            return String(last.dropFirst(6).prefix { $0 != ":" })
        }
        /// What was asked: operations by their names, pkiMessages by their messageType's.
        var operations: [String] {
            exchanges.map { $0.event.map { $0.messageType?.name ?? $0.operation } ?? "lost" }
        }
        /// The pkiMessages that were sent.
        var messages: [[UInt8]] { exchanges.compactMap(\.request.message) }
    }

    /// What must not be.
    struct Broken: Error, CustomStringConvertible {
        let description: String

        init(_ description: String) { self.description = description }
    }

    private final class Moving: Sendable {
        let milliseconds = Atomic(Life.epoch * 1000)
        var date: Date { Date(timeIntervalSince1970: TimeInterval(milliseconds.load(ordering: .relaxed) / 1000)) }
    }

    private final class Noted: Sendable {
        let event = Mutex<LogEvent?>(nil)
    }
}

/// Keys of CAs, made once for all tests.
enum CAKeys {
    private struct Name: Hashable {
        let kind: KeyKind
        let number: Int
    }

    private static let keys = Mutex<[Name: PrivateKey]>([:])

    static func key(_ kind: KeyKind, _ number: Int) throws -> PrivateKey {
        try keys.withLock { keys in
            let name = Name(kind: kind, number: number)
            if let known = keys[name] { return known }
            let key = try PrivateKey.generate(kind)
            keys[name] = key
            return key
        }
    }

    /// All that were made so far.
    static var all: [PrivateKey] { keys.withLock { Array($0.values) } }
}

extension [UInt8] {
    func contains(sequence: [UInt8]) -> Bool {
        guard !sequence.isEmpty, count >= sequence.count else { return false }
        return indices.dropLast(sequence.count - 1).contains { self[$0..<$0 + sequence.count].elementsEqual(sequence) }
    }
}
