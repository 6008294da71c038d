/// Without what a terminal or a page would obey, such as control characters and changes of direction: a serial, or a CA's words,
/// may have anything in them. Each stands there as `\u{…}`.
public func printable(_ text: String) -> String {
    text.unicodeScalars.reduce(into: "") { line, scalar in
        switch scalar.properties.generalCategory {
        case .control, .format, .lineSeparator, .paragraphSeparator, .surrogate, .privateUse, .unassigned:
            line += "\\u{\(String(scalar.value, radix: 16))}"
        default: line.unicodeScalars.append(scalar)
        }
    }
}
