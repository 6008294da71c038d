import Foundation

extension OpenSSLIdentity {
    /// A certificate that `issuer` issued for a key, valid from one time to another, both as `20260102030405Z`.
    public init(
        subject: String, for key: TestKey, issuedBy issuer: OpenSSLIdentity, from notBefore: String,
        until notAfter: String
    ) throws {
        self = try withTemporaryDirectory { directory in
            let keyFile = try directory.write(key.pem, to: "key")
            let request = try OpenSSL.run(["req", "-new", "-subj", subject, "-key", keyFile])
            let lines = [
                "[ca]", "default_ca=a", "[a]", "default_md=sha256", "policy=p", "unique_subject=no", "rand_serial=yes",
                "database=\(try directory.write([], to: "index.txt"))", "new_certs_dir=\(directory.path)",
                "[p]", "commonName=supplied",
            ]
            let pem = try OpenSSL.run([
                "ca", "-batch", "-notext", "-startdate", notBefore, "-enddate", notAfter,
                "-config", directory.write(Array(lines.joined(separator: "\n").utf8), to: "config"),
                "-cert", directory.write(issuer.certificate, to: "ca.crt"),
                "-keyfile", directory.write(issuer.key, to: "ca.key"),
                "-in", directory.write(request, to: "csr"),
            ])
            return try OpenSSLIdentity(key: key.pem, pem: pem)
        }
    }
}
