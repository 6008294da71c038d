import Agent
import ArgumentParser
import Board
import DeviceCrypto
import Foundation
import LinuxBoard

/// The agent's side: one process with one agent, over real sockets and a real folder.
struct Client: ParsableCommand {
    static let configuration = CommandConfiguration(abstract: "The agent, in the working folder.", shouldDisplay: false)

    @Option var url: String
    @Option var fingerprint: String
    @Option var key: String
    @Option var count: Int

    func run() throws {
        let lines = [
            "url=\(url)", "fingerprint=\(fingerprint)", "subject=CN=soak", "challenge=soak", "challenge-use=always",
            "key=\(key)", "timeout=2", "retries=0",
        ]
        let text = Array(lines.joined(separator: "\n").utf8)
        guard let working = Descriptor(".", O_RDONLY | O_DIRECTORY) else { throw ExitCode.failure }
        var entropy = SystemEntropy()
        var random = RandomGenerator()
        try seed(&random, from: &entropy, personalization: Span())
        var buffer = [UInt8](repeating: 0, count: 65_536)
        var work = buffer.mutableSpan
        let configuration = try Configuration(text.span)
        var agent = Agent<SoftwareKey, 16_384>()
        var store = IdentityStore(DirectorySnapshots(try IdentityFolder.open(in: working)))
        var tcp = TCP(clock: SystemClock())
        var clock = SystemClock()
        var log = Outcomes()
        var traffic = Traffic()
        var usage = ResourceUsage()
        agent.mayWait = false
        var last: AgentError?
        // What the network does to one in three exchanges, three tries in four survive not.
        while usage.certificates < count, usage.tries < 20 * count {
            usage.tries += 1
            agent.requestedGoal = usage.certificates == 0 ? nil : usage.certificates % 100 == 0 ? .enrol : .renew
            log.hasCertificate = false
            do throws(AgentError) {
                try agent.run(
                    configuration: configuration, transport: &tcp, clock: &clock, store: &store, log: &log,
                    random: &random, work: &work, traffic: &traffic)
            } catch {
                log.hasCertificate = false
                last = error
            }
            guard log.hasCertificate else { continue }
            usage.certificates += 1
            if usage.certificates % max(count / 100, 1) == 0 { try report(&usage) }
        }
        try report(&usage)
        guard usage.certificates < count else { return }
        print("the last try of \(usage.tries) ended in \(last.map { "\($0)" } ?? "nothing")")
        throw ExitCode.failure
    }

    private func report(_ usage: inout ResourceUsage) throws {
        let pages = try String(contentsOfFile: "/proc/self/statm", encoding: .utf8).split(separator: " ")
        usage.kilobytes = (Int(pages[1]) ?? 0) * sysconf(Int32(_SC_PAGESIZE)) / 1024
        usage.descriptors = try FileManager.default.contentsOfDirectory(atPath: "/proc/self/fd").count
        print(usage)
        fflush(nil)
    }
}

/// Sees whether a run brought a certificate.
private struct Outcomes: AgentLog {
    var hasCertificate = false

    func write(line: Span<UInt8>) {}

    mutating func logEvent(_ event: borrowing Event, _ work: Span<UInt8>) {
        if event.outcome == .issued { hasCertificate = true }
    }
}
