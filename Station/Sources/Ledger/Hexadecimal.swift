import DeviceCrypto

/// Lower-case, two digits a byte.
public func hexadecimal(_ bytes: Span<UInt8>) -> String {
    String(unsafeUninitializedCapacity: 2 * bytes.count) { text in
        let digits: StaticString = "0123456789abcdef"
        for index in bytes.indices {
            text[2 * index] = digits.utf8Start[Int(bytes[index] >> 4)]
            text[2 * index + 1] = digits.utf8Start[Int(bytes[index] & 15)]
        }
        return 2 * bytes.count
    }
}

extension Ledger {
    /// SHA-256, as digests are written in the ledger: hexadecimal.
    public static func digest(of bytes: [UInt8]) -> String { hexadecimal(Hash.digest(.sha256, of: bytes.span).bytes) }
}
