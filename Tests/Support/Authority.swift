import Foundation

extension OpenSSLIdentity {
    /// A certificate that `issuer` issued, for a new key or for one that exists.
    public init(
        subject: String, for existing: TestKey? = nil, issuedBy issuer: OpenSSLIdentity, extensions: [String] = [],
        options: [String] = []
    ) throws {
        self = try withTemporaryDirectory { directory in
            let key = try existing?.pem ?? OpenSSL.run(["genrsa", "2048"])
            let keyFile = try directory.write(key, to: "key")
            let request = try OpenSSL.run(["req", "-new", "-subj", subject, "-key", keyFile])
            let extensionFile = try directory.write(Array(extensions.joined(separator: "\n").utf8), to: "ext")
            let pem = try OpenSSL.run(
                [
                    "x509", "-req", "-days", "365", "-extfile", extensionFile,
                    "-CA", directory.write(issuer.certificate, to: "ca.crt"),
                    "-CAkey", directory.write(issuer.key, to: "ca.key"),
                ] + options, input: request)
            return try OpenSSLIdentity(key: key, pem: pem)
        }
    }

    /// Certificates in a SignedData without a signer, as a CA hands out its chain.
    public static func bundle(_ identities: [OpenSSLIdentity]) throws -> [UInt8] {
        try withTemporaryDirectory { directory in
            let file = try directory.write(identities.flatMap(\.certificate), to: "crts")
            return try OpenSSL.run(["crl2pkcs7", "-nocrl", "-outform", "DER", "-certfile", file])
        }
    }

    /// The SHA-256 digest of the certificate, as openssl writes it.
    public func fingerprint(_ digest: String = "sha256") throws -> String {
        let line = String(
            decoding: try OpenSSL.run(["x509", "-noout", "-fingerprint", "-\(digest)"], input: certificate),
            as: UTF8.self)
        return String(line.split(separator: "=").last.map { $0.filter { $0 != "\n" } } ?? "")
    }
}
