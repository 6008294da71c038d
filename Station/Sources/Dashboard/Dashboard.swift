import Foundation
import Ledger
import Line
import Reports

/// What people at a line look at: pages that show, and change nothing.
public final class Dashboard: Sendable {
    private let listener: Listener
    private let address: Address
    private let access: Access
    private let proxies: [ProxyName]

    /// Starts to listen.
    ///
    /// - Parameters:
    ///   - ledger: of its own, so that nobody who works waits for those who look.
    ///   - station: its name.
    ///   - board: what a run in this process is at; without one, the ledger tells.
    ///   - proxies: names under which browsers reach a TLS proxy in front of it. A token is asked for then.
    /// - Throws: ``DashboardError``.
    public convenience init(
        _ ledger: Ledger, station: String, board: LiveBoard? = nil, at address: Address, proxies: [ProxyName] = [],
        timeZone: TimeZone = .current
    ) throws {
        let site =
            if let board {
                Site(ledger, station: station, timeZone: timeZone, places: { board.all }, notes: { board.notes })
            } else {
                Site(ledger, station: station, timeZone: timeZone)
            }
        try self.init(site, at: address, proxies: proxies)
    }

    init(_ site: Site, at address: Address, proxies: [ProxyName] = [], limits: Listener.Limits = Listener.Limits())
        throws
    {
        guard address.isLoopback || !proxies.isEmpty else { throw DashboardError.notAlone("\(address)") }
        let access = Access(address, proxies: proxies, token: proxies.isEmpty ? nil : Access.newToken())
        listener = try Listener(address, limits: limits) { head in
            access.refusal(of: head) ?? site.answer(head)
        }
        self.address = Address(address, port: listener.port)
        self.access = access
        self.proxies = proxies
    }

    /// What a browser is given. It holds the token, if there is one.
    public var url: String {
        guard let proxy = proxies.first, let token = access.token else { return "http://\(address)/" }
        return "https://\(proxy)/?token=\(token)"
    }

    public var port: UInt16 { listener.port }

    public func stop() async { await listener.stop() }
}

public enum DashboardError: Error, Equatable, CustomStringConvertible {
    /// Others than this machine would reach it, over a network that anybody may listen to.
    case notAlone(String)
    case notListening(String, String)

    public var description: String {
        switch self {
        case .notAlone(let address):
            "the dashboard has no TLS of its own, and \(address) is reached from elsewhere: let it listen on loopback, or put a proxy with TLS in front, and name it with --behind-proxy"
        case .notListening(let address, let reason): "the dashboard cannot listen on \(address): \(reason)"
        }
    }
}
