import Emulator
import Foundation

/// Debian's `stunnel4`, which puts TLS in front of a CA that knows HTTP alone, and the certificates that it shows.
struct TLSTerminator: Sendable {
    let port: UInt16
    /// SHA-256 of the server's certificate, hexadecimal.
    let pin: String
    /// The certificate of the CA that issued it, in base64.
    let authority: String

    /// What kind of key the server has.
    enum Key: String, CaseIterable {
        case rsa2048, p256
        /// RSA-2048, under a CA with RSA-4096 that is shown too: more than a record of 2 KiB holds.
        case rsa2048Chain

        fileprivate var arguments: [String] {
            switch self {
            case .rsa2048, .rsa2048Chain: ["-newkey", "rsa:2048"]
            case .p256: ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256"]
            }
        }
    }

    /// Runs it beside `body`.
    ///
    /// - Parameters:
    ///   - server: port of the CA.
    ///   - address: what the certificate is for.
    static func run<Value: Sendable>(
        before server: UInt16, key: Key, address: String = "10.0.2.2", in folder: URL,
        _ body: @escaping @Sendable (TLSTerminator) async throws -> Value
    ) async throws -> Value {
        try await openssl(
            ["req", "-x509", "-nodes", "-days", "30", "-subj", "/CN=TLS CA", "-keyout", "ca.key", "-out", "ca.pem"]
                + Key.p256.arguments, in: folder)
        try await openssl(
            ["req", "-nodes", "-subj", "/CN=server", "-keyout", "server.key", "-out", "server.csr"] + key.arguments,
            in: folder)
        if key == .rsa2048Chain {
            let keyAndRequest = ["-keyout", "issuer.key", "-out", "issuer.csr", "-newkey", "rsa:4096"]
            try await openssl(["req", "-nodes", "-subj", "/CN=issuer"] + keyAndRequest, in: folder)
            try await issue("issuer", by: "ca", "basicConstraints=critical,CA:TRUE", in: folder)
        }
        try await issue(
            "server", by: key == .rsa2048Chain ? "issuer" : "ca", "subjectAltName=IP:\(address)", in: folder)
        let fingerprint = try await openssl(
            ["x509", "-in", "server.pem", "-noout", "-fingerprint", "-sha256"], in: folder)
        let text = try String(contentsOf: folder.appending(path: "ca.pem"), encoding: .utf8)
        if key == .rsa2048Chain {
            let files = ["server.pem", "issuer.pem"].map { folder.appending(path: $0) }
            try files.map { try Data(contentsOf: $0) }.reduce(Data(), +).write(to: files[0])
        }
        let port = try freePort()
        let settings = """
            foreground = yes
            pid =
            syslog = no
            [scep]
            accept = 127.0.0.1:\(port)
            connect = 127.0.0.1:\(server)
            cert = server.pem
            key = server.key
            """
        try Data(settings.utf8).write(to: folder.appending(path: "stunnel.conf"))
        let terminator = TLSTerminator(
            port: port, pin: String(fingerprint.split(separator: "=").last ?? ""),
            authority: text.split(separator: "\n").filter { !$0.hasPrefix("-----") }.joined())
        let program = Program(
            executable: "/usr/bin/stunnel4", arguments: ["stunnel.conf"], folder: folder,
            origin: "apt-get install stunnel4")
        return try await program.run(timeLimit: .hang) { _ in
            for _ in 0..<250 where !accepts(port) { try await Task.sleep(for: .milliseconds(20)) }
            return try await body(terminator)
        }.value
    }

    private static func issue(_ name: String, by issuer: String, _ extensions: String, in folder: URL) async throws {
        try Data(extensions.utf8).write(to: folder.appending(path: "\(name).ext"))
        try await openssl(
            [
                "x509", "-req", "-days", "30", "-in", "\(name).csr", "-CA", "\(issuer).pem", "-CAkey", "\(issuer).key",
                "-extfile", "\(name).ext", "-out", "\(name).pem",
            ], in: folder)
    }

    @discardableResult
    private static func openssl(_ arguments: [String], in folder: URL) async throws -> String {
        let program = Program(
            executable: "/usr/bin/openssl", arguments: arguments, folder: folder, origin: "apt-get install openssl")
        let run = try await program.run(timeLimit: .hang) { try await $0.end() }
        return run.lines.map(\.text).joined(separator: "\n")
    }
}
