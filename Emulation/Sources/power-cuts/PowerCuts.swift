import ArgumentParser
import CommandOutput
import Foundation
import PowerCuts

@main
struct PowerCutsCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "power-cuts",
        abstract: "Cut a simulated device's power wherever it can fail, and see that it recovers.",
        discussion: """
            The real agent and store run on simulated storage, against the real authority, in simulated time. Every \
            trial that goes wrong prints an id; --replay with that id runs it again and tells what happens. Exit code \
            0: all trials went well; 1: some did not.
            """)

    enum Effort: String, CaseIterable, ExpressibleByArgument {
        case sample
        case all
    }

    @Option(help: "How much to try: sample takes minutes, all takes hours.")
    var effort = Effort.sample

    @Option(help: ArgumentHelp("Only this flow; may be repeated.", valueName: "name"))
    var flow: [String] = []

    @Option(help: ArgumentHelp("Only this storage; may be repeated.", valueName: "name"))
    var storage: [String] = []

    @Option(help: "How many threads.")
    var workers = ProcessInfo.processInfo.activeProcessorCount

    @Option(help: ArgumentHelp("Run this one trial, and tell what happens.", valueName: "id"))
    var replay: String?

    @Flag(help: "List the flows and the kinds of storage.")
    var list = false

    func validate() throws {
        guard workers > 0 else { throw ValidationError("--workers takes a number above 0") }
        if let name = flow.first(where: { name in !Flow.all.contains { $0.name == name } }) {
            throw ValidationError("no flow is called \(name); --list shows them")
        }
        if let name = storage.first(where: { name in !media.contains { $0.name == name } }) {
            throw ValidationError("no storage is called \(name); --list shows them")
        }
    }

    private var media: [Medium] { effort == .all ? Medium.all : Medium.sample }

    func run() async throws {
        if list {
            for flow in Flow.all { print("flow     \(flow.name)") }
            for medium in media { print("storage  \(medium.name)") }
            return
        }
        if let replay {
            do {
                try Plan.replay(replay) { print($0) }
            } catch {
                print("\(replay): \(error)")
                throw ExitCode.failure
            }
            print("\(replay): the device has its new identity")
            return
        }
        try await runAll()
    }

    private func runAll() async throws {
        var plan = effort == .all ? Plan.all : Plan.sample
        plan.parts.removeAll { part in
            !flow.isEmpty && !flow.contains(part.flow.name) || !storage.isEmpty && !storage.contains(part.medium.name)
        }
        let start = ContinuousClock.now
        say(row("flow", "storage", "cuts deep", "places", "cuts", "distinct", "lost", "wrong"))
        let total = try await plan.run(workers: workers) { part, tally in
            say(
                row(
                    part.flow.name, part.medium.name, "\(part.depth)", "\(tally.cutPoints)", "\(tally.cuts)",
                    "\(tally.distinct)", "\(tally.losses)", "\(tally.failures.count)"))
        }
        for failure in total.failures.prefix(20) { say("\(failure.id): \(failure.reason)") }
        if total.failures.count > 20 { say("and \(total.failures.count - 20) more") }
        let seconds = (ContinuousClock.now - start).components.seconds
        say(
            """
            \(total.cuts) power cuts tried, of which \(total.distinct) left a state of their own, and \
            \(total.losses) lost messages, in \(seconds) s: \
            \(total.failures.isEmpty ? "all went well" : "\(total.failures.count) went wrong; --replay <id> runs one")
            """)
        if !total.failures.isEmpty { throw ExitCode.failure }
    }
}

/// One line of the table.
private func row(_ texts: String...) -> String { row(texts, widths: [17, 18, 9, 7, 7, 8, 5, 5]) }
