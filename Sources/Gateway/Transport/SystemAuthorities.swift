import Output

/// The CAs that the system trusts, in PEM.
enum SystemAuthorities {
    /// Where Debian, Fedora and OpenSSL itself have them.
    private static var places: InlineArray<3, StaticString> {
        ["/etc/ssl/certs/ca-certificates.crt", "/etc/pki/tls/certs/ca-bundle.crt", "/etc/ssl/cert.pem"]
    }

    /// - Returns: what the first of the places holds that there is; empty if there is none.
    static func read() -> [UInt8] {
        let places = places
        for index in places.indices {
            if let bytes = try? InputFile.read(Text(places[index])) { return bytes }
        }
        return []
    }
}
