import ArgumentParser
import Authority
import AuthorityServer
import CommandOutput
import Emulator
import FaultProxy
import Foundation
import Interference
import Synchronization

/// The network's side: an authority, a proxy that corrupts some of its replies, and the client as a process of its own.
struct Run: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Start an authority, a proxy that corrupts every third reply or so, and the agent (the default).",
        discussion: """
            Of the certificates that the agent gets, one in a hundred is an enrolment, the others renew the one before. \
            Exit code 0: it got them all, with as much memory at the end as after the first tenth, and no descriptor more.
            """)

    @Option(help: "How many certificates.")
    var count = 10_000

    @Option(help: "Of what is corrupted; by chance if it is left out.")
    var seed = UInt64.random(in: 0...UInt64.max)

    @Option(help: "rsa2048 or p256.")
    var key = "p256"

    /// What the agent's memory may be above what it was after the first tenth, for a page that is touched late.
    private static let slack = 64

    func validate() throws {
        guard count >= 20 else { throw ValidationError("--count takes a number from 20 on") }
        guard ["rsa2048", "p256"].contains(key) else { throw ValidationError("--key is rsa2048 or p256") }
    }

    func run() async throws {
        var configuration = CAConfiguration()
        configuration.challenge = .shared("soak")
        // Each certificate has to end later than the one before, and all have to begin in the past.
        configuration.backdating = 86_400 * 30
        configuration.lifetime = 86_400 * 365
        let server = try await AuthorityServer(try Authority(configuration))
        let meddler = Meddler(seed: seed)
        let proxy = try FaultProxy(upstream: server.port) { request in
            server.authority.moveClock(by: 1)
            return meddler.next()
        }
        let folder = FileManager.default.temporaryDirectory.appending(path: "soak-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        say("soak: seed \(seed)")
        let fingerprint = try server.authority.trustAnchor.fingerprint(.sha256).hexadecimal
        let client = Program(
            executable: Bundle.main.executablePath ?? CommandLine.arguments[0],
            arguments: [
                "client", "--url", "http://127.0.0.1:\(proxy.port)/scep", "--fingerprint", fingerprint, "--key", key,
                "--count", "\(count)",
            ], folder: folder, origin: "swift build --product soak")
        let start = ContinuousClock.now
        let ending = try await client.run(timeLimit: .seconds(6 * 3600)) { try await $0.end() }
        proxy.stop()
        await server.stop()
        let usage = ending.lines.compactMap { ResourceUsage($0.text) }
        for line in ending.lines where ResourceUsage(line.text) == nil { say(line.text) }
        guard ending.ending == .exited(0), let last = usage.last,
            let early = usage.first(where: { $0.certificates >= count / 10 })
        else {
            say("soak: the agent did not come to its end: \(ending.ending); --seed \(seed) does the same")
            throw ExitCode.failure
        }
        let issued = server.authority.issuedCertificates().count
        let seconds = (ContinuousClock.now - start).components.seconds
        say("soak: \(last.certificates) certificates in \(last.tries) tries, \(issued) issued, in \(seconds) s")
        say("soak: \(meddler.count) of \(proxy.exchanges) exchanges were interfered with")
        say(
            "soak: resident memory \(early.kilobytes) KiB after \(early.certificates) certificates, "
                + "\(last.kilobytes) KiB after \(last.certificates); open descriptors \(early.descriptors) and "
                + "\(last.descriptors)")
        guard last.certificates == count, last.kilobytes <= early.kilobytes + Self.slack,
            last.descriptors == early.descriptors
        else {
            say("soak: it grows")
            throw ExitCode.failure
        }
    }
}

/// Chooses what is done to which exchange.
private final class Meddler: Sendable {
    private struct State {
        var random: SplitMix64
        var count = 0
    }

    private let state: Mutex<State>

    init(seed: UInt64) { state = Mutex(State(random: SplitMix64(seed: seed))) }

    /// Exchanges that were interfered with.
    var count: Int { state.withLock { $0.count } }

    func next() -> Interference? {
        state.withLock { state in
            guard Int.random(in: 0..<3, using: &state.random) == 0 else { return nil }
            state.count += 1
            // A reply has between 175 and some 3000 bytes.
            let place = Int.random(in: 0..<3000, using: &state.random)
            switch Int.random(in: 0..<100, using: &state.random) {
            case 0..<30: return .flipped(Int.random(in: 0..<24_000, using: &state.random))
            case 30..<50: return .cut(place)
            case 50..<60: return .broken(place)
            // It costs the agent its whole time limit.
            case 60: return .stalled(place)
            case 61..<70: return .requestLost
            case 70..<80: return .replayed(.stale)
            case 80..<85: return .replayed(.reordered)
            case 85..<88: return .doubled
            default: return Forgery.all.randomElement(using: &state.random).map(Interference.forged)
            }
        }
    }
}
