import ArgumentParser
import Dashboard
import Foundation
import Ledger

/// Where the dashboard is reached, beside its address.
struct ProxyOptions: ParsableArguments {
    @Option(
        name: .customLong("behind-proxy"), parsing: .singleValue,
        help: ArgumentHelp(
            "The name under which browsers reach a proxy with TLS in front of the dashboard: line.example, or line.example:8443; several times for several.",
            discussion:
                "The dashboard listens beyond loopback only then, and asks for a token: the address that is printed at the start has it."
        ), transform: ProxyName.argument)
    var proxies: [ProxyName] = []

    /// - Parameter ledger: opened for it alone.
    func dashboard(_ options: StationOptions, at address: Address, board: LiveBoard? = nil) throws -> Dashboard {
        let dashboard = try Dashboard(
            options.openLedger(), station: options.actor.station, board: board, at: address, proxies: proxies)
        say("dashboard: \(dashboard.url)")
        return dashboard
    }
}

extension ProxyName {
    /// Says what is wrong with one, which the parser of arguments does of a `transform` alone.
    static func argument(_ text: String) throws -> ProxyName {
        do throws(Fault) {
            return try ProxyName(text)
        } catch {
            throw ValidationError("--behind-proxy \(text): \(error)")
        }
    }
}

extension Address: ExpressibleByArgument {
    public init?(argument: String) { self.init(argument) }
}

struct Serve: StationCommand {
    static let configuration = CommandConfiguration(
        abstract: "Show the line in a browser, beside whatever runs: nothing is changed there.")

    @OptionGroup var options: StationOptions
    @OptionGroup var proxy: ProxyOptions
    @Option(help: "[HOST:]PORT; HOST is this machine's loopback by default.")
    var listen = Address(loopbackPort: 8894)

    func perform() throws {
        let dashboard = try proxy.dashboard(options, at: listen)
        let ended = DispatchSemaphore(value: 0)
        let signals = onSignals { ended.signal() }
        defer { signals.forEach { $0.cancel() } }
        withExtendedLifetime(dashboard) { ended.wait() }
    }
}
