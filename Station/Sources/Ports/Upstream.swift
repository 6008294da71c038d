import Board
import DeviceCrypto
import HTTP
import LinuxBoard
import TLS

/// The way to the CA that a device's requests take: the one of its configuration, and no other.
struct Upstream: ~Copyable {
    private var transport: TLSTransport<TCP>
    private let clock = SystemClock()

    init(random: inout RandomGenerator) throws(CryptoError) {
        transport = try TLSTransport(TCP(clock: clock), trust: ServerTrust(), random: &random)
    }

    /// Connects, and sends all of a request.
    mutating func send(_ request: [UInt8], to url: String) throws(TransportError) {
        let bytes = [UInt8](url.utf8)
        let server: ServerURL
        do throws(ServerURLError) {
            server = try ServerURL(bytes.span)
        } catch {
            throw .nameUnknown
        }
        let deadline = clock.uptime + 10_000
        try transport.connect(to: server, deadline: deadline)
        try transport.send(request.span, deadline: deadline)
    }

    /// What came of the reply; nil when there is nothing yet, no bytes at its end.
    mutating func receive() throws(TransportError) -> [UInt8]? {
        var buffer = [UInt8](repeating: 0, count: 4_096)
        var count = 0
        do throws(TransportError) {
            var span = buffer.mutableSpan
            count = try transport.receive(into: &span, deadline: clock.uptime)
        } catch .timedOut {
            return nil
        }
        return Array(buffer.prefix(count))
    }

    mutating func close() { transport.close() }
}
