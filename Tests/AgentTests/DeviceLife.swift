import Board
import DeviceCrypto
import Foundation
import HTTP
import SCEP
import SimulatedStorage
import TestKeys
import TestSupport

@testable import Agent

/// A device that is switched on again and again, and the CA that it was told to trust: all of the core runs, down to the
/// bytes of HTTP, on simulated flash and in a time that the test has.
final class DeviceLife {
    typealias Device = Agent<PooledKey, 4096>

    let authority: OpenSSLAuthority
    var settings: [String]
    var fingerprint: String
    /// In the place of what ``authority`` says, where it is not nil; by the number of the exchange of this run, from 1 on.
    var network: (_ exchange: Int, _ operation: String) -> TransportError? = { _, _ in nil }
    /// In the place of what ``authority`` answers, where it is not nil; by the target of the request.
    var answer: (_ target: String) throws -> OpenSSLAuthority.Reply? = { _ in nil }
    var subject = "CN=sensor"
    /// Whether replies have a Date.
    var tellsDate = false
    /// Seconds by which that is ahead of the time.
    var dateOffset: Int64 = 0
    var store = FlashStore(
        SimulatedFlash(StorageGeometry(pageSize: 4, sectorSize: 1024, sectorCount: 32, erasedValue: 0xFF)),
        capacity: Device.snapshotCapacity)
    /// Seconds since 1970, of the simulated world.
    var time: Int64 = AgentBench.epoch
    var hasClock = true
    /// Is given the store after each change that was stored; by the number of the change of this run, from 1 on.
    var afterStoring: (_ number: Int, inout FlashStore) -> Void = { _, _ in }
    /// After so many waits a run ends: the power goes.
    var waitLimit = 40
    private let keys = PooledKey.Counter()
    private var random: RandomGenerator

    /// What the work buffer held at the end of the last run.
    private(set) var left: [UInt8] = []

    /// One run, from switching on to its end.
    struct Run {
        /// `done`, or why it ended.
        var verdict = ""
        var lines: [String] = []
        /// What was asked, as RFC 8894 calls it.
        var operations: [String] = []
        /// What was sent a request to, path and query; of a message in it, `…`.
        var targets: [String] = []
        /// Seconds of each wait.
        var waits: [UInt64] = []
        /// What a program is told of the events, beside their lines: whether the CA had said what it can do, and whether it
        /// is an enrolment.
        var told: [String] = []
        /// The records that there were after each change.
        var stored: [[StoredRecord]] = []

        /// The events' words behind `event`, without what differs from one certificate to the next.
        var events: [String] {
            lines.filter { $0.hasPrefix("event ") }.map { line in
                line.dropFirst(6).split(separator: " ").filter {
                    !$0.contains(/^(serial|fingerprint|transactionID|notAfter)=/)
                }.joined(separator: " ")
            }
        }

        var warnings: [String] { lines.filter { $0.hasPrefix("warning: ") }.map { String($0.dropFirst(9)) } }
    }

    init(_ settings: String..., authority: OpenSSLIdentity? = nil) throws {
        self.authority = OpenSSLAuthority(try authority ?? OpenSSLAuthority.shared)
        self.settings = settings
        fingerprint = try self.authority.identity.fingerprint()
        random = try seededRandom()
    }

    func pass(days: Double) { time += Int64(days * 86_400) }

    /// Switches the device on, and off when it ends.
    ///
    /// - Parameter look: what it holds at its end.
    func powerUp(
        _ prepare: (inout Device) -> Void = { _ in }, _ look: (borrowing Device) -> Void = { _ in }
    ) throws -> Run {
        let environment = Environment(self)
        let text = Array(
            (["url=http://ca.example/scep", "fingerprint=\(fingerprint)", "subject=\(subject)"] + settings)
                .joined(separator: "\n").utf8)
        let configuration = try Configuration(text.span)
        var agent = Device()
        prepare(&agent)
        var (line, clock, log, traffic) = (
            Line(environment: environment), SimulatedClock(environment: environment), Journal(environment: environment),
            Traffic()
        )
        var buffer = [UInt8](repeating: 0xA5, count: 8192)
        var work = buffer.mutableSpan
        var failure: AgentError?
        PooledKey.$taken.withValue(keys) {
            do throws(AgentError) {
                try agent.run(
                    configuration: configuration, transport: &line, clock: &clock, store: &store, log: &log,
                    random: &random, work: &work, traffic: &traffic
                ) { store, _ in
                    environment.run.stored.append(
                        (1...12).compactMap { StoredRecord(rawValue: $0) }.filter { store.size(of: $0) != nil })
                    afterStoring(environment.run.stored.count, &store)
                    if environment.isEnded { store.flash.operations.cutPower(at: 1, .before) }
                }
            } catch {
                failure = error
            }
            logResult(failure, work: work.span, log: &log)
        }
        look(agent)
        left = buffer
        store.flash.operations.boot()
        if let error = environment.error { throw error }
        environment.run.verdict = environment.run.lines.removeLast()
        time = environment.time
        return environment.run
    }

    /// What is stored now.
    func record(_ record: StoredRecord) throws -> [UInt8]? {
        var again = FlashStore(store.flash, capacity: Device.snapshotCapacity)
        try again.open()
        return try value(record, of: &again)
    }

