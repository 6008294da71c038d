import Board
import HTTP
import Testing

/// What a proxy says to CONNECT: only 2xx makes a tunnel, and any other status means that there is none yet (RFC 9110,
/// section 9.3.6).
@Suite struct ProxyTunnelTests {
    /// A proxy that says one thing.
    private struct Proxy: Transport, ~Copyable {
        var reply: [UInt8]
        var sent: [UInt8] = []
        var isOpen = false
        var notes: [(time: Int64?, isExact: Bool)] = []

        mutating func note(time: Int64?, isExact: Bool) { notes.append((time, isExact)) }

        mutating func connect(host: Span<UInt8>, port: UInt16, deadline: UInt64) throws(TransportError) {
            isOpen = true
        }

        mutating func send(_ bytes: Span<UInt8>, deadline: UInt64) throws(TransportError) {
            for index in bytes.indices { sent.append(bytes[index]) }
        }

        mutating func receive(
            into buffer: inout MutableSpan<UInt8>, deadline: UInt64
        ) throws(TransportError) -> Int {
            let count = min(buffer.count, reply.count)
            for index in 0..<count { buffer[index] = reply[index] }
            reply.removeFirst(count)
            return count
        }

        mutating func close() { isOpen = false }
    }

    /// What comes of a reply; nil for a tunnel.
    private func outcome(_ reply: String) throws -> TransportError? {
        let url = Array("http://proxy.example:3128".utf8)
        var transport = try ProxyTransport(
            Proxy(reply: Array((reply + "tunnel").utf8)), proxy: HTTPProxy(ServerURL(url.span), credentials: Span()))
        let host = Array("ca.example".utf8)
        do throws(TransportError) {
            try transport.connect(host: host.span, port: 443, deadline: 1)
        } catch {
            let isOpen = transport.lower.isOpen
            #expect(!isOpen)
            return error
        }
        let request = String(decoding: transport.lower.sent, as: UTF8.self)
        #expect(request == "CONNECT ca.example:443 HTTP/1.1\r\nHost: ca.example:443\r\n\r\n")
        // What stands behind the empty line is the tunnel's.
        let (isOpen, rest) = (transport.lower.isOpen, transport.lower.reply)
        #expect(isOpen && rest == Array("tunnel".utf8))
        return nil
    }

    /// What is known of the time is for the stream as well, behind a proxy or not.
    @Test(arguments: [true, false]) func theStreamIsToldTheTime(isProxied: Bool) throws {
        let url = Array("http://proxy.example:3128".utf8)
        var transport = try ProxyTransport(
            Proxy(reply: []), proxy: isProxied ? HTTPProxy(ServerURL(url.span), credentials: Span()) : nil)
        transport.note(time: 1_700_000_000, isExact: true)
        transport.note(time: nil, isExact: false)
        let notes = transport.lower.notes
        #expect(notes.map(\.time) == [1_700_000_000, nil] && notes.map(\.isExact) == [true, false])
    }

    @Test(
        arguments: [
            (200, nil), (201, nil), (204, nil), (299, nil), (199, .proxyRefused), (300, .proxyRefused),
            (301, .proxyRefused), (302, .proxyRefused), (304, .proxyRefused), (307, .proxyRefused),
            (399, .proxyRefused), (400, .proxyRefused), (401, .proxyAuthentication), (403, .proxyRefused),
            (407, .proxyAuthentication), (500, .proxyRefused), (502, .proxyRefused), (599, .proxyRefused),
            (999, .proxyRefused), (0, .proxyRefused),
        ] as [(Int, TransportError?)])
    func onlySuccessIsATunnel(status: Int, error: TransportError?) throws {
        let digits = String(String(1000 + status).dropFirst())
        for version in ["HTTP/1.1", "HTTP/1.0"] {
            #expect(try outcome("\(version) \(digits) Words\r\n\r\n") == error)
            #expect(try outcome("\(version) \(digits)\r\nLocation: https://ca.example/\r\nVia: x\r\n\r\n") == error)
        }
    }

    @Test(
        arguments: [
            ("HTTP/1.1 200", .proxyRefused), ("", .proxyRefused), ("HTTP/1.1 200 OK\r\nVia: x\r\n", .proxyRefused),
            ("SSH-2.0-x 200\r\n\r\n", .proxyUnreachable), ("HTTP/1.1 2x0\r\n\r\n", .proxyUnreachable),
            ("HTTP/1.1 20\r\n\r\n", .proxyUnreachable), ("HTTP/2.0 200\r\n\r\n", .proxyUnreachable),
        ] as [(String, TransportError)])
    func whatIsNoReplyIsNoTunnel(reply: String, error: TransportError) throws {
        let url = Array("http://proxy.example:3128".utf8)
        var transport = try ProxyTransport(
            Proxy(reply: Array(reply.utf8)), proxy: HTTPProxy(ServerURL(url.span), credentials: Span()))
        let host = Array("ca.example".utf8)
        var found: TransportError?
        do throws(TransportError) {
            try transport.connect(host: host.span, port: 443, deadline: 1)
        } catch {
            found = error
        }
        let isOpen = transport.lower.isOpen
        #expect(found == error && !isOpen)
    }
}
