import Foundation

extension OpenSSLIdentity {
    /// A certificate that `issuer` issued for a key, valid from one time to another, both as `20260102030405Z`.
    public init(
        subject: String, for key: TestKey, issuedBy issuer: OpenSSLIdentity, from notBefore: String,
        until notAfter: String, extensions: [String] = []
    ) throws {
        let request = try withTemporaryDirectory { directory in
            try OpenSSL.run(["req", "-new", "-subj", subject, "-key", directory.write(key.pem, to: "key")])
        }
        let pem = try Self.certify(request, by: issuer, from: notBefore, until: notAfter, extensions: extensions)
        try self.init(key: key.pem, pem: pem)
    }

    /// A CA's certificate that it issued to itself, for a new RSA key.
    public init(
        authority subject: String, from notBefore: String, until notAfter: String,
        keyUsage: String = "critical,digitalSignature,keyEncipherment,keyCertSign,cRLSign"
    ) throws {
        let key = try OpenSSL.run(["genrsa", "2048"])
        let request = try withTemporaryDirectory { directory in
            try OpenSSL.run(["req", "-new", "-subj", subject, "-key", directory.write(key, to: "key")])
        }
        let pem = try Self.certify(
            request, by: OpenSSLIdentity(key: key, pem: [], der: []), from: notBefore, until: notAfter,
            extensions: ["basicConstraints=critical,CA:TRUE", "keyUsage=\(keyUsage)"])
        try self.init(key: key, pem: pem)
    }

    /// Another certificate of a CA for the same name and key.
    public init(authority former: OpenSSLIdentity, from notBefore: String, until notAfter: String) throws {
        let request = try withTemporaryDirectory { directory in
            try OpenSSL.run([
                "x509", "-x509toreq", "-in", directory.write(former.certificate, to: "crt"), "-signkey",
                directory.write(former.key, to: "key"),
            ])
        }
        let pem = try Self.certify(
            request, by: OpenSSLIdentity(key: former.key, pem: [], der: []), from: notBefore, until: notAfter,
            extensions: [
                "basicConstraints=critical,CA:TRUE",
                "keyUsage=critical,digitalSignature,keyEncipherment,keyCertSign,cRLSign",
            ])
        try self.init(key: former.key, pem: pem)
    }

    /// Issues a certificate, if the request's signature is right.
    ///
    /// - Parameters:
    ///   - request: in PEM.
    ///   - issuer: one without a certificate has the request's key, and signs for itself.
    /// - Returns: PEM.
    public static func certify(
        _ request: [UInt8], by issuer: OpenSSLIdentity, from notBefore: String, until notAfter: String,
        extensions: [String] = []
    ) throws -> [UInt8] {
        try withTemporaryDirectory { directory in
            let lines =
                [
                    "[ca]", "default_ca=a", "[a]", "default_md=sha256", "policy=p", "unique_subject=no",
                    "rand_serial=yes", "database=\(try directory.write([], to: "index.txt"))",
                    "new_certs_dir=\(directory.path)", "[p]", "organizationName=optional", "commonName=supplied",
                ] + (extensions.isEmpty ? [] : ["[e]"] + extensions)
            return try OpenSSL.run(
                [
                    "ca", "-batch", "-notext", "-preserveDN", "-startdate", notBefore, "-enddate", notAfter,
                    "-config", directory.write(Array(lines.joined(separator: "\n").utf8), to: "config"),
                    "-keyfile", directory.write(issuer.key, to: "ca.key"),
                    "-in", directory.write(request, to: "csr"),
                ] + (extensions.isEmpty ? [] : ["-extensions", "e"])
                    + (issuer.certificate.isEmpty
                        ? ["-selfsign"] : ["-cert", directory.write(issuer.certificate, to: "ca.crt")]))
        }
    }

    /// Seconds since 1970 as openssl's options have them.
    public static func date(_ time: Int64) -> String { utc(time, "yyyyMMddHHmmss'Z'") }
}
