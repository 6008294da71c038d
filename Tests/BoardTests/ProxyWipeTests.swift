import Board
import Foundation
import HTTP
import TestSupport
import Testing

/// A proxy's password is not left on the stack by the requests that it goes into.
@Suite struct ProxyWipeTests {
    /// Takes everything, and answers what a proxy does.
    private struct Quiet: Transport, ~Copyable {
        var reply: [UInt8]
        var sent: [UInt8] = []

        mutating func connect(host: Span<UInt8>, port: UInt16, deadline: UInt64) throws(TransportError) {}

        mutating func send(_ bytes: Span<UInt8>, deadline: UInt64) throws(TransportError) { sent += bytes.array }

        mutating func receive(
            into buffer: inout MutableSpan<UInt8>, deadline: UInt64
        ) throws(TransportError) -> Int {
            guard !reply.isEmpty else { return 0 }
            buffer[0] = reply.removeFirst()
            return 1
        }

        mutating func close() {}
    }

    private final class Place {
        var transport: ProxyTransport<Quiet>

        init(_ credentials: [UInt8]) throws {
            let url = Array("http://proxy.example:3128".utf8)
            transport = try ProxyTransport(
                Quiet(reply: Array("HTTP/1.1 200 OK\r\n\r\n".utf8)),
                proxy: HTTPProxy(ServerURL(url.span), credentials: credentials.span))
        }
    }

    @Test(arguments: ["https", "http"]) func password(scheme: String) throws {
        let credentials = Array("gateway:\([UInt8].random(16).hex)".utf8)
        let base64 = Array(Data(credentials).base64EncodedString().utf8)
        let place = try Place(credentials)
        let url = Array("\(scheme)://ca.example/scep".utf8)
        let request = Array("GET /scep?operation=GetCACaps HTTP/1.0\r\nHost: ca.example\r\n\r\n".utf8)
        let left = try Remains {
            let address = try ServerURL(url.span)
            if scheme == "https" {
                try place.transport.connect(host: address.host, port: 443, deadline: 1)
            } else {
                try place.transport.connect(to: address, deadline: 1)
                try place.transport.send(request.span, deadline: 1)
            }
        }
        #expect(place.transport.lower.sent.firstRange(of: base64) != nil)
        #expect(left.holds(["password in base64": base64]) == [])
    }
}
