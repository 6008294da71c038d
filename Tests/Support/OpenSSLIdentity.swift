import Foundation

/// A key and a self-signed certificate of openssl's making.
public struct OpenSSLIdentity: Sendable {
    /// PEM.
    public let key: [UInt8]
    /// PEM.
    public let certificate: [UInt8]
    /// The certificate in DER.
    public let der: [UInt8]

    public init(
        subject: String, newKey: [String] = ["rsa:2048"], extensions: [String] = [], days: Int = 30
    ) throws {
        self = try withTemporaryDirectory { directory in
            let key = directory.appending(path: "key").path
            let certificate = try OpenSSL.run(
                ["req", "-x509", "-nodes", "-days", "\(days)", "-subj", subject, "-keyout", key, "-newkey"] + newKey
                    + extensions.flatMap { ["-addext", $0] })
            return try OpenSSLIdentity(key: [UInt8](Data(contentsOf: URL(fileURLWithPath: key))), pem: certificate)
        }
    }

    /// A certificate for a key that exists.
    public init(subject: String, for key: TestKey, extensions: [String] = []) throws {
        self = try withTemporaryDirectory { directory in
            let certificate = try OpenSSL.run(
                ["req", "-x509", "-subj", subject, "-key", directory.write(key.pem, to: "key")]
                    + extensions.flatMap { ["-addext", $0] })
            return try OpenSSLIdentity(key: key.pem, pem: certificate)
        }
    }

    /// What exists already, in PEM; `key` may be empty.
    public init(key: [UInt8], pem: [UInt8]) throws {
        self.key = key
        certificate = pem
        der = try OpenSSL.run(["x509", "-outform", "DER"], input: pem)
    }

    /// What need be no certificate at all.
    public init(key: [UInt8], pem: [UInt8], der: [UInt8]) {
        (self.key, certificate, self.der) = (key, pem, der)
    }

    /// An authority that every suite may use, since making one takes a while.
    public static var authority: OpenSSLIdentity {
        get throws { try sharedAuthority.get() }
    }

    private static let sharedAuthority = Result {
        try OpenSSLIdentity(subject: "/C=DE/O=Example/CN=Example CA", extensions: ["keyUsage=critical,keyCertSign"])
    }

    /// An RSA key with a certificate that a message can be encrypted to.
    public static var recipient: OpenSSLIdentity {
        get throws { try sharedRecipient.get() }
    }

    private static let sharedRecipient = Result {
        try OpenSSLIdentity(
            subject: "/O=Example/CN=Example RA", extensions: ["keyUsage=critical,digitalSignature,keyEncipherment"])
    }
}
