import ArgumentParser

@main
struct SCEPStation: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "scep-station",
        abstract: "Take devices from blank to verified, and account for each.",
        discussion: """
            What is planned comes from a manifest, CSV or NDJSON, a device a line; what happened is in a ledger. \
            Docs/Station.md leads through a batch.
            """,
        subcommands: [
            Check.self, Run.self, Status.self, Verified.self, Rework.self, Scrap.self, Retire.self, Quota.self,
            Audit.self,
            Backup.self,
            Key.self, ReportCommand.self, Serve.self,
        ])
}

/// Exit codes beside 0 and those of the argument parser.
enum Exit {
    /// A device failed, or something is not as it should be.
    static let failed = ExitCode(1)
    /// The manifest or a profile is wrong: nothing was begun.
    static let manifest = ExitCode(2)
    /// The station cannot work: ledger, disk, folder.
    static let station = ExitCode(3)
}
