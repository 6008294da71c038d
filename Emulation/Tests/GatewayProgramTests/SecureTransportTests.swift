import AuthorityServer
import Emulator
import Foundation
import Testing

/// HTTPS and an HTTP proxy, by Debian's stunnel and tinyproxy in front of the authority.
@Suite(.serialized) struct SecureTransportTests {
    /// Runs `body` beside a server that speaks TLS and passes on to the authority.
    ///
    /// - Parameter options: lines of stunnel's service.
    private func withTLS<Value: Sendable>(
        _ gateway: Gateway, to server: AuthorityServer, _ options: [String] = [],
        _ body: @escaping @Sendable (UInt16) async throws -> Value
    ) async throws -> Value {
        let made = try await gateway.shell(
            """
            set -e
            openssl req -x509 -newkey rsa:2048 -nodes -keyout tls-ca.key -out tls-ca.pem -days 9 -subj /CN=web-ca 2>&1
            openssl req -newkey rsa:2048 -nodes -keyout tls.key -out tls.csr -subj /CN=server 2>&1
            echo subjectAltName=DNS:localhost,IP:127.0.0.1 > tls.ext
            openssl x509 -req -in tls.csr -CA tls-ca.pem -CAkey tls-ca.key -days 9 -set_serial 9 -extfile tls.ext \
              -out tls.pem 2>&1
            openssl x509 -in tls.pem -outform DER | sha256sum
            """)
        #expect(made.ending == .exited(0), "\(made)")
        try gateway.write("pin", String(try #require(made.lines.last).prefix(64)))
        let port = try freePort()
        var lines = ["foreground = yes", "pid =", "debug = 5", "[ca]", "accept = 127.0.0.1:\(port)"]
        lines += ["connect = 127.0.0.1:\(server.port)", "cert = \(gateway.folder.path)/tls.pem"]
        lines += ["key = \(gateway.folder.path)/tls.key"] + options
        try gateway.write("stunnel.conf", lines.joined(separator: "\n") + "\n")
        let tunnel = Program(
            executable: "/usr/bin/stunnel4", arguments: ["stunnel.conf"], folder: gateway.folder,
            origin: "apt-get install stunnel4")
        return try await tunnel.run(timeLimit: .hang) { running in
            try await running.line(containing: "Configuration successful")
            for _ in 0..<100 where !accepts(port) { try await Task.sleep(for: .milliseconds(20)) }
            return try await body(port)
        }.value
    }

    @Test(arguments: Kind.chosen(from: [Kind.amd64, .armhf, .staticARM64, .staticARMHF]))
    func everythingGoesOverTLS(kind: Kind) async throws {
        try await withAuthority { server in
            try await Gateway.with(kind) { gateway in
                try gateway.configure(for: server, ["challenge-use = always"])
                try await withTLS(gateway, to: server) { port in
                    let folder = gateway.folder.path
                    for url in ["https://localhost:\(port)/scep", "https://127.0.0.1:\(port)/scep"] {
                        let asked = try await gateway.run(
                            ["caps", url, "--tls-ca", "\(folder)/tls-ca.pem"], isConfigured: false)
                        #expect(asked.ending == .exited(0), "\(asked)")
                    }
                    let url = "https://localhost:\(port)/scep"
                    let pin = try gateway.read("pin")
                    #expect(try await gateway.scep("enroll --url \(url) --tls-pin \(pin)").ending == .exited(0))
                    try await gateway.check()
                    // Who is not verified is told nothing.
                    let before = server.authority.transactions().count
                    let stranger = try await gateway.scep("enroll --again --url \(url)")
                    #expect(stranger.ending == .exited(3), "\(stranger)")
                    let other = try await gateway.scep(
                        "enroll --again --url \(url) --tls-pin \(String(repeating: "a5", count: 32))")
                    #expect(other.ending == .exited(3), "\(other)")
                    #expect(server.authority.transactions().count == before)
                }
            }
        }
    }

    /// A server that lets in only who shows a certificate of the CA: the first request goes elsewhere, renewals there.
    @Test(arguments: ["rsa2048", "p256"], Kind.chosen(from: [.amd64, .staticARMHF]))
    func renewalShowsTheCurrentCertificate(key: String, kind: Kind) async throws {
        try await withAuthority { server in
            try await Gateway.with(kind) { gateway in
                try gateway.configure(for: server, ["key = \(key)", "challenge-use = always"])
                #expect(try await gateway.scep("enroll").ending == .exited(0))
                let folder = gateway.folder.path
                let options = ["verifyChain = yes", "CAfile = \(folder)/identity/current/ca.pem", "requireCert = yes"]
                try await withTLS(gateway, to: server, options) { port in
                    server.authority.moveClock(by: 200)
                    let url = "https://localhost:\(port)/scep"
                    let first = try await gateway.fingerprint()
                    let unknown = try await gateway.scep("renew --url \(url) --tls-ca \(folder)/tls-ca.pem")
                    #expect(unknown.ending == .exited(3) || unknown.ending == .exited(2), "\(unknown)")
                    #expect(try await gateway.fingerprint() == first)
                    let known = try await gateway.scep(
                        "renew --url \(url) --tls-ca \(folder)/tls-ca.pem --tls-identity")
                    #expect(known.ending == .exited(0), "\(known)")
                    #expect(try await gateway.fingerprint() != first)
                    try await gateway.check()
                }
            }
        }
    }

    @Test func everythingGoesThroughAProxyThatAsksForAPassword() async throws {
        try await withAuthority { server in
            try await Gateway.with(.amd64) { gateway in
                try gateway.configure(for: server, ["challenge-use = always"])
                try gateway.write("proxy-password", "scep:let-me-through\n", mode: 0o600)
                let port = try freePort()
                try gateway.write(
                    "tinyproxy.conf",
                    "Port \(port)\nListen 127.0.0.1\nAllow 127.0.0.1\nBasicAuth scep let-me-through\nLogFile \"\(gateway.folder.path)/log\"\n"
                )
                let proxy = Program(
                    executable: "/usr/bin/tinyproxy", arguments: ["-d", "-c", "tinyproxy.conf"], folder: gateway.folder,
                    origin: "apt-get install tinyproxy")
                try await withTLS(gateway, to: server) { secure in
                    _ = try await proxy.run(timeLimit: .hang) { _ in
                        for _ in 0..<100 where !accepts(port) { try await Task.sleep(for: .milliseconds(20)) }
                        let through = "--proxy http://127.0.0.1:\(port) --proxy-password-file proxy-password"
                        let plain = try await gateway.scep("enroll \(through)")
                        #expect(plain.ending == .exited(0), "\(plain)")
                        let tunnelled = try await gateway.scep(
                            "enroll --again --url https://localhost:\(secure)/scep --tls-ca tls-ca.pem \(through)")
                        #expect(tunnelled.ending == .exited(0), "\(tunnelled)")
                        let unknown = try await gateway.scep("enroll --again --proxy http://127.0.0.1:\(port)")
                        #expect(unknown.ending == .exited(2), "\(unknown)")
                    }
                }
                let log = try gateway.read("log")
                #expect(log.contains("CONNECT localhost"), "TLS did not go through the proxy")
            }
        }
    }
}
