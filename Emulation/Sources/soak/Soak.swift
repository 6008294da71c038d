import ArgumentParser

@main
struct Soak: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "soak",
        abstract: "Have one agent enrol and renew thousands of times on a bad network, and watch its memory.",
        subcommands: [Run.self, Client.self], defaultSubcommand: Run.self)
}
