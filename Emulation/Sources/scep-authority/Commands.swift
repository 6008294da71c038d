import ArgumentParser
import AuthorityServer

/// What every command to a running authority needs.
struct AdminOptions: ParsableArguments {
    @Option(help: "The administrator's port that the authority printed when it started.")
    var adminPort: UInt16

    func send(_ method: String, _ path: [String], _ parameters: [String: String] = [:]) async throws {
        let client = AdministrationClient(port: adminPort)
        print(try await client.send(method, path: path, parameters: parameters))
    }
}

struct Transactions: AsyncParsableCommand {
    static let configuration = CommandConfiguration(abstract: "List the transactions of a running authority.")
    @OptionGroup var client: AdminOptions

    func run() async throws { try await client.send("GET", ["transactions"]) }
}

struct Approve: AsyncParsableCommand {
    static let configuration = CommandConfiguration(abstract: "Issue the certificate of a pending transaction.")
    @OptionGroup var client: AdminOptions
    @Argument(help: "transactionID") var transaction: String

    func run() async throws { try await client.send("POST", ["transactions", transaction, "approve"]) }
}

struct Refuse: AsyncParsableCommand {
    static let configuration = CommandConfiguration(abstract: "Refuse a pending transaction.")
    @OptionGroup var client: AdminOptions
    @Argument(help: "transactionID") var transaction: String
    @Option(help: "failInfo, 0 to 4") var failInfo = 2
    @Option(help: "failInfoText") var text = "refused by the administrator"

    func run() async throws {
        try await client.send(
            "POST", ["transactions", transaction, "refuse"], ["failinfo": "\(failInfo)", "text": text])
    }
}

struct Password: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Issue a one-time password, at an authority that was started with --one-time or a file of them.")
    @OptionGroup var client: AdminOptions
    @Option(help: "commonName or serialNumber of the device; without it, any.") var device = ""

    func run() async throws { try await client.send("POST", ["passwords"], ["device": device]) }
}

struct Certificates: AsyncParsableCommand {
    static let configuration = CommandConfiguration(abstract: "List the certificates that were issued, or print one.")
    @OptionGroup var client: AdminOptions
    @Argument(help: "Serial number, hexadecimal: this certificate, in PEM.") var serial: String?

    func run() async throws { try await client.send("GET", ["certificates"] + [serial].compactMap(\.self)) }
}

struct LedgerOfRequests: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "ledger", abstract: "List the requests by transactionID, key and digest of the password.")
    @OptionGroup var client: AdminOptions

    func run() async throws { try await client.send("GET", ["ledger"]) }
}

struct Revoke: AsyncParsableCommand {
    static let configuration = CommandConfiguration(abstract: "Revoke a certificate.")
    @OptionGroup var client: AdminOptions
    @Argument(help: "Serial number, hexadecimal.") var serial: String
    @Option(help: "Reason of RFC 5280, 0 to 5.") var reason = 0

    func run() async throws {
        try await client.send("POST", ["certificates", serial, "revoke"], ["reason": "\(reason)"])
    }
}

struct Clock: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Tell a running authority's time, or move it.",
        discussion: "scep-authority clock --admin-port 45123 +30d; back with -30d. Units: s, m, h, d and y (365 days).")
    @OptionGroup var client: AdminOptions
    @Argument(parsing: .allUnrecognized, help: "A number and a unit, as in +30d or -90s.") var move: [String] = []

    func run() async throws {
        guard move.count < 2 else { throw ValidationError("write one move, as in +30d") }
        guard let move = move.first else { return try await client.send("GET", ["clock"]) }
        try await client.send("POST", ["clock"], ["by": "\(seconds(move, of: "clock"))"])
    }
}

struct RollOver: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Take the next CA into service; with --prepare, make one and leave it waiting.")
    @OptionGroup var client: AdminOptions
    @Flag(help: "Make a next CA.") var prepare = false

    func run() async throws { try await client.send("POST", [prepare ? "next-ca" : "rollover"]) }
}
