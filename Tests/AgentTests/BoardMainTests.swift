import Board
import Bytes
import DER
import DeviceCrypto
import HTTP
import SimulatedStorage
import TestKeys
import TestSupport
import Testing

@testable import Agent

/// The parts of a board's `main` that are the same on every board.
@Suite struct AgentDeviceTests {
    /// A line that is dead, and keeps what it was asked.
    private struct DeadLine: Transport {
        var deadlines: [UInt64] = []

        mutating func connect(host: Span<UInt8>, port: UInt16, deadline: UInt64) throws(TransportError) {
            deadlines.append(deadline)
            throw .refused
        }
        mutating func send(_ bytes: Span<UInt8>, deadline: UInt64) throws(TransportError) { throw .refused }
        mutating func receive(
            into buffer: inout MutableSpan<UInt8>, deadline: UInt64
        ) throws(TransportError) -> Int { throw .refused }
        mutating func close() {}
    }

    private struct StillClock: Clock {
        var uptime: UInt64 { 5000 }
        var time: Int64? { nil }
        func sleep(milliseconds: UInt64) {}
    }

    private struct NoLog: AgentLog {
        func write(line: Span<UInt8>) {}
    }

    private struct Record: Storage {
        var bytes: [UInt8]
        let geometry = FlashLayout.record

        init(_ text: [UInt8]) {
            func littleEndian(_ value: UInt32) -> [UInt8] { withUnsafeBytes(of: value.littleEndian) { [UInt8]($0) } }
            bytes = Array("SCEP".utf8) + littleEndian(UInt32(text.count)) + text + littleEndian(crc32(text.span))
        }

        func read(at offset: Int, into buffer: inout MutableSpan<UInt8>) throws(StorageError) {
            for index in buffer.indices { buffer[index] = offset + index < bytes.count ? bytes[offset + index] : 0xFF }
        }
        func program(at offset: Int, _ bytes: Span<UInt8>) throws(StorageError) { throw .failed }
        func erase(sector: Int) throws(StorageError) { throw .failed }
    }

    /// - Returns: why a run ended, the space for the text after it, and the deadlines of its exchanges.
    private func run(_ record: Record, capacity: Int = 1536) throws
        -> (error: AgentError?, text: [UInt8], deadlines: [UInt64])
    {
        var line = DeadLine()
        let (error, text) = try run(record, over: &line, capacity: capacity)
        return (error, text, line.deadlines)
    }

    private func run<T: Transport>(_ record: Record, over line: inout T, capacity: Int = 1536) throws
        -> (error: AgentError?, text: [UInt8])
    {
        var (record, clock, log, traffic) = (record, StillClock(), NoLog(), Traffic())
        var agent = AgentTests.Device()
        var store = AgentTests.blankStore()
        var random = try seededRandom()
        var bytes = [UInt8](repeating: 0xA5, count: capacity)
        var buffer = [UInt8](repeating: 0, count: 8192)
        var failure: AgentError?
        do throws(AgentError) {
            var text = bytes.mutableSpan
            var work = buffer.mutableSpan
            try agent.run(
                record: &record, text: &text, transport: &line, clock: &clock, store: &store, log: &log,
                random: &random, work: &work, traffic: &traffic)
        } catch {
            failure = error
        }
        return (failure, bytes)
    }

