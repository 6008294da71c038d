import Foundation
import Ledger
import StationSupport
import TestSupport
import Testing

@testable import Dashboard

@Suite("Who gets the dashboard's pages")
struct AccessTests {
    private static func withDashboard(
        proxies: [String] = [], limits: Listener.Limits = Listener.Limits(),
        _ body: @escaping @Sendable (Dashboard) throws -> Void
    ) async throws {
        try await withTemporaryDirectory { folder in
            let ledger = try Ledger(SQLiteDatabase(file: folder.appending(path: "l.db").path))
            try ledger.plan(["s1"])
            let dashboard = try Dashboard(
                Site(ledger, station: "line-1", timeZone: .gmt), at: Address(loopbackPort: 0),
                proxies: try proxies.map { try ProxyName($0) },
                limits: limits)
            try await blocking { try body(dashboard) }
            await dashboard.stop()
        }
    }

    private static func status(_ reply: String) -> String {
        String(reply.split(separator: " ").dropFirst().first ?? "")
    }

    /// A page of somebody else's, whose name was made to point to this machine, sends that name.
    @Test(arguments: [
        ("localhost", "200"), ("LOCALHOST:99", "200"), ("127.0.0.1:8894", "200"), ("[::1]:8894", "200"),
        ("evil.example", "421"), ("127.0.0.1.evil.example", "421"), ("localhost.evil.example:80", "421"), ("", "421"),
        ("[::1", "421"), ("evil.example@localhost", "421"),
    ])
    func onlyNamesOfThisMachineAreTaken(host: String, status: String) async throws {
        try await Self.withDashboard { dashboard throws in
            let reply = try Client.get("/", port: dashboard.port, host: host)
            #expect(Self.status(reply) == status)
        }
    }

    @Test(arguments: ["POST", "PUT", "DELETE", "PATCH", "OPTIONS", "TRACE", "CONNECT", "get"])
    func nothingButReadingIsTaken(method: String) async throws {
        try await Self.withDashboard { dashboard throws in
            let body = String(repeating: "x", count: 100_000)
            let reply = try Client.send(
                [UInt8]("\(method) / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100000\r\n\r\n\(body)".utf8),
                to: dashboard.port)
            #expect(reply.hasPrefix("HTTP/1.1 405 ") && reply.contains("\r\nAllow: GET, HEAD\r\n"))
        }
    }

    @Test func aHeadIsAPageWithoutItsBody() async throws {
        try await Self.withDashboard { dashboard throws in
            let reply = try Client.get("/", port: dashboard.port, method: "HEAD")
            #expect(reply.hasPrefix("HTTP/1.1 200 ") && reply.hasSuffix("\r\n\r\n") && !reply.contains("<html"))
        }
    }

    @Test func behindAProxyTheTokenIsAskedFor() async throws {
        try await Self.withDashboard(proxies: ["Line.example"]) { dashboard throws in
            let token = String(
                try #require(dashboard.url.firstMatch(of: /^https:\/\/Line\.example\/\?token=([0-9a-f]{32})$/)).1)
            func get(_ target: String, _ fields: String = "", host: String = "line.example") throws -> String {
                try Client.get(target, port: dashboard.port, host: host, fields: fields)
            }
            #expect(try Self.status(get("/")) == "403")
            #expect(try Self.status(get("/style.css")) == "403")
            #expect(try Self.status(get("/", host: "localhost")) == "403")
            #expect(try Self.status(get("/?token=\(token)", host: "evil.example")) == "421")
            for wrong in ["", "0", String(token.dropLast()), token + "0", String(repeating: "0", count: 32)] {
                #expect(try Self.status(get("/?token=\(wrong)")) == "403")
            }
            let entry = try get("/?token=\(token)")
            let cookie = try #require(
                entry.firstMatch(of: /\r\nSet-Cookie: ([^;]+); Path=\/; Secure; HttpOnly; SameSite=Strict\r\n/)
            ).1
            #expect(Self.status(entry) == "200" && cookie.hasPrefix("__Host-") && !entry.contains("line-1"))
            #expect(try Self.status(get("/", "Cookie: a=b; \(cookie)\r\n")) == "200")
            #expect(try Self.status(get("/", "Cookie: \(cookie)0\r\n")) == "403")
            #expect(try Self.status(get("/", "Cookie: a\(cookie)\r\n")) == "403")
        }
    }

