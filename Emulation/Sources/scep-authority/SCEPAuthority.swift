import ArgumentParser

@main
struct SCEPAuthority: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "scep-authority",
        abstract: "A SCEP certificate authority (RFC 8894) for tests and demonstration.",
        discussion: """
            It protects nothing: its keys lie open, and nobody should trust what it issues. Started with no options, \
            it makes a CA in memory, listens on a free port of this machine and issues to whoever asks.
            """,
        subcommands: [
            Serve.self, Transactions.self, Approve.self, Refuse.self, Password.self, Certificates.self,
            LedgerOfRequests.self, Revoke.self, RollOver.self, Clock.self,
        ],
        defaultSubcommand: Serve.self)
}
