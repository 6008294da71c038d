import COpenSSL

/// A certificate extension, written the way OpenSSL's configuration files do: `.init("keyUsage", "critical,cRLSign")`.
public struct ExtensionText: Sendable {
    let name: String
    let value: String

    public init(_ name: String, _ value: String) {
        self.name = name
        self.value = value
    }

    /// The extension; `subject` and `issuer` are certificates, which key identifiers are taken from.
    func make(issuer: OpaquePointer?, subject: OpaquePointer?) throws(LibCryptoError) -> OpaquePointer {
        var context = X509V3_CTX()
        X509V3_set_ctx(&context, issuer, subject, nil, nil, 0)
        return try made(X509V3_EXT_nconf(nil, &context, name, value), "making the extension \(name)=\(value)")
    }
}

/// An extension as it is encoded.
public struct EncodedExtension: Sendable, Equatable {
    /// Extension, DER (RFC 5280, section 4.1).
    public let der: [UInt8]
    /// Dotted decimal.
    public let identifier: String
    /// What the extension's OCTET STRING holds.
    public let value: [UInt8]

    init(_ pointer: OpaquePointer) throws(LibCryptoError) {
        der = try encoded("encoding an extension") { i2d_X509_EXTENSION(pointer, $0) }
        identifier = text(of: X509_EXTENSION_get_object(pointer))
        value = X509_EXTENSION_get_data(pointer).map { [UInt8]($0) } ?? []
    }

    func make() throws(LibCryptoError) -> OpaquePointer {
        try decoded(der, "reading an extension", free: { X509_EXTENSION_free($0) }) {
            d2i_X509_EXTENSION(nil, $0, $1)
        }
    }

    /// The bits of a keyUsage extension (RFC 5280, section 4.2.1.3), or nil when it is another or cannot be read.
    public var keyUsage: KeyUsage? {
        guard identifier == "2.5.29.15" else { return nil }
        let bits = try? decoded(value, "reading keyUsage", free: { ASN1_BIT_STRING_free($0) }) {
            d2i_ASN1_BIT_STRING(nil, $0, $1)
        }
        guard let bits else { return nil }
        defer { ASN1_BIT_STRING_free(bits) }
        var usage: KeyUsage = []
        for bit in 0..<9 where ASN1_BIT_STRING_get_bit(bits, Int32(bit)) == 1 {
            usage.insert(KeyUsage(rawValue: 1 << bit))
        }
        return usage
    }
}

/// What a key may be used for: bit n is bit n of the extension.
public struct KeyUsage: OptionSet, Sendable {
    public let rawValue: UInt16

    public init(rawValue: UInt16) {
        self.rawValue = rawValue
    }

    public static let digitalSignature = KeyUsage(rawValue: 1 << 0)
    public static let keyEncipherment = KeyUsage(rawValue: 1 << 2)
    public static let keyCertSign = KeyUsage(rawValue: 1 << 5)
    public static let cRLSign = KeyUsage(rawValue: 1 << 6)
}

/// Dotted decimal.
func text(of object: OpaquePointer?) -> String {
    guard let object else { return "" }
    var buffer = [CChar](repeating: 0, count: 128)
    let count = OBJ_obj2txt(&buffer, Int32(buffer.count), object, 1)
    guard count > 0 else { return "" }
    return String(decoding: buffer.prefix(Int(min(count, 127))).map { UInt8(bitPattern: $0) }, as: UTF8.self)
}
