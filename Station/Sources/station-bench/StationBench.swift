import ArgumentParser

@main
struct StationBench: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "station-bench",
        abstract: "Measure the station: `make bench-line` runs all of it, built for release.",
        subcommands: [AuditBench.self, ManifestBench.self, LineBench.self])
}
