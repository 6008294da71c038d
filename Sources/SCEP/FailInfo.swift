import DER

/// Why a CA refused a request (RFC 8894, 3.2.1.4).
public enum FailInfo: Equatable, Sendable {
    case badAlg
    case badMessageCheck
    case badRequest
    case badTime
    case badCertId
    /// A number that RFC 8894 does not have.
    case other(UInt16)
    /// The CA gave no reason, or none that is a number.
    case missing

    public init(_ number: UInt16) {
        switch number {
        case 0: self = .badAlg
        case 1: self = .badMessageCheck
        case 2: self = .badRequest
        case 3: self = .badTime
        case 4: self = .badCertId
        default: self = .other(number)
        }
    }

    /// Reads the value of the attribute: decimal digits in a string of any type, as RFC 8894 has it in a
    /// PrintableString; or an INTEGER.
    init(_ element: borrowing DERElement) {
        if element.tag == .integer {
            let number = try? element.smallInteger(atMost: 0xFFFF)
            self = number.map { FailInfo(UInt16(truncatingIfNeeded: $0)) } ?? .missing
        } else {
            self = number(element, digits: 4).map { FailInfo(UInt16(truncatingIfNeeded: $0)) } ?? .missing
        }
    }
}

/// The value of decimal digits, of which there are at most so many; nil for anything else.
func number(_ element: borrowing DERElement, digits: Int = 2) -> Int? {
    let text = element.contents
    guard !text.isEmpty, text.count <= digits else { return nil }
    var value = 0
    for index in text.indices {
        let digit = text[index] &- UInt8(ascii: "0")
        guard digit <= 9 else { return nil }
        value = value &* 10 &+ Int(digit)
    }
    return value
}
