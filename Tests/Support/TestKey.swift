/// A key of the device's that openssl made, so that openssl can do beside us what we do.
public struct TestKey: Sendable {
    /// PEM.
    public let pem: [UInt8]

    public init(pem: [UInt8]) {
        self.pem = pem
    }

    /// RSA-2048.
    public static var rsa: TestKey {
        get throws { try sharedRSA.get() }
    }

    private static let sharedRSA = Result { TestKey(pem: try OpenSSL.run(["genrsa", "2048"])) }

    /// P-256.
    public static var p256: TestKey {
        get throws { try sharedP256.get() }
    }

    private static let sharedP256 = Result {
        TestKey(pem: try OpenSSL.run(["genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256"]))
    }
}
