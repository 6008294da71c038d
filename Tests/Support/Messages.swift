/// What a CA does with messages.
extension OpenSSLIdentity {
    /// A SignedData around `content`, with attributes.
    public func sign(_ content: [UInt8], _ options: [String] = []) throws -> [UInt8] {
        try withTemporaryDirectory { directory in
            try OpenSSL.run(
                [
                    "cms", "-sign", "-binary", "-nodetach", "-outform", "DER",
                    "-signer", directory.write(certificate, to: "crt"), "-inkey", directory.write(key, to: "key"),
                ] + options, input: content)
        }
    }

    /// An EnvelopedData for this certificate.
    public func envelope(_ content: [UInt8], cipher: String = "-aes128", options: [String] = []) throws -> [UInt8] {
        try withTemporaryDirectory { directory in
            try OpenSSL.run(
                [
                    "cms", "-encrypt", "-binary", "-outform", "DER", cipher,
                    "-recip", directory.write(certificate, to: "crt"),
                ] + options, input: content)
        }
    }

    /// What is in an EnvelopedData for this certificate.
    public func open(_ envelope: [UInt8]) throws -> [UInt8] {
        try withTemporaryDirectory { directory in
            try OpenSSL.run(
                [
                    "cms", "-decrypt", "-binary", "-inform", "DER", "-inkey", directory.write(key, to: "key"),
                    "-recip", directory.write(certificate, to: "crt"),
                ], input: envelope)
        }
    }
}
