/// Values of JSON (RFC 8259) with one spelling each (RFC 8785): no blanks, names in the order of their UTF-16 code units, as
/// few escapes as can be. Numbers are whole and within the 53 bits that a double holds exactly.
public indirect enum JSON: Sendable, Equatable {
    case null
    case bool(Bool)
    case number(Int)
    case text(String)
    case array([JSON])
    case object([String: JSON])
    /// What is in this form already.
    case canonical(String)

    /// In UTF-8.
    public var encoding: [UInt8] {
        var bytes: [UInt8] = []
        append(to: &bytes)
        return bytes
    }

    public var description: String { String(decoding: encoding, as: UTF8.self) }

    func append(to bytes: inout [UInt8]) {
        switch self {
        case .null: bytes += "null".utf8
        case .bool(let value): bytes += (value ? "true" : "false").utf8
        case .number(let number):
            precondition(number.magnitude < 1 << 53, "a number that other readers of JSON round")
            bytes += String(number).utf8
        case .text(let text): Self.append(text, to: &bytes)
        case .array(let values): Self.append(values, "[", "]", to: &bytes) { $0.append(to: &$1) }
        case .object(let members):
            let sorted = members.sorted { $0.key.utf16.lexicographicallyPrecedes($1.key.utf16) }
            Self.append(sorted, "{", "}", to: &bytes) { member, bytes in
                Self.append(member.key, to: &bytes)
                bytes.append(UInt8(ascii: ":"))
                member.value.append(to: &bytes)
            }
        case .canonical(let text): bytes += text.utf8
        }
    }

    private static func append<Item>(
        _ items: [Item], _ start: Unicode.Scalar, _ end: Unicode.Scalar, to bytes: inout [UInt8],
        _ body: (Item, inout [UInt8]) -> Void
    ) {
        bytes.append(UInt8(ascii: start))
        for (index, item) in items.enumerated() {
            if index > 0 { bytes.append(UInt8(ascii: ",")) }
            body(item, &bytes)
        }
        bytes.append(UInt8(ascii: end))
    }

    /// RFC 8785, section 3.2.2.2.
    static func append(_ text: String, to bytes: inout [UInt8]) {
        bytes.append(UInt8(ascii: "\""))
        for byte in text.utf8 {
            switch byte {
            case UInt8(ascii: "\""): bytes += "\\\"".utf8
            case UInt8(ascii: "\\"): bytes += "\\\\".utf8
            case 0x08: bytes += "\\b".utf8
            case 0x09: bytes += "\\t".utf8
            case 0x0A: bytes += "\\n".utf8
            case 0x0C: bytes += "\\f".utf8
            case 0x0D: bytes += "\\r".utf8
            case 0..<0x20:
                let digits = String(byte, radix: 16)
                bytes += "\\u00\(digits.utf8.count < 2 ? "0" : "")\(digits)".utf8
            default: bytes.append(byte)
            }
        }
        bytes.append(UInt8(ascii: "\""))
    }
}

extension JSON: ExpressibleByStringLiteral, ExpressibleByIntegerLiteral, ExpressibleByDictionaryLiteral {
    public init(stringLiteral text: String) { self = .text(text) }
    public init(integerLiteral number: Int) { self = .number(number) }
    public init(dictionaryLiteral members: (String, JSON)...) {
        self = .object(Dictionary(uniqueKeysWithValues: members))
    }
}
