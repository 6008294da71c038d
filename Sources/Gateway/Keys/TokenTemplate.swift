import CPKCS11
import Output

/// Attributes of a PKCS #11 object, with the bytes that they point to.
struct TokenTemplate {
    /// A value begins where any type of C may.
    private static var alignment: Int { 16 }

    private var bytes: [UInt8] = []
    private var entries: [Entry] = []

    private struct Entry {
        let type: CK_ATTRIBUTE_TYPE
        let value: Range<Int>
    }

    mutating func add(_ type: CK_ATTRIBUTE_TYPE, _ value: Span<UInt8>) {
        while bytes.count % Self.alignment != 0 { bytes.append(0) }
        let start = bytes.count
        bytes.append(value)
        entries.append(Entry(type: type, value: start..<bytes.count))
    }

    mutating func add(_ type: CK_ATTRIBUTE_TYPE, _ value: [UInt8]) {
        add(type, value.span)
    }

    /// A CK_BBOOL.
    mutating func add(_ type: CK_ATTRIBUTE_TYPE, _ value: Bool) {
        add(type, [value ? 1 : 0])
    }

    /// A CK_ULONG, in the order and size of the machine.
    mutating func add(_ type: CK_ATTRIBUTE_TYPE, _ value: CK_ULONG) {
        let number = unsafe withUnsafeBytes(of: value) { unsafe [UInt8]($0) }
        add(type, number)
    }

    /// Lends the attributes as C has them.
    @unsafe mutating func withAttributes<Result>(
        _ body: (UnsafeMutablePointer<CK_ATTRIBUTE>?, CK_ULONG) -> Result
    ) -> Result {
        let entries = entries
        return unsafe bytes.withUnsafeMutableBytes { bytes in
            var attributes: [CK_ATTRIBUTE] = unsafe []
            for entry in entries {
                unsafe attributes.append(
                    CK_ATTRIBUTE(
                        type: entry.type, pValue: bytes.baseAddress?.advanced(by: entry.value.lowerBound),
                        ulValueLen: CK_ULONG(entry.value.count)))
            }
            return unsafe attributes.withUnsafeMutableBufferPointer { attributes in
                unsafe body(attributes.baseAddress, CK_ULONG(attributes.count))
            }
        }
    }
}
