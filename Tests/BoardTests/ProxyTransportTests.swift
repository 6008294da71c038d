import Board
import Foundation
import HTTP
import TestSupport
import Testing

/// What passes to and from a proxy: RFC 9110, section 9.3.6; RFC 9112, section 3.2.2; RFC 7617.
@Suite struct ProxyTransportTests {
    private static let accepted = Array("HTTP/1.1 200 OK\r\n\r\n".utf8)

    private func proxied(
        _ line: Line, credentials: [UInt8] = [], url: String = "http://proxy.example:3128"
    ) throws -> ProxyTransport<ScriptedTransport> {
        let url = Array(url.utf8)
        return try ProxyTransport(
            ScriptedTransport(line: line), proxy: HTTPProxy(ServerURL(url.span), credentials: credentials.span))
    }

    private func sent(_ line: Line) -> String { String(decoding: line.sent, as: UTF8.self) }

    // MARK: Tunnels

    @Test(
        arguments: [
            ("ca.example", 443, "ca.example:443"), ("a", 1, "a:1"), ("192.0.2.1", 9, "192.0.2.1:9"),
            ("ca.example", 10, "ca.example:10"), ("ca.example", 1000, "ca.example:1000"),
            ("ca.example", 9999, "ca.example:9999"), ("ca.example", 10_000, "ca.example:10000"),
            ("ca.example", 65_535, "ca.example:65535"), ("2001:db8::1", 8443, "[2001:db8::1]:8443"),
        ] as [(String, UInt16, String)])
    func tunnel(host: String, port: UInt16, authority: String) throws {
        for credentials in ["", "me:secret"] {
            let line = Line()
            line.reply = [Self.accepted]
            var transport = try proxied(line, credentials: Array(credentials.utf8))
            let name = Array(host.utf8)
            try transport.connect(host: name.span, port: port, deadline: line.deadline)
            #expect(line.events.first == .connect("proxy.example", 3128))
            // The credentials by coreutils' base64.
            let authorization = credentials.isEmpty ? "" : "Proxy-Authorization: Basic bWU6c2VjcmV0\r\n"
            #expect(
                sent(line) == "CONNECT \(authority) HTTP/1.1\r\nHost: \(authority)\r\n\(authorization)\r\n")
            #expect(!line.events.contains(.close))
        }
    }

    /// Checked by Foundation: every remainder, every character, and the most that is looked at.
    @Test(arguments: [1, 2, 3, 4, 5, 6, 253, 254, 255, 256, 300]) func credentials(count: Int) throws {
        for start in [0, 85, 170] {
            let credentials = (0..<count).map { UInt8(truncatingIfNeeded: start &+ $0 &* 7) }
            let line = Line()
            line.reply = [Self.accepted]
            var transport = try proxied(line, credentials: credentials)
            let name = Array(String(repeating: "a.", count: 127).utf8) + [UInt8(ascii: "a")]
            try transport.connect(host: name.span, port: 65_535, deadline: line.deadline)
            let base64 = Data(credentials.prefix(255)).base64EncodedString()
            #expect(sent(line).hasSuffix("a:65535\r\nProxy-Authorization: Basic \(base64)\r\n\r\n"))
        }
    }

    /// No name of DNS is so long, and no byte is written behind the buffer for one that is.
    @Test func aHostThatDoesNotFitIsCut() throws {
        let line = Line()
        line.reply = [Self.accepted]
        var transport = try proxied(line)
        let name = [UInt8](repeating: 0x61, count: 2000)
        try transport.connect(host: name.span, port: 443, deadline: line.deadline)
        #expect(sent(line) == "CONNECT " + String(repeating: "a", count: 1016))
    }

    @Test func wipedCredentialsAreNotSent() throws {
        let line = Line()
        line.reply = [Self.accepted]
        var transport = try proxied(line, credentials: Array("me:secret".utf8))
        transport.proxy?.wipe()
        let name = Array("ca".utf8)
        try transport.connect(host: name.span, port: 443, deadline: line.deadline)
        #expect(sent(line) == "CONNECT ca:443 HTTP/1.1\r\nHost: ca:443\r\n\r\n")
    }

    /// A reply to CONNECT, and what comes of it.
    static let replies: [(String, TransportError?)] = [
        ("HTTP/1.1 200 OK\r\n\r\n", nil), ("HTTP/1.0 200 Connection established\r\nVia: x\r\nA: b\r\n\r\n", nil),
        ("HTTP/1.1 200\n\n", nil), ("HTTP/1.1 299 X\n\n", nil), ("HTTP/1.1 200 \n\r\n", nil),
        ("HTTP/1.1 199 X\r\n\r\n", .proxyRefused), ("HTTP/1.1 300 X\r\n\r\n", .proxyRefused),
        ("HTTP/1.1 400 X\r\n\r\n", .proxyRefused), ("HTTP/1.1 401 X\r\n\r\n", .proxyAuthentication),
        ("HTTP/1.1 402 X\r\n\r\n", .proxyRefused), ("HTTP/1.1 406 X\r\n\r\n", .proxyRefused),
        ("HTTP/1.1 407 X\r\n\r\n", .proxyAuthentication), ("HTTP/1.1 408 X\r\n\r\n", .proxyRefused),
        ("HTTP/1.1 000 X\r\n\r\n", .proxyRefused), ("", .proxyRefused), ("HTTP/1.1 200 OK\r\n", .proxyRefused),
        ("SSH-2.0-X\r\n\r\n", .proxyUnreachable), ("XTTP/1.1 200 OK\r\n\r\n", .proxyUnreachable),
        ("HTTP/2.0 200 OK\r\n\r\n", .proxyUnreachable), ("HTTP/1.1_200 OK\r\n\r\n", .proxyUnreachable),
        ("HTTP/1.1 :00 OK\r\n\r\n", .proxyUnreachable), ("HTTP/1.1 2/0 OK\r\n\r\n", .proxyUnreachable),
        ("HTTP/1.1 20: OK\r\n\r\n", .proxyUnreachable), ("HTTP/1.1 20\r\n\r\n", .proxyUnreachable),
        ("HTTP/1.\n 200 OK\r\n\r\n", .proxyUnreachable),
        // 16,384 bytes, and one more.
        ("HTTP/1.1 200 OK\n" + String(repeating: "x", count: 16_384 - 18) + "\n\n", nil),
        ("HTTP/1.1 200 OK\n" + String(repeating: "x", count: 16_385 - 18) + "\n\n", .proxyUnreachable),
    ]

    /// Not a byte of the tunnel is received with the reply, and a connection that leads nowhere is closed.
    @Test(arguments: replies.indices) func reply(index: Int) throws {
        let (text, expected) = Self.replies[index]
        let line = Line()
        // What a proxy sent that ended its stream has nothing behind it.
        let isCut = expected == .proxyRefused && !text.hasSuffix("\r\n\r\n")
        line.reply = [Array(text.utf8), Array("tunnel".utf8)].filter { !$0.isEmpty }
        if isCut { line.reply.removeLast() }
        var transport = try proxied(line)
        var found: TransportError?
        do throws(TransportError) {
            let name = Array("ca".utf8)
            try transport.connect(host: name.span, port: 443, deadline: line.deadline)
        } catch {
            found = error
        }
        #expect(found == expected, "\(text.prefix(40))")
        #expect(line.events.contains(.close) == (expected != nil), "\(text.prefix(40))")
        if expected == nil {
            #expect(line.reply == [Array("tunnel".utf8)])
            var bytes = [UInt8](repeating: 0, count: 10)
            var buffer = bytes.mutableSpan
            #expect(try transport.receive(into: &buffer, deadline: line.deadline) == 6)
            #expect(bytes.prefix(6) == Array("tunnel".utf8)[...])
            transport.close()
            #expect(line.events.last == .close)
        }
    }

    @Test(
        arguments: [
            (.nameUnknown, .proxyUnreachable), (.refused, .proxyUnreachable), (.unreachable, .proxyUnreachable),
            (.reset, .proxyUnreachable), (.noAddress, .noAddress), (.nameUnresolved, .nameUnresolved),
        ] as [(TransportError, TransportError)])
    func proxyThatIsNotThere(error: TransportError, expected: TransportError) throws {
        for scheme in ["http", "https"] {
            let line = Line()
            line.connectError = error
            var transport = try proxied(line)
            let url = Array("\(scheme)://ca/".utf8)
            #expect(throws: expected) { try transport.connect(to: ServerURL(url.span), deadline: line.deadline) }
            #expect(line.sent.isEmpty)
        }
    }

    // MARK: Requests

    private static let request = "GET /scep?operation=GetCACaps HTTP/1.0\r\nHost: x\r\nA: b\r\n\r\nbo dy\n"

    /// Cut in two anywhere, and byte by byte; the second request goes through a connection of its own.
    @Test(arguments: [
        ("http://ca.example/scep", "", "ca.example"), ("http://ca.example:8080/scep", "me:secret", "ca.example:8080"),
        ("http://[2001:db8::1]:81/", "me:secret", "[2001:db8::1]:81"),
    ])
    func request(url: String, credentials: String, authority: String) throws {
        let request = Array(Self.request.utf8)
        let authorization = credentials.isEmpty ? "" : "Proxy-Authorization: Basic bWU6c2VjcmV0\r\n"
        let expected =
            "GET http://\(authority)/scep?operation=GetCACaps HTTP/1.0\r\n\(authorization)Host: x\r\nA: b\r\n\r\nbo dy\n"
        let ways =
            request.indices.map { [request[..<$0], request[$0...]] } + [request.indices.map { request[$0...$0] }]
        for pieces in ways {
            let line = Line()
            var transport = try proxied(line, credentials: Array(credentials.utf8))
            let address = Array(url.utf8)
            for number in 1...2 {
                try transport.connect(to: ServerURL(address.span), deadline: line.deadline)
                for piece in pieces {
                    let piece = Array(piece)
                    try transport.send(piece.span, deadline: line.deadline)
                }
                #expect(sent(line) == String(repeating: expected, count: number))
            }
            #expect(line.events.count { $0 == .connect("proxy.example", 3128) } == 2)
            #expect(!line.events.contains(.send([])))
        }
    }

    /// An https URL takes a tunnel, in which nothing is changed.
    @Test func whatATunnelCarriesIsNotChanged() throws {
        let line = Line()
        line.reply = [Self.accepted]
        var transport = try proxied(line, credentials: Array("me:secret".utf8))
        let (url, request) = (Array("https://ca.example:8443/scep".utf8), Array(Self.request.utf8))
        // The connection before was not one.
        let other = Array("http://ca.example/".utf8)
        try transport.connect(to: ServerURL(other.span), deadline: line.deadline)
        try transport.connect(to: ServerURL(url.span), deadline: line.deadline)
        let head = sent(line)
        #expect(head.hasPrefix("CONNECT ca.example:8443 HTTP/1.1\r\n"))
        try transport.send(request.span, deadline: line.deadline)
        #expect(sent(line) == head + Self.request)
    }

    /// Nor in a stream to a host and a port, whatever was asked for before.
    @Test func aStreamToAHostIsNotChanged() throws {
        let line = Line()
        line.reply = [Self.accepted]
        var transport = try proxied(line)
        let (url, host, request) = (Array("http://ca.example/".utf8), Array("ca".utf8), Array(Self.request.utf8))
        try transport.connect(to: ServerURL(url.span), deadline: line.deadline)
        try transport.connect(host: host.span, port: 81, deadline: line.deadline)
        try transport.send(request.span, deadline: line.deadline)
        #expect(sent(line) == "CONNECT ca:81 HTTP/1.1\r\nHost: ca:81\r\n\r\n" + Self.request)
    }

    @Test(arguments: ["http", "https"]) func withoutAProxy(scheme: String) throws {
        let line = Line()
        line.reply = [Array("reply".utf8)]
        var transport = ProxyTransport(ScriptedTransport(line: line), proxy: nil)
        let (url, request) = (Array("\(scheme)://ca.example:81/scep".utf8), Array(Self.request.utf8))
        try transport.connect(to: ServerURL(url.span), deadline: line.deadline)
        try transport.send(request.span, deadline: line.deadline)
        #expect(line.events == [.connect("ca.example", 81), .send(request)])
        line.connectError = .refused
        #expect(throws: TransportError.refused) {
            try transport.connect(to: ServerURL(url.span), deadline: line.deadline)
        }
    }
}