    @Test func eachStartHasAnotherToken() {
        #expect(Set((0..<100).map { _ in Access.newToken() }).count == 100)
    }

    @Test(arguments: ["0.0.0.0:0", "192.0.2.1:80", "[::]:80", "[2001:db8::1]:80", "10.0.0.1:8894"])
    func withoutAProxyItIsThisMachinesAlone(text: String) throws {
        try withTemporaryDirectory { folder in
            let ledger = try Ledger(SQLiteDatabase(file: folder.appending(path: "l.db").path))
            let address = try #require(Address(text))
            #expect(throws: DashboardError.notAlone(text)) { try Dashboard(ledger, station: "s", at: address) }
        }
    }

    @Test(
        arguments: [
            ("80", "127.0.0.1:80"), ("localhost:1", "127.0.0.1:1"), ("127.9.9.9:5", "127.9.9.9:5"),
            ("[::1]:5", "[::1]:5"),
            ("", nil), ("x", nil), ("99999", nil), ("-1", nil), ("a.example:80", nil), ("1.2.3:4", nil), ("::1:5", nil),
            ("127.0.0.1:", nil), ("[x]:5", nil), ("+5", nil), ("127.0.0.1.5:80", nil),
        ] as [(String, String?)])
    func addresses(text: String, address: String?) { #expect(Address(text)?.description == address) }

    @Test func everyAnswerHasWhatKeepsItToItself() async throws {
        try await Self.withDashboard { dashboard throws in
            for target in [
                "/", "/devices", "/devices?q=s", "/device?serial=s1", "/style.css", "/script.js", "/nothing",
            ] {
                let reply = try Client.get(target, port: dashboard.port)
                for field in [
                    "Content-Security-Policy: default-src 'none'; style-src 'self'; script-src 'self';",
                    "X-Content-Type-Options: nosniff", "X-Frame-Options: DENY", "Referrer-Policy: no-referrer",
                    "Cache-Control: no-store", "Cross-Origin-Resource-Policy: same-origin",
                ] {
                    #expect(reply.contains("\r\n\(field)"), "\(target) \(field)")
                }
                #expect(!reply.contains("Access-Control-Allow"))
            }
        }
    }

    /// A browser sends the proxy's port with its name, and a name beyond ASCII in its other form.
    @Test(arguments: [
        ("line.example:8443", "line.example:8443", "200"), ("line.example:8443", "line.example", "200"),
        ("LINE.example", "line.EXAMPLE:443", "200"), ("[2001:DB8::7]:8443", "[2001:db8::7]:8443", "200"),
        ("[2001:db8::7]", "[2001:db8::8]", "421"), ("192.0.2.7", "192.0.2.7", "200"),
        ("xn--lwe-sna.example", "xn--lwe-sna.example", "200"), ("line.example:8443", "evil.example:8443", "421"),
    ])
    func aProxyIsKnownByItsName(name: String, host: String, status: String) async throws {
        try await Self.withDashboard(proxies: [name]) { dashboard throws in
            #expect(dashboard.url.hasPrefix("https://\(name)/?token="))
            let token = dashboard.url.split(separator: "=")[1]
            #expect(try Self.status(Client.get("/?token=\(token)", port: dashboard.port, host: host)) == status)
        }
    }

    @Test(
        arguments: [
            ("https://line.example", .url), ("http://line.example:80/", .url), ("line.example/", .url),
            ("https:line.example", .url), ("löwe.example", .notASCII), ("2001:db8::7", .bareIPv6),
            ("line.example:", .port), ("line.example:0", .port), ("line.example:99999", .port), ("[::1]x", .port),
            ("", .notHost), ("line example", .notHost), ("-a.example", .notHost), ("a..b", .notHost),
            ("[::1", .notHost),
            ("user@line.example", .notHost), (":8443", .notHost),
        ] as [(String, ProxyName.Fault)])
    func whatNamesNoProxy(text: String, fault: ProxyName.Fault) {
        #expect(throws: fault) { try ProxyName(text) }
    }
}
