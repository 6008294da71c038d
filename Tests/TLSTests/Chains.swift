import Foundation
import TestSupport

/// Chains of a root, two CAs and a server, which openssl made: one defect each, above the server's own certificate.
final class Chains: @unchecked Sendable {
    /// What is wrong with one certificate of a chain.
    struct Flaw {
        var from = "20260101000000Z"
        var until = "20460101000000Z"
        var digest = "sha256"
        var key = "ec"
        var basicConstraints = "critical,CA:TRUE"
        var keyUsage = "critical,keyCertSign"
        /// Further lines of openssl's extension section.
        var others: [String] = []
    }

    static let shared = Result { try Chains() }

    private let folder: URL
    private static let names = ["root", "upper", "lower", "server"]

    private init() throws {
        folder = FileManager.default.temporaryDirectory.appending(path: "chains-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        for name in ["ec", "other"] {
            try OpenSSL.run([
                "genpkey", "-out", path("\(name).key"), "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256",
            ])
        }
        try OpenSSL.run([
            "genpkey", "-out", path("rsa1024.key"), "-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:1024",
        ])
    }

    func path(_ name: String) -> String { folder.appending(path: name).path }

    /// Makes a chain, and gives the name that its files begin with.
    ///
    /// - Parameter flaws: by the name of the certificate: root, upper, lower.
    func make(_ flaws: [String: Flaw]) throws -> String {
        let chain = UUID().uuidString
        var issuer: (name: String, key: String)?
        for name in Self.names {
            let flaw = flaws[name] ?? Flaw()
            try issue(chain, name, flaw, by: issuer)
            issuer = (name, flaw.key)
        }
        let sent = try ["lower", "upper", "root"].map { try read("\(chain)-\($0).crt") }
        for (name, certificates) in [("sent", sent), ("untrusted", [sent[0], sent[1]])] {
            _ = try folder.write(certificates.flatMap { $0 }, to: "\(chain)-\(name).pem")
        }
        return chain
    }

    /// What a server takes to show the whole chain, its root too.
    func showing(_ chain: String) -> [String] {
        [
            "-cert", path("\(chain)-server.crt"), "-key", path("ec.key"), "-cert_chain", path("\(chain)-sent.pem"),
            "-cipher", "DEFAULT:@SECLEVEL=0",
        ]
    }

    func root(_ chain: String) throws -> [UInt8] { try read("\(chain)-root.crt") }

    /// Whether openssl takes the chain at a time, and at the strength of RSA-2048 and SHA-256, under a root.
    func isVerified(_ chain: String, under root: String, at time: Int64) -> Bool {
        let verdict = try? OpenSSL.run([
            "verify", "-attime", "\(time)", "-auth_level", "2", "-purpose", "sslserver", "-trusted",
            path("\(root)-root.crt"), "-untrusted", path("\(chain)-untrusted.pem"), path("\(chain)-server.crt"),
        ])
        return verdict != nil
    }

    private func read(_ name: String) throws -> [UInt8] {
        try [UInt8](Data(contentsOf: folder.appending(path: name)))
    }

    private func issue(_ chain: String, _ name: String, _ flaw: Flaw, by issuer: (name: String, key: String)?) throws {
        let isServer = name == "server"
        let extensions =
            isServer
            ? "subjectAltName=DNS:localhost"
            : (["basicConstraints=\(flaw.basicConstraints)", "keyUsage=\(flaw.keyUsage)", "subjectKeyIdentifier=hash"]
                + flaw.others).joined(separator: "\n")
        let request = try OpenSSL.run([
            "req", "-new", "-subj", "/CN=\(isServer ? "localhost" : name)", "-key", path("\(flaw.key).key"), "-config",
            "/dev/null",
        ])
        let lines = [
            "[ca]", "default_ca=a", "[a]", "policy=p", "unique_subject=no", "rand_serial=yes", "x509_extensions=x",
            "database=\(try folder.write([], to: "\(chain).txt"))", "new_certs_dir=\(folder.path)",
            "[p]", "commonName=supplied", "[x]", extensions,
        ]
        try OpenSSL.run(
            [
                "ca", "-batch", "-notext", "-startdate", flaw.from, "-enddate", flaw.until, "-md", flaw.digest,
                "-config", folder.write(Array(lines.joined(separator: "\n").utf8), to: "\(chain).cnf"),
                "-in", folder.write(request, to: "\(chain).csr"), "-out", path("\(chain)-\(name).crt"),
            ]
                + (issuer.map { ["-cert", path("\(chain)-\($0.name).crt"), "-keyfile", path("\($0.key).key")] }
                    ?? ["-selfsign", "-keyfile", path("\(flaw.key).key")]))
    }
}