    /// The records that there are.
    func records() throws -> [StoredRecord] {
        try (1...12).compactMap { StoredRecord(rawValue: $0) }.filter { try record($0) != nil }
    }

    /// Whether the stored key is that of the stored certificate.
    func holdsMatchingPair() throws -> Bool {
        guard let bytes = try record(.privateKey), let certificate = try record(.certificate) else { return false }
        var key = SoftwareKey()
        try key.load(bytes.span)
        var buffer = [UInt8](repeating: 0, count: 600)
        var output = buffer.mutableSpan
        let count = try key.publicKey(into: &output)
        let modulus = Array(buffer[..<count]).hex.uppercased()
        let expected = try OpenSSL.run(["x509", "-inform", "DER", "-noout", "-modulus"], input: certificate)
        return String(decoding: expected, as: UTF8.self).contains("=\(modulus)")
    }

    /// What the parts of a board share in one run.
    private final class Environment {
        let life: DeviceLife
        var run = Run()
        var time: Int64
        var uptime: UInt64 = 0
        var isEnded = false
        var error: (any Error)?
        var sent: [UInt8] = []
        var reply: [UInt8] = []
        var exchanges = 0

        init(_ life: DeviceLife) {
            self.life = life
            time = life.time
        }

        func pass(milliseconds: UInt64) {
            uptime += milliseconds
            time += Int64(milliseconds / 1000)
            life.time = time
        }

        /// Answers what was sent.
        func answer() throws(TransportError) {
            guard !isEnded else { throw .unreachable }
            exchanges += 1
            let text = String(decoding: sent, as: UTF8.self)
            let target = text.split(separator: " ", maxSplits: 2)[1]
            let query = Dictionary(
                target.split(separator: "?").last.map { $0.split(separator: "&") }.map {
                    $0.map { part in
                        let words = part.split(separator: "=", maxSplits: 1)
                        return (String(words[0]), words.count > 1 ? String(words[1]) : "")
                    }
                } ?? [], uniquingKeysWith: { $1 })
            let operation = query["operation"] ?? ""
            let isPost = text.hasPrefix("POST ")
            let body = sent.firstRange(of: Array("\r\n\r\n".utf8)).map { Array(sent[$0.upperBound...]) } ?? []
            let message =
                isPost ? body : [UInt8](Data(base64Encoded: query["message"]?.removingPercentEncoding ?? "") ?? Data())
            run.operations.append(operation)
            run.targets.append(String(target).replacing(/message=[^&]{80,}/, with: "message=…"))
            life.authority.time = time
            if let failure = life.network(exchanges, operation) { throw failure }
            do {
                let instead = try life.answer(String(target))
                guard let answer = try instead ?? life.authority.reply(to: operation, message, isPost: isPost) else {
                    return
                }
                var head = "HTTP/1.0 \(answer.status) X\r\nContent-Type: \(answer.mediaType)\r\n"
                if life.tellsDate {
                    head += "Date: \(httpDate(time + life.dateOffset))\r\n"
                }
                reply = Array("\(head)Content-Length: \(answer.body.count)\r\n\r\n".utf8) + answer.body
            } catch {
                self.error = error
                throw .unreachable
            }
        }
    }

    private struct Line: Transport {
        let environment: Environment

        mutating func connect(host: Span<UInt8>, port: UInt16, deadline: UInt64) throws(TransportError) {
            (environment.sent, environment.reply) = ([], [])
        }

        mutating func send(_ bytes: Span<UInt8>, deadline: UInt64) throws(TransportError) {
            environment.sent += bytes.indices.map { bytes[$0] }
        }

        mutating func receive(
            into buffer: inout MutableSpan<UInt8>, deadline: UInt64
        ) throws(TransportError) -> Int {
            if !environment.sent.isEmpty {
                try environment.answer()
                environment.sent = []
            }
            let count = min(buffer.count, environment.reply.count)
            for index in 0..<count { buffer[index] = environment.reply[index] }
            environment.reply.removeFirst(count)
            return count
        }

        mutating func close() {}
    }

    private struct SimulatedClock: Clock {
        let environment: Environment
        var uptime: UInt64 { environment.uptime }
        var time: Int64? { environment.life.hasClock ? environment.time : nil }

        func sleep(milliseconds: UInt64) {
            guard !environment.isEnded else {
                // Whatever is due is due now, and cannot be stored.
                environment.uptime += 400 * 86_400_000
                environment.time += 400 * 86_400
                return
            }
            environment.run.waits.append(milliseconds / 1000)
            environment.pass(milliseconds: milliseconds)
            if environment.run.waits.count >= environment.life.waitLimit { environment.isEnded = true }
        }
    }

    private struct Journal: AgentLog {
        let environment: Environment

        func logEvent(_ event: borrowing Event, _ work: Span<UInt8>) {
            environment.run.told.append(
                (event.knowsCapabilities ? "knows" : "-") + (event.isOfEnrolment ? " enrolment" : " -"))
            var line = Board.Line()
            line.append(event, work)
            write(line: line.span)
        }

        func write(line: Span<UInt8>) {
            environment.run.lines.append(String(decoding: line.indices.map { line[$0] }, as: UTF8.self))
        }
    }
}
