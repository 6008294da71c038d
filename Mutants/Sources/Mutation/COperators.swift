/// What is changed in an expression of C.
enum COperators {
    private static let table: [(operator: String, other: String, kind: Mutant.Kind)] = [
        (" == ", " != ", .comparison), (" != ", " == ", .comparison),
        (" < ", " <= ", .boundary), (" <= ", " < ", .boundary), (" > ", " >= ", .boundary), (" >= ", " > ", .boundary),
        (" && ", " || ", .operand), (" || ", " && ", .operand),
        (" + ", " - ", .arithmetic), (" - ", " + ", .arithmetic), (" * ", " / ", .arithmetic),
        (" / ", " * ", .arithmetic),
        (" << ", " >> ", .arithmetic), (" >> ", " << ", .arithmetic), (" | ", " & ", .arithmetic),
        (" & ", " | ", .arithmetic), (" += ", " -= ", .arithmetic), (" -= ", " += ", .arithmetic),
        (" |= ", " &= ", .arithmetic), (" &= ", " |= ", .arithmetic),
    ]

    static func changes(of text: String) -> [Change] {
        let bytes = Array(text.utf8)
        var changes: [Change] = []
        var index = 0
        while index < bytes.count {
            if bytes[index] == UInt8(ascii: "\"") || bytes[index] == UInt8(ascii: "'") {
                index = CText.endOfLiteral(bytes, at: index)
                continue
            }
            if let row = table.first(where: { bytes[index...].starts(with: $0.operator.utf8) }) {
                changes.append(change(row.kind, bytes, index..<(index + row.operator.utf8.count), row.other))
                // The blank behind it may be that before the next.
                index += row.operator.utf8.count - 1
                continue
            }
            guard let number = number(bytes, at: index) else {
                index += 1
                continue
            }
            if let value = number.value {
                changes.append(change(.constant, bytes, number.place, "\(value + 1)"))
                if value > 0 { changes.append(change(.constant, bytes, number.place, "\(value - 1)")) }
            }
            index = number.place.upperBound
        }
        return changes
    }

    private static func change(_ kind: Mutant.Kind, _ bytes: [UInt8], _ place: Range<Int>, _ other: String) -> Change {
        let text =
            String(decoding: bytes[..<place.lowerBound], as: UTF8.self) + other
            + String(decoding: bytes[place.upperBound...], as: UTF8.self)
        return .alternative(kind, String(decoding: bytes, as: UTF8.self), text)
    }

    /// A word that begins with a digit, if one begins here.
    private static func number(_ bytes: [UInt8], at index: Int) -> (place: Range<Int>, value: Int?)? {
        guard CText.isDigit(bytes[index]), index == 0 || !CText.isWord(bytes[index - 1]) else { return nil }
        let end = bytes[index...].firstIndex { !CText.isWord($0) } ?? bytes.count
        let word = String(decoding: bytes[index..<end], as: UTF8.self)
        return (index..<end, word.hasPrefix("0x") ? Int(word.dropFirst(2), radix: 16) : Int(word))
    }
}
