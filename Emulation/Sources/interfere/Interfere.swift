import ArgumentParser
import CommandOutput
import Foundation
import PowerCuts

@main
struct Interfere: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "interfere",
        abstract: "Stand between a simulated device and its CA, and do everything to each reply that can be done.",
        discussion: """
            The real agent and store run against the real authority, in simulated time: enrolments and renewals, of which \
            one exchange is interfered with. The stream is cut after every byte, every bit is turned over, the reply is \
            replayed, swapped, forged, slowed down. Whatever is done, the device must keep what it has, must hold no \
            certificate but what the CA issued for its key, and its next try must succeed. Every trial that goes wrong \
            prints an id; power-cuts --replay with that id runs it again and tells what happens. Exit code 0: all trials \
            went well; 1: some did not.
            """)

    enum Effort: String, CaseIterable, ExpressibleByArgument {
        case sample
        case all
    }

    @Option(help: "How much to try: of all cuts and flips one in 61, or every one.")
    var effort = Effort.sample

    @Option(help: ArgumentHelp("Only this flow; may be repeated.", valueName: "name"))
    var flow: [String] = []

    @Option(help: "With --effort sample: which of the 61; by chance if it is left out.")
    var offset = Int.random(in: 0..<61)

    @Option(help: "How many threads.")
    var workers = ProcessInfo.processInfo.activeProcessorCount

    func validate() throws {
        guard workers > 0 else { throw ValidationError("--workers takes a number above 0") }
        guard offset >= 0 else { throw ValidationError("--offset takes a number from 0 on") }
        if let name = flow.first(where: { name in !InterferenceSweep.flows.contains { $0.name == name } }) {
            throw ValidationError(
                "no flow is called \(name); there are \(InterferenceSweep.flows.map(\.name).joined(separator: ", "))")
        }
    }

    func run() async throws {
        let flows = InterferenceSweep.flows.filter { flow.isEmpty || flow.contains($0.name) }
        let sweep = InterferenceSweep(
            flows: flows, stride: effort == .all ? 1 : 61, offset: effort == .all ? 0 : offset)
        let start = ContinuousClock.now
        let rows = try await sweep.run(workers: workers)
        print(row("flow", "exchange", "bytes", "cuts", "flips", "others", "unnoticed", "wrong"))
        for each in rows {
            print(
                row(
                    each.flow, "\(each.exchange) \(each.operation.rawValue)", "\(each.bytes)", "\(each.cuts)",
                    "\(each.flips)", "\(each.others)", "\(each.taken.count)", "\(each.failures.count)"))
        }
        let failures = rows.flatMap(\.failures)
        for failure in failures.prefix(20) { print("\(failure.id): \(failure.reason)") }
        if failures.count > 20 { print("and \(failures.count - 20) more") }
        let seconds = (ContinuousClock.now - start).components.seconds
        let offset = effort == .all ? "" : " (--offset \(offset))"
        print(
            """
            \(rows.map(\.count).reduce(0, +)) interferences tried\(offset), \(rows.map(\.cuts).reduce(0, +)) cuts and \
            \(rows.map(\.flips).reduce(0, +)) flipped bits among them, in \(seconds) s: \
            \(failures.isEmpty ? "all went well" : "\(failures.count) went wrong; power-cuts --replay <id> runs one")
            """)
        if !failures.isEmpty { throw ExitCode.failure }
    }
}

/// One line of the table.
private func row(_ texts: String...) -> String { row(texts, widths: [12, 15, 5, 6, 6, 6, 9, 5]) }
