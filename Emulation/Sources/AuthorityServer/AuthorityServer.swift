import Authority
import FlyingSocks

/// An authority at an address: any path takes SCEP, over HTTP/1.0 and 1.1.
public final class AuthorityServer: Sendable {
    public let authority: Authority
    private let scep: HTTPListener
    private let administration: HTTPListener?

    /// Starts to listen. Port 0 takes a free one; `adminPort` nil leaves the administration API out, which is always
    /// on this machine's loopback and asks nobody who they are.
    public init(
        _ authority: Authority, bind: String = "127.0.0.1", port: UInt16 = 0, adminPort: UInt16? = nil
    ) async throws {
        self.authority = authority
        let configuration = authority.configuration
        scep = try await HTTPListener(
            bind: bind, port: port, style: configuration.profile.http, clock: { authority.now }
        ) { authority.answer($0) }
        guard let adminPort else {
            administration = nil
            return
        }
        do {
            administration = try await HTTPListener(
                bind: "127.0.0.1", port: adminPort, style: HTTPStyle(), clock: { authority.now }
            ) { authority.administer($0) }
        } catch {
            await scep.stop()
            throw error
        }
    }

    public var port: UInt16 { scep.port }
    public var adminPort: UInt16? { administration?.port }

    /// Where SCEP is spoken, as a client on this machine is told.
    public var url: String { "http://\(scep.authority)/scep" }
    public var adminURL: String? { administration.map { "http://\($0.authority)" } }

    /// Stops to listen, and closes all connections.
    public func stop() async {
        await scep.stop()
        await administration?.stop()
    }
}
