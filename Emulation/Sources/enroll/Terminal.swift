import Emulator
import Foundation
import Glibc

/// What the command shows: a line a step, as it happens.
struct Terminal: Sendable {
    /// Who does a step.
    enum Actor: String, CaseIterable {
        case authority = "CA"
        case factory
        case board
    }

    let colours: Bool
    private let begun = ContinuousClock.now

    init(colours: Bool = Self.takesColours) { self.colours = colours }

    /// Whether standard output is a terminal that wants colours (no-color.org).
    static var takesColours: Bool {
        let environment = ProcessInfo.processInfo.environment
        return isatty(STDOUT_FILENO) == 1 && environment["NO_COLOR", default: ""].isEmpty
            && environment["TERM"] != "dumb"
    }

    /// Since the command began.
    var elapsed: String { "\((ContinuousClock.now - begun).seconds) s" }

    func heading(_ text: String) { write(styled(text, .bold)) }

    func gap() { write("") }

    func step(_ actor: Actor, _ text: String) {
        let style: Style? = text.hasPrefix("warning:") ? .yellow : text.hasPrefix("error ") ? .red : nil
        write(
            styled("\(padded(elapsed, 8, left: true))  \(padded(actor.rawValue, 8))", .dim) + styled(text, style))
    }

    /// A name and what it stands for.
    func row(_ name: String, _ text: String) { write("  " + styled(padded(name, 13), .dim) + text) }

    /// What went wrong, on standard error.
    func failure(_ text: String) {
        FileHandle.standardError.write(Data("\(styled("enroll: ", .red))\(text)\n".utf8))
    }

    private func write(_ line: String) {
        FileHandle.standardOutput.write(Data("\(line)\n".utf8))
    }

    private enum Style: Int { case bold = 1, dim = 2, red = 31, yellow = 33 }

    private func styled(_ text: String, _ style: Style?) -> String {
        guard colours, let style else { return text }
        return "\u{1B}[\(style.rawValue)m\(text)\u{1B}[0m"
    }
}

/// `text` in at least `width` columns.
func padded(_ text: String, _ width: Int, left: Bool = false) -> String {
    let spaces = String(repeating: " ", count: max(0, width - text.count))
    return left ? spaces + text : text + spaces
}

/// `114,688`, in every locale.
func grouped(_ number: Int) -> String {
    var digits = String(number.magnitude)
    var groups: [Substring] = []
    while digits.count > 3 {
        groups.insert(digits.suffix(3), at: 0)
        digits.removeLast(3)
    }
    return (number < 0 ? "-" : "") + ([digits[...]] + groups).joined(separator: ",")
}