    /// The text has the password in it: whatever a run ends with, nothing of it is left.
    @Test func theTextIsWiped() throws {
        let good = try AgentTests.text("challenge=4711-secret", "retries=0")
        let lines = good.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false).count
        var damaged = Record(good)
        damaged.bytes[damaged.bytes.count - 1] ^= 1
        let rows: [(Record, AgentError)] = [
            (Record(good), .exchange(.getCACaps, .connecting(.refused))),
            (
                Record(good + Array("\nretries=1".utf8)),
                .configuration(ConfigurationError(.duplicate, .retries, at: good.count + 1, line: lines + 1))
            ),
            (Record(Array("challenge=4711-secret".utf8)), .configuration(ConfigurationError(.missing, .url, at: 21))),
            (damaged, .provisioning(.corrupt)),
        ]
        for (record, expected) in rows {
            let (error, text, _) = try run(record)
            #expect(error == expected)
            #expect(text == [UInt8](repeating: 0, count: 1536), "\(expected)")
        }
    }

    /// Seconds as they are configured, from now on.
    @Test(arguments: [(nil, 90), (1, 1), (600, 600)] as [(Int?, UInt64)])
    func anExchangeHasSoManySeconds(configured: Int?, expected: UInt64) throws {
        let text = try AgentTests.text("retries=0", configured.map { "timeout=\($0)" } ?? "")
        #expect(try run(Record(text)).deadlines == [5000 + expected * 1000])
    }

    private struct Source: EntropySource {
        let bytes: [UInt8]
        var fails = false

        func seed(_ seed: inout MutableSpan<UInt8>) throws(EntropyError) {
            for index in seed.indices { seed[index] = bytes[index] }
            if fails { throw .failed }
        }
    }

    /// What the random generator was seeded with does not stay on the stack, also when the source fails.
    @Test(arguments: [false, true]) func theSeedIsWiped(fails: Bool) throws {
        var numbers = SeededGenerator(seed: 5)
        let bytes = numbers.bytes(64)
        var random = RandomGenerator()
        var failure: AgentError?
        var source = Source(bytes: bytes, fails: fails)
        let left = try stackLeft {
            do throws(AgentError) {
                try seed(&random, from: &source, personalization: Span())
            } catch {
                failure = error
            }
        }
        #expect(failure == (fails ? .entropy(.failed) : nil))
        #expect(!holds(left, partOf: bytes))
    }

    /// The generator gives what one gives that is seeded with the same, and with what sets the device apart.
    @Test func generatorIsSeeded() throws {
        var numbers = SeededGenerator(seed: 6)
        let bytes = numbers.bytes(64)
        let (one, other) = (Array("sensor 1".utf8), Array("sensor 2".utf8))
        func output(_ random: inout RandomGenerator) throws -> [UInt8] {
            var bytes = [UInt8](repeating: 0, count: 16)
            var buffer = bytes.mutableSpan
            try random.fill(&buffer)
            return bytes
        }
        for personalization in [one, other] {
            var random = RandomGenerator()
            var expected = RandomGenerator()
            var source = Source(bytes: bytes)
            try seed(&random, from: &source, personalization: personalization.span)
            try expected.seed(bytes.span, personalization: personalization.span)
            #expect(try output(&random) == output(&expected))
        }
        var random = RandomGenerator()
        var source = Source(bytes: bytes)
        let long = [UInt8](repeating: 1, count: 129)
        #expect(throws: AgentError.entropy(.failed)) {
            try seed(&random, from: &source, personalization: long.span)
        }
    }

    /// What is wrong with the record itself is named.
    @Test func recordsThatCannotBeReadAreNamed() throws {
        let good = try AgentTests.text("retries=0")
        var blank = Record(good)
        blank.bytes = []
        #expect(try run(blank).error == .provisioning(.absent))
        #expect(
            try run(Record(good), capacity: good.count - 1).error
                == .provisioning(.tooLong(UInt16(good.count), capacity: UInt16(good.count - 1))))
        #expect(try run(Record(good), capacity: good.count).error == .exchange(.getCACaps, .connecting(.refused)))
    }

    // MARK: Whom to trust as a server

    /// A line that can use neither pins nor a certificate, or takes all.
    private struct Line: Transport {
        var isTrusting = true
        var replies: [[UInt8]] = []
        var told: [String] = []
        private var rest: [UInt8] = []

        init(isTrusting: Bool = true, _ replies: [[UInt8]] = []) {
            (self.isTrusting, self.replies) = (isTrusting, replies)
        }

        mutating func note(time: Int64?, isExact: Bool) { told.append("\(time ?? -1) \(isExact)") }
        mutating func trust(pins: Span<UInt8>, certificate: Span<UInt8>) -> Bool { isTrusting }
        mutating func connect(host: Span<UInt8>, port: UInt16, deadline: UInt64) throws(TransportError) {
            guard !replies.isEmpty else { throw .refused }
            rest = replies.removeFirst()
        }
        mutating func send(_ bytes: Span<UInt8>, deadline: UInt64) throws(TransportError) {}
        mutating func receive(
            into buffer: inout MutableSpan<UInt8>, deadline: UInt64
        ) throws(TransportError) -> Int {
            let count = min(buffer.count, rest.count)
            for index in 0..<count { buffer[index] = rest[index] }
            rest.removeFirst(count)
            return count
        }
        mutating func close() {}
    }

    private struct Wall: Clock {
        var uptime: UInt64 { 5000 }
        var time: Int64?
        func sleep(milliseconds: UInt64) {}
    }

    /// What cannot be used is a setting that is wrong: the CA's certificate, if there is one, and else the pins.
    @Test func trustThatCannotBeUsedIsNamed() throws {
        let pin = "tls-pin=" + String(repeating: "ab", count: 32)
        for (lines, name) in [([pin, "tls-ca=x"], "tls-ca"), (["tls-ca=MIIB", pin], "tls-ca"), ([pin], "tls-pin")] {
            let text = try AgentTests.text(lines.joined(separator: "\n"))
            var untrusting = Line(isTrusting: false)
            let (failure, bytes) = try run(Record(text), over: &untrusting)
            let offset = try #require(text.firstRange(of: Array("\(name)=".utf8))).upperBound
            let line = text[..<offset].count { $0 == UInt8(ascii: "\n") } + 1
            let expected = ConfigurationError(.badValue, name == "tls-ca" ? .tlsCA : .tlsPin, at: offset, line: line)
            #expect(failure == .configuration(expected))
            #expect(bytes == [UInt8](repeating: 0, count: 1536))
        }
    }

    // MARK: One exchange

    private static func reply(_ body: [UInt8]) -> [UInt8] {
        Array("HTTP/1.0 200 X\r\nContent-Length: \(body.count)\r\n\r\n".utf8) + body
    }

    /// - Returns: why a run ended that has these replies, in a buffer of so many bytes, and what the line was told.
    private func run(
        _ replies: [[UInt8]], capacity: Int, time: Int64? = nil, _ prepare: (AgentBench) throws -> Void = { _ in }
    ) throws -> (error: AgentError?, told: [String]) {
        let bench = try AgentBench("retries=0")
        try prepare(bench)
        var (line, clock, log, traffic) = (Line(replies), Wall(time: time), NoLog(), Traffic())
        var buffer = [UInt8](repeating: 0, count: capacity)
        var work = buffer.mutableSpan
        let text = bench.text
        let configuration = try Configuration(text.span)
        do throws(AgentError) {
            try bench.agent.run(
                configuration: configuration, transport: &line, clock: &clock, store: &bench.store,
                log: &log, random: &bench.random, work: &work, traffic: &traffic)
            return (nil, line.told)
        } catch {
            return (error, line.told)
        }
    }

    /// Lists alone may be larger than 65,535 bytes.
    @Test func repliesHaveABound() throws {
        let most = AgentBench.capabilities + [UInt8](repeating: 0x0A, count: 65_535 - AgentBench.capabilities.count)
        let more = most + [0x0A]
        let (first, _) = try run([Self.reply(more)], capacity: 200_000)
        guard case .exchange(.getCACaps, .reply(let error))? = first else {
            Issue.record("\(String(describing: first))")
            return
        }
        #expect(error.kind == .bodyTooLarge && error.size == 65_536)
        let (second, _) = try run([Self.reply(most)], capacity: 200_000)
        #expect(second == .exchange(.getCACert, .connecting(.refused)))
        let (list, _) = try run([Self.reply(AgentBench.capabilities), Self.reply(more)], capacity: 200_000) { bench in
            try bench.putIdentity()
            bench.agent.requestedGoal = .revocationList
        }
        guard case .scep(.getCRL, _, _)? = list else {
            Issue.record("\(String(describing: list))")
            return
        }
    }

    /// Beside a reply about it there has to be space for the device's own certificate.
    @Test func listThatLeavesNoSpaceIsTooLarge() throws {
        let own = try AgentBench.certificate.count
        for (count, fits) in [(8192 - own, true), (8192 - own + 1, false)] {
            let bench = try AgentBench("retries=0")
            try bench.putIdentity()
            bench.agent.requestedGoal = .revocationList
            try bench.start()
            _ = try bench.step()
            try bench.receive(AgentBench.capabilities, to: .getCACaps)
            guard case .exchange(.getCRL, .post) = try bench.step() else {
                Issue.record("nothing is asked")
                return
            }
            let body = [UInt8](repeating: 0x58, count: count)
            let error = #expect(throws: AgentError.self) { try bench.receive(body, to: .getCRL) }
            let tooLarge = AgentError.exchange(.getCRL, .reply(HTTPError(.bodyTooLarge, at: 0, size: count)))
            #expect((error == tooLarge) == !fits, "\(String(describing: error))")
        }
    }

    /// Before each connection the line is told what is known of the time.
    @Test func lineIsToldTheTime() throws {
        let dated = Array(
            "HTTP/1.0 200 X\r\nDate: Fri, 02 Jan 2026 00:00:00 GMT\r\nContent-Length: 12\r\n\r\nAES\nSHA-256\n".utf8)
        #expect(try run([dated], capacity: 1024).told == ["-1 false", "1767312000 false"])
        #expect(try run([dated], capacity: 1024, time: 1_767_225_600).told == ["1767225600 true", "1767225600 true"])
    }
}
