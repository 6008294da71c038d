import DER

// The object identifiers of X.509 certificates and PKCS #10 requests.

extension ObjectIdentifier {
    // Public keys (RFC 3279, 2.3; RFC 5480, 2.1)
    public static var rsaEncryption: ObjectIdentifier { ObjectIdentifier("1.2.840.113549.1.1.1") }
    public static var ecPublicKey: ObjectIdentifier { ObjectIdentifier("1.2.840.10045.2.1") }
    public static var secp256r1: ObjectIdentifier { ObjectIdentifier("1.2.840.10045.3.1.7") }
    public static var secp384r1: ObjectIdentifier { ObjectIdentifier("1.3.132.0.34") }

    // Signatures (RFC 8017, A.2.4; RFC 5758, 3.2)
    public static var sha1WithRSAEncryption: ObjectIdentifier { ObjectIdentifier("1.2.840.113549.1.1.5") }
    public static var sha256WithRSAEncryption: ObjectIdentifier { ObjectIdentifier("1.2.840.113549.1.1.11") }
    public static var sha384WithRSAEncryption: ObjectIdentifier { ObjectIdentifier("1.2.840.113549.1.1.12") }
    public static var sha512WithRSAEncryption: ObjectIdentifier { ObjectIdentifier("1.2.840.113549.1.1.13") }
    public static var ecdsaWithSHA1: ObjectIdentifier { ObjectIdentifier("1.2.840.10045.4.1") }
    public static var ecdsaWithSHA256: ObjectIdentifier { ObjectIdentifier("1.2.840.10045.4.3.2") }
    public static var ecdsaWithSHA384: ObjectIdentifier { ObjectIdentifier("1.2.840.10045.4.3.3") }
    public static var ecdsaWithSHA512: ObjectIdentifier { ObjectIdentifier("1.2.840.10045.4.3.4") }

    // RSASSA-PSS (RFC 4055, 2.2 and 3.1)
    static var rsassaPSS: ObjectIdentifier { ObjectIdentifier("1.2.840.113549.1.1.10") }
    static var mgf1: ObjectIdentifier { ObjectIdentifier("1.2.840.113549.1.1.8") }

    // Keys that are only told apart (RFC 5480, 2.1.1.1; RFC 8410, 3)
    static var secp521r1: ObjectIdentifier { ObjectIdentifier("1.3.132.0.35") }
    static var ed25519: ObjectIdentifier { ObjectIdentifier("1.3.101.112") }

    // Digests (RFC 3370, 2.1; RFC 5754, 2)
    public static var sha1: ObjectIdentifier { ObjectIdentifier("1.3.14.3.2.26") }
    public static var sha256: ObjectIdentifier { ObjectIdentifier("2.16.840.1.101.3.4.2.1") }
    public static var sha384: ObjectIdentifier { ObjectIdentifier("2.16.840.1.101.3.4.2.2") }
    public static var sha512: ObjectIdentifier { ObjectIdentifier("2.16.840.1.101.3.4.2.3") }

    // Attributes of a request (RFC 2985, 5.4)
    public static var challengePassword: ObjectIdentifier { ObjectIdentifier("1.2.840.113549.1.9.7") }
    public static var extensionRequest: ObjectIdentifier { ObjectIdentifier("1.2.840.113549.1.9.14") }

    // Extensions (RFC 5280, 4.2.1) and Microsoft's certificate templates (MS-WCCE, 2.2.2.7.7)
    public static var keyUsage: ObjectIdentifier { ObjectIdentifier("2.5.29.15") }
    public static var subjectAltName: ObjectIdentifier { ObjectIdentifier("2.5.29.17") }
    public static var basicConstraints: ObjectIdentifier { ObjectIdentifier("2.5.29.19") }
    public static var extKeyUsage: ObjectIdentifier { ObjectIdentifier("2.5.29.37") }
    static var cmcRA: ObjectIdentifier { ObjectIdentifier("1.3.6.1.5.5.7.3.28") }
    static var certificateRequestAgent: ObjectIdentifier { ObjectIdentifier("1.3.6.1.4.1.311.20.2.1") }
    public static var enrollCerttype: ObjectIdentifier { ObjectIdentifier("1.3.6.1.4.1.311.20.2") }
    public static var certificateTemplate: ObjectIdentifier { ObjectIdentifier("1.3.6.1.4.1.311.21.7") }
}
