import Board
import Foundation
import HTTP
import TestSupport
import Testing

/// Through Debian's `tinyproxy`.
@Suite struct ProxyTests {
    private static func proxy(_ port: UInt16, _ credentials: String = "") throws -> HTTPProxy {
        let url = Array("http://127.0.0.1:\(port)".utf8)
        return try HTTPProxy(ServerURL(url.span), credentials: Array(credentials.utf8).span)
    }

    /// What the proxy wrote down: which requests, and in which form.
    private final class Tinyproxy {
        let peer: Peer
        let port = freePort()
        private let folder = FileManager.default.temporaryDirectory.appending(path: "proxy-\(UUID().uuidString)")

        init(_ lines: [String] = []) throws {
            try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
            let settings =
                [
                    "Port \(port)", "Listen 127.0.0.1", "Timeout 60", "LogLevel Connect", "MaxClients 8",
                    "LogFile \"\(folder.path)/log\"", "PidFile \"\(folder.path)/pid\"",
                ] + lines
            let file = try folder.write(Array((settings.joined(separator: "\n") + "\n").utf8), to: "conf")
            peer = try Peer("/usr/bin/tinyproxy", ["-d", "-c", file], port: port)
        }

        var log: String { (try? String(contentsOf: folder.appending(path: "log"), encoding: .utf8)) ?? "" }

        deinit { try? FileManager.default.removeItem(at: folder) }
    }

    @Test(arguments: ["", "scep:secret", "a:b", "ab:c", "abc:d"])
    func https(_ credentials: String) throws {
        let keys = try PublicKeys.shared.get()
        let server = try Peer(openssl: ["-www"] + keys.showing("ec", key: "ec"))
        let parts = credentials.split(separator: ":", maxSplits: 1)
        let proxy = try Tinyproxy(parts.isEmpty ? [] : ["BasicAuth \(parts[0]) \(parts[1])"])
        var client = Client(authorities: try keys.read("bundle.pem"))
        client.proxy = try Self.proxy(proxy.port, credentials)
        let page = try client.ask("https://localhost:\(server.port)/").get()
        #expect(page.contains("TLSv1.2, Cipher is"))
        #expect(proxy.log.contains("CONNECT localhost:\(server.port) HTTP/1.1"))
    }

    @Test(arguments: ["", "scep:secret"])
    func http(_ credentials: String) throws {
        let port = try answer("HTTP/1.0 200 OK\r\nContent-Length: 5\r\n\r\nAES\r\n")
        let parts = credentials.split(separator: ":")
        let proxy = try Tinyproxy(parts.isEmpty ? [] : ["BasicAuth \(parts[0]) \(parts[1])"])
        var client = Client()
        client.proxy = try Self.proxy(proxy.port, credentials)
        #expect(try client.ask("http://127.0.0.1:\(port)/scep?a=b") == .success("AES\r\n"))
        #expect(proxy.log.contains("GET http://127.0.0.1:\(port)/scep?a=b&operation=GetCACaps HTTP/1.0"))
    }

    @Test(
        arguments: [
            (lines: ["BasicAuth scep secret"], credentials: "", error: .proxyAuthentication),
            (lines: ["BasicAuth scep secret"], credentials: "scep:other", error: .proxyAuthentication),
            (lines: ["ConnectPort 443"], credentials: "", error: .proxyRefused),
        ] as [(lines: [String], credentials: String, error: TransportError)])
    func refuses(_ lines: [String], _ credentials: String, _ error: TransportError) throws {
        let proxy = try Tinyproxy(lines)
        var client = Client()
        client.proxy = try Self.proxy(proxy.port, credentials)
        #expect(try client.failure("https://127.0.0.1:\(freePort())/") == error)
    }

    @Test func reachesNobody() throws {
        let proxy = try Tinyproxy()
        var client = Client()
        client.proxy = try Self.proxy(proxy.port)
        #expect(try client.failure("https://127.0.0.1:\(freePort())/") == .proxyRefused)
    }

    @Test(arguments: ["", "SSH-2.0-OpenSSH_9.2\r\n", "HTTP/1.1 2x0 OK\r\n\r\n", "HTTP/1.1\r\n"])
    func isNone(_ reply: String) throws {
        var client = Client()
        client.proxy = try Self.proxy(reply.isEmpty ? freePort() : try answer(reply))
        #expect(try client.failure("https://127.0.0.1:1/") == .proxyUnreachable)
    }

    /// The server's certificate is verified as if there were no proxy.
    @Test func inBetween() throws {
        let keys = try PublicKeys.shared.get()
        let server = try Peer(openssl: ["-www"] + keys.showing("self", key: "ec"))
        let proxy = try Tinyproxy()
        var client = Client(authorities: try keys.read("bundle.pem"))
        client.proxy = try Self.proxy(proxy.port)
        #expect(try client.failure("https://localhost:\(server.port)/") == .certificateUntrusted)
    }
}
