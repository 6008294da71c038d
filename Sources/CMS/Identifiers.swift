import DER

extension ObjectIdentifier {
    // Content types (RFC 5652, 4, 5.1, 6.1)
    public static var data: ObjectIdentifier { ObjectIdentifier("1.2.840.113549.1.7.1") }
    public static var signedData: ObjectIdentifier { ObjectIdentifier("1.2.840.113549.1.7.2") }
    public static var envelopedData: ObjectIdentifier { ObjectIdentifier("1.2.840.113549.1.7.3") }

    // Attributes (RFC 5652, 11)
    public static var contentType: ObjectIdentifier { ObjectIdentifier("1.2.840.113549.1.9.3") }
    public static var messageDigest: ObjectIdentifier { ObjectIdentifier("1.2.840.113549.1.9.4") }

    // Ciphers (RFC 3370, 5; RFC 3565, 4.1; OIW)
    static var aes128CBC: ObjectIdentifier { ObjectIdentifier("2.16.840.1.101.3.4.1.2") }
    static var aes192CBC: ObjectIdentifier { ObjectIdentifier("2.16.840.1.101.3.4.1.22") }
    static var aes256CBC: ObjectIdentifier { ObjectIdentifier("2.16.840.1.101.3.4.1.42") }
    static var desEDE3CBC: ObjectIdentifier { ObjectIdentifier("1.2.840.113549.3.7") }
    static var desCBC: ObjectIdentifier { ObjectIdentifier("1.3.14.3.2.7") }

    // Keys from passwords (RFC 8018, A.2, A.4, B.1; RFC 3211, 2.3)
    static var pbes2: ObjectIdentifier { ObjectIdentifier("1.2.840.113549.1.5.13") }
    static var pbkdf2: ObjectIdentifier { ObjectIdentifier("1.2.840.113549.1.5.12") }
    static var hmacWithSHA1: ObjectIdentifier { ObjectIdentifier("1.2.840.113549.2.7") }
    static var hmacWithSHA256: ObjectIdentifier { ObjectIdentifier("1.2.840.113549.2.9") }
    static var hmacWithSHA384: ObjectIdentifier { ObjectIdentifier("1.2.840.113549.2.10") }
    static var hmacWithSHA512: ObjectIdentifier { ObjectIdentifier("1.2.840.113549.2.11") }
    static var pwriKEK: ObjectIdentifier { ObjectIdentifier("1.2.840.113549.1.9.16.3.9") }

    // Key transport (RFC 8017, A.2.1)
    static var rsaesOAEP: ObjectIdentifier { ObjectIdentifier("1.2.840.113549.1.1.7") }
    static var pSpecified: ObjectIdentifier { ObjectIdentifier("1.2.840.113549.1.1.9") }
}
