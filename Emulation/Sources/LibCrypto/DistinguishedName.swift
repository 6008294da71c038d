import COpenSSL

/// A distinguished name (X.501), kept as its encoding.
public struct DistinguishedName: Sendable, Hashable, CustomStringConvertible {
    /// Name, DER.
    public let der: [UInt8]
    /// The way people read it, most significant part last (RFC 2253).
    public let description: String
    /// The values of commonName and serialNumber, in the order of the name.
    public let identifiers: [String]

    /// Whether it has no attribute at all.
    public var isEmpty: Bool { der.count == 2 }

    /// Reads Name in DER.
    public init(der: [UInt8]) throws(LibCryptoError) {
        let pointer = try decoded(der, "reading a distinguished name", free: { X509_NAME_free($0) }) {
            d2i_X509_NAME(nil, $0, $1)
        }
        defer { X509_NAME_free(pointer) }
        try self.init(pointer)
    }

    /// Makes a name of one attribute a part, in this order: `("CN", "Example")`.
    public init(_ parts: [(field: String, value: String)]) throws(LibCryptoError) {
        let pointer = try made(X509_NAME_new(), "allocating a name")
        defer { X509_NAME_free(pointer) }
        for part in parts {
            try check(
                X509_NAME_add_entry_by_txt(
                    pointer, part.field, MBSTRING_UTF8, [UInt8](part.value.utf8), Int32(part.value.utf8.count), -1, 0),
                "adding \(part.field)=\(part.value) to a name")
        }
        try self.init(pointer)
    }

    init(_ pointer: OpaquePointer) throws(LibCryptoError) {
        der = try encoded("encoding a distinguished name") { i2d_X509_NAME(pointer, $0) }
        let bio = try MemoryBIO()
        guard X509_NAME_print_ex(bio.pointer, pointer, 0, COpenSSL_nameStyle()) >= 0 else {
            throw LibCryptoError("printing a name")
        }
        description = String(decoding: bio.contents, as: UTF8.self)
        var identifiers: [String] = []
        for index in 0..<X509_NAME_entry_count(pointer) {
            guard let entry = X509_NAME_get_entry(pointer, index) else { continue }
            let nid = OBJ_obj2nid(X509_NAME_ENTRY_get_object(entry))
            guard nid == NID_commonName || nid == NID_serialNumber else { continue }
            var text: UnsafeMutablePointer<UInt8>?
            let count = ASN1_STRING_to_UTF8(&text, X509_NAME_ENTRY_get_data(entry))
            guard let text, count >= 0 else { continue }
            identifiers.append(
                String(decoding: UnsafeBufferPointer(start: text, count: Int(count)), as: UTF8.self))
            CRYPTO_free(text, nil, 0)
        }
        self.identifiers = identifiers
    }

    /// Calls `body` with OpenSSL's view of the name.
    func withPointer<Result>(
        _ body: (OpaquePointer) throws(LibCryptoError) -> Result
    ) throws(LibCryptoError) -> Result {
        let pointer = try decoded(der, "reading a distinguished name", free: { X509_NAME_free($0) }) {
            d2i_X509_NAME(nil, $0, $1)
        }
        defer { X509_NAME_free(pointer) }
        return try body(pointer)
    }

    /// Whether both are the same name whatever string types and cases spell them (RFC 5280, section 7.1).
    public func matches(_ other: DistinguishedName) -> Bool {
        let order = try? withPointer { mine throws(LibCryptoError) in
            try other.withPointer { theirs throws(LibCryptoError) in X509_NAME_cmp(mine, theirs) }
        }
        return order == 0
    }

    public static func == (one: DistinguishedName, other: DistinguishedName) -> Bool { one.der == other.der }
    public func hash(into hasher: inout Hasher) { hasher.combine(der) }
}
