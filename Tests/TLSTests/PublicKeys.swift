import Foundation
import TestSupport

/// Keys and certificates in files, which openssl made: a CA, one under it, and servers of every kind.
final class PublicKeys: @unchecked Sendable {
    let folder: URL

    static let shared = Result { try PublicKeys() }

    private static let ca = "basicConstraints=critical,CA:TRUE\nkeyUsage=critical,keyCertSign"
    private static let localhost = "subjectAltName=DNS:localhost,IP:127.0.0.1"

    private init() throws {
        folder = FileManager.default.temporaryDirectory.appending(path: "tls-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        for (name, algorithm) in [
            ("ec", ["EC", "-pkeyopt", "ec_paramgen_curve:P-256"]),
            ("p384", ["EC", "-pkeyopt", "ec_paramgen_curve:P-384"]),
            ("p521", ["EC", "-pkeyopt", "ec_paramgen_curve:P-521"]),
            ("ca", ["EC", "-pkeyopt", "ec_paramgen_curve:P-384"]),
            ("rsa", ["RSA", "-pkeyopt", "rsa_keygen_bits:2048"]),
            ("rsa1024", ["RSA", "-pkeyopt", "rsa_keygen_bits:1024"]),
        ] {
            try OpenSSL.run(["genpkey", "-out", path("\(name).key"), "-algorithm"] + algorithm)
        }
        try selfSigned("root", key: "ca", Self.ca)
        try selfSigned("other-root", key: "p384", Self.ca)
        try selfSigned("rsa-root", key: "rsa", Self.ca)
        try selfSigned("self", key: "ec", Self.localhost)
        try issue("intermediate", key: "p384", by: "root", caKey: "ca", Self.ca)
        try issue("ec", by: "root", caKey: "ca", Self.localhost)
        try issue("rsa", by: "root", caKey: "ca", Self.localhost)
        try issue("p384", by: "root", caKey: "ca", Self.localhost)
        try issue("p521", by: "root", caKey: "ca", Self.localhost)
        try issue("rsa1024", by: "root", caKey: "ca", Self.localhost)
        try issue("by-rsa", key: "ec", by: "rsa-root", caKey: "rsa", Self.localhost)
        try issue("under", key: "ec", by: "intermediate", caKey: "p384", Self.localhost)
        try issue("sha1", key: "ec", by: "root", caKey: "ca", Self.localhost, options: ["-sha1"])
        try issue("elsewhere", key: "ec", by: "root", caKey: "ca", "subjectAltName=DNS:ca.example,IP:192.0.2.1")
        try issue("ipv6", key: "ec", by: "root", caKey: "ca", "subjectAltName=IP:2001:db8::7")
        try issue("name-only", key: "ec", by: "root", caKey: "ca", "subjectAltName=DNS:localhost")
        try issue("address-as-name", key: "ec", by: "root", caKey: "ca", "subjectAltName=DNS:127.0.0.1")
        try issue("longer-address", key: "ec", by: "root", caKey: "ca", "subjectAltName=IP:7f00:1::")
        try issue(
            "address-as-bytes", key: "ec", by: "root", caKey: "ca", "subjectAltName=DER:30:06:82:04:7F:00:00:01")
        try issue("common-name", key: "ec", by: "root", caKey: "ca", "keyUsage=digitalSignature")
        try issue("client-only", key: "ec", by: "root", caKey: "ca", Self.localhost + "\nextendedKeyUsage=clientAuth")
        try issue(
            "no-signing", key: "rsa", by: "root", caKey: "ca", Self.localhost + "\nkeyUsage=critical,keyEncipherment")
        try issue("not-a-ca", key: "p384", by: "root", caKey: "ca", Self.localhost)
        try issue("under-no-ca", key: "ec", by: "not-a-ca", caKey: "p384", Self.localhost)
        for key in ["ec", "rsa"] {
            try issue("client-\(key)", key: key, by: "root", caKey: "ca", "extendedKeyUsage=clientAuth")
        }
        try issue("client-under", key: "ec", by: "intermediate", caKey: "p384", "extendedKeyUsage=clientAuth")
        let roots = try read("root.crt") + read("rsa-root.crt")
        try Data("# Ours\n".utf8 + roots).write(to: folder.appending(path: "bundle.pem"))
    }

    func path(_ name: String) -> String { folder.appending(path: name).path }

    func read(_ name: String) throws -> [UInt8] { try [UInt8](Data(contentsOf: folder.appending(path: name))) }

    func der(_ name: String) throws -> [UInt8] {
        try OpenSSL.run(["x509", "-in", path("\(name).crt"), "-outform", "DER"])
    }

    func fingerprint(_ name: String, _ digest: String = "sha256") throws -> [UInt8] {
        let line = try OpenSSL.run(["x509", "-in", path("\(name).crt"), "-noout", "-fingerprint", "-\(digest)"])
        return Array(line.split(separator: UInt8(ascii: "="))[1].filter { $0 != 0x0A })
    }

    /// What a server takes to show a certificate.
    func showing(_ name: String, key: String, chain: String? = nil) -> [String] {
        ["-cert", path("\(name).crt"), "-key", path("\(key).key")]
            + (chain.map { ["-cert_chain", path("\($0).crt")] } ?? [])
    }

    private func selfSigned(_ name: String, key: String, _ extensions: String) throws {
        try OpenSSL.run(
            [
                "req", "-x509", "-days", "365", "-subj", "/O=Example/CN=\(name)", "-key", path("\(key).key"), "-out",
                path("\(name).crt"), "-config", "/dev/null",
            ] + extensions.split(separator: "\n").flatMap { ["-addext", String($0)] })
    }

    private func issue(
        _ name: String, key: String? = nil, by issuer: String, caKey: String, _ extensions: String,
        options: [String] = []
    ) throws {
        let request = try OpenSSL.run([
            "req", "-new", "-subj", "/O=Example/CN=localhost", "-key", path("\(key ?? name).key"), "-config",
            "/dev/null",
        ])
        try OpenSSL.run(
            [
                "x509", "-req", "-days", "365", "-extfile", folder.write(Array(extensions.utf8), to: "\(name).ext"),
                "-CA", path("\(issuer).crt"), "-CAkey", path("\(caKey).key"), "-out", path("\(name).crt"),
            ] + options, input: request)
    }
}
