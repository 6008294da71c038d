/// Why both sides differ where they do. A difference that no row has fails the tests.
enum Reasons {
    /// By the word for why: what is refused here, and accepted by OpenSSL.
    static let strict: [Sample.Kind: [String: String]] = [
        .certificate: signed.merging([
            "unsupportedVersion": "only version 3 has extensions (RFC 5280, 4.1.2.1)",
            "duplicate": "an extension that is checked stands there once (RFC 5280, 4.2)",
            "invalidBitString": "a signature or key is whole bytes, and unused bits are 0 (X.690, 11.2.1)",
        ]) { $1 },
        .revocationList: signed.merging([
            "unknownCriticalExtension":
                "OpenSSL checks them only where it checks a chain (RFC 5280, 5.2); removeFromCRL is a delta's (5.3.1)",
            "invalidBitString": "a signature is whole bytes",
        ]) { $1 },
        .signedData: message.merging([
            "notOneSigner": "a pkiMessage has one signer (RFC 8894, 3.2), and this one's certificate is given",
            "duplicate": "an attribute that is asked for stands there once (RFC 5652, 5.3)",
            "unexpectedContentType": "a pkiMessage signs id-data (RFC 8894, 3.2)",
            "crypto.invalidSignature": "the attributes are signed as they stand; OpenSSL writes them anew",
        ]) { $1 },
        .envelopedData: message.merging([
            "notOneRecipient": "an envelope is for this device alone (RFC 8894, 3.2.2)",
            "unexpectedContentType": "a pkcsPKIEnvelope has id-data (RFC 8894, 3.2.2)",
            "crypto.decryptionFailed": "OpenSSL made up another key for the wrong one, and got other garbage",
        ]) { $1 },
        .privateKey: [
            "lengthNotMinimal": "PKCS #8 is in DER here; OpenSSL takes BER",
            "crypto.invalidKey": "all integers, and the point, have to belong together; OpenSSL sees it when asked",
            "unsupportedVersion": "0 and 1 are all versions that there are (RFC 5958, 2; RFC 8017, A.1.2; RFC 5915, 3)",
            "invalidInteger": "no integer of a key is negative, or padded",
            "trailingBytes": "nothing follows what is read",
            "unexpectedTag": "nothing stands there that has no place there",
            "unsupportedAlgorithm": "a curve is named, and told wherever it is not known",
            "unsupportedKeySize": "2048 to 4096 bits",
            "invalidBitString": "a point is whole bytes",
            "truncated": "what is read has to be there",
        ],
    ]

    private static let signed = [
        "lengthNotMinimal": "it is in DER (RFC 5280, 4.1); OpenSSL takes BER",
        "invalidInteger": "a version above 3, a serial number of more than 32 bytes, a path length above 255",
        "trailingBytes":
            "nothing follows what is read; OpenSSL leaves parameters and values unread until it needs them",
        "unexpectedTag": "nothing stands there that has no place there; likewise",
        "truncated": "what is read has to be there; likewise",
        "unsupportedAlgorithm": "the algorithms are the same, byte for byte (RFC 5280, 4.1.1.2)",
        "crypto.unsupported": "another algorithm or kind of key, or parameters where there are none",
        "crypto.invalidKey": "an exponent that is even, 1 or above 64 bits; likewise",
    ]

    private static let message = [
        "invalidInteger": "a version that there is not; OpenSSL does not look at it",
        "constructedString": "only OCTET STRINGs come in pieces; OpenSSL joins all string types",
        "unsupportedAlgorithm": "another algorithm, or parameters where there are none",
        "trailingBytes": "nothing follows what is read",
        "unexpectedTag": "nothing stands there that has no place there",
        "truncated": "what is read has to be there",
        "lengthNotMinimal": "a tag was corrupted, and what it hides is not made DER",
        "tooDeep": "24 levels are followed",
        "misplacedEndOfContents": "an end of contents only ends something",
        "highTagNumber": "no tag number is above 30",
    ]

    /// By the field: what is accepted here, and refused by OpenSSL.
    static let lenient: [Sample.Kind: [String: String]] = [
        .certificate: [
            "issuer": names, "subject": names,
            "extension": "an identifier that is none of those checked is not read",
            "value of an extension that is not checked": "it is not read; a critical one is noted (RFC 5280, 4.2)",
            "extKeyUsage": "of purposes only those of a registration authority are looked for",
            "subjectPublicKeyInfo": "that a point lies on its curve is checked when it is used",
        ],
        .revocationList: [
            "issuer": names,
            "extension": "an identifier of one that is not critical is not read",
            "value of an extension that is not checked": "it is not read; a critical one is refused",
            "revocationDate": "that it is revoked counts, not since when (SECURITY.md, What is not checked)",
        ],
        .signedData: [
            "certificates": "they are read one by one when one is looked for; one that cannot be read is passed over",
            "signedAttrs": "of attributes that nobody asks for only the signature is checked",
            "digestAlgorithms": "each signer names its own; this set says nothing more",
            "signatureAlgorithm": "id-ecPublicKey is a signature by such a key, whose digest digestAlgorithm says",
        ],
        .envelopedData: [
            "rid": "whom it names is not looked at: only the right key opens it",
            "encryptedKey": garbage,
            "keyEncryptionAlgorithm": "OAEP without parameters is OAEP with SHA-1 (RFC 8017, A.2.1); OpenSSL fails",
        ],
        .privateKey: [:],
    ]

    /// By the field: what both accept, and read differently.
    static let otherResult: [Sample.Kind: [String: String]] = [.envelopedData: ["encryptedKey": garbage]]

    private static let names = "a Name is taken apart only to be compared; what is malformed is equal to itself alone"
    private static let garbage = "a made-up key stands for the wrong one on both sides; one in 256 leaves good padding"
}
