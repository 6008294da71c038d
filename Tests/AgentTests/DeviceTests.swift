import Board
import DER
import DeviceCrypto
import HTTP
import SimulatedStorage
import TestSupport
import Testing

@testable import Agent

/// The parts of a board's `main` that are the same on every board.
@Suite struct DeviceTests {
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

    /// - Returns: why a run ended, the room for the text after it, and the deadlines of its exchanges.
    private func run(_ record: Record, room: Int = 1536) throws
        -> (error: AgentError?, text: [UInt8], deadlines: [UInt64])
    {
        var (record, line, clock, log, traffic) = (record, DeadLine(), StillClock(), NoLog(), Traffic())
        var agent = AgentTests.Device()
        var store = AgentTests.blankStore()
        var random = try seededRandom()
        var bytes = [UInt8](repeating: 0xA5, count: room)
        var buffer = [UInt8](repeating: 0, count: 8192)
        var failure: AgentError?
        do throws(AgentError) {
            var text = bytes.mutableSpan
            var work = buffer.mutableSpan
            try attend(
                &agent, record: &record, text: &text, transport: &line, clock: &clock, store: &store, log: &log,
                random: &random, work: &work, traffic: &traffic)
        } catch {
            failure = error
        }
        return (failure, bytes, line.deadlines)
    }

    /// The text has the password in it: whatever a run ends with, nothing of it is left.
    @Test func theTextIsWiped() throws {
        let good = try AgentTests.text("challenge=4711-secret", "retries=0")
        var damaged = Record(good)
        damaged.bytes[damaged.bytes.count - 1] ^= 1
        let rows: [(Record, AgentError)] = [
            (Record(good), .exchange(.getCACaps, .connecting(.refused))),
            (
                Record(good + Array("\nretries=1".utf8)),
                .configuration(ConfigurationError(.duplicate, .retries, at: good.count + 1))
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
}
