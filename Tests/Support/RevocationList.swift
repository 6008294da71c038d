import Foundation

extension OpenSSLIdentity {
    /// A CRL of this authority, in DER.
    ///
    /// - Parameters:
    ///   - serials: hexadecimal, an even number of digits, optionally with a comma and openssl's word for the reason.
    ///   - extensions: of the list; none makes a list of version 1.
    public func revocationList(
        of serials: [String] = [], extensions: [String] = ["authorityKeyIdentifier=keyid:always"],
        options: [String] = []
    ) throws -> [UInt8] {
        try withTemporaryDirectory { directory in
            let database = serials.map { entry in
                let parts = entry.split(separator: ",", maxSplits: 1).map(String.init)
                let date = "260102030405Z" + parts.dropFirst().map { "," + $0 }.joined()
                return "R\t301231235959Z\t\(date)\t\(parts[0].uppercased())\tunknown\t/CN=x\n"
            }
            let lines =
                [
                    "[ca]", "default_ca=a", "[a]", "default_md=sha256", "default_crl_days=30",
                    "database=\(try directory.write(Array(database.joined().utf8), to: "index.txt"))",
                ] + (extensions.isEmpty ? [] : ["crl_extensions=e", "[e]"] + extensions)
            let pem = try OpenSSL.run(
                [
                    "ca", "-gencrl",
                    "-config", directory.write(Array(lines.joined(separator: "\n").utf8), to: "config"),
                    "-cert", directory.write(certificate, to: "crt"), "-keyfile", directory.write(key, to: "key"),
                ] + options)
            return try OpenSSL.run(["crl", "-outform", "DER"], input: pem)
        }
    }
}
