import Agent
import Board
import Bytes
import CLinux
import LinuxBoard
import Output
import SCEP

/// Standard error: what the program is doing, what it warns of, and why it failed.
///
/// A terminal gets short lines, in colour if it likes; the journal gets each line with its priority (sd-daemon(3)), event
/// lines included; a file or a pipe the same without. Nothing here is a secret.
struct Progress: AgentLog {
    private enum Style {
        case terminal, journal, plain
    }

    private enum Priority: UInt8 {
        case error = 3
        case warning, notice, info
    }

    private let style: Style
    private let hasColor: Bool
    private let isQuiet: Bool
    private let isVerbose: Bool
    /// What came of the run up to now.
    var status = StatusFile()
    /// Where a program that stays has its status read; nil for one that is soon over.
    var place: Workspace?
    /// The CA's, and whether there is a certificate: what an error is explained by.
    var url = Text()
    var isHeld = false
    var keys: KeyProvider?
    /// Whether each event goes to standard output as JSON.
    private let logsEvents: Bool

    init(_ settings: Settings) throws(Failure) {
        let isTerminal = isatty(STDERR_FILENO) == 1
        style = isTerminal ? .terminal : Environment.isSet("JOURNAL_STREAM") ? .journal : .plain
        isQuiet = settings.isSet(.quiet)
        isVerbose = settings.isSet(.verbose)
        logsEvents = settings.isSet(.json) && settings.isSet(.stay)
        let color = settings[.color] ?? Text("auto")
        if color.equals("auto") {
            hasColor = isTerminal && !Environment.isSet("NO_COLOR") && !Environment.has("TERM", "dumb")
        } else {
            guard color.equals("always") || color.equals("never") else { throw settings.refusal(.color) }
            hasColor = color.equals("always")
        }
    }

    func write(line: Span<UInt8>) { write(Text(line), .info) }

    mutating func logEvent(_ event: borrowing Event, _ work: Span<UInt8>) {
        var failure: Failure?
        if let error = event.failure {
            // An operand of && would be a closure, which cannot have what is borrowed.
            let isEnrolling = event.isOfEnrolment
            failure = Failure(
                error, work, url: url, isHeld: isHeld && !isEnrolling, knowsCapabilities: event.knowsCapabilities,
                keys: keys)
        }
        status.note(event, work, failure, at: SystemClock().time ?? 0)
        if let place { try? status.write(in: place) }
        if logsEvents {
            var report = Report(.json)
            event.write(to: &report, work)
            writeAll(report.finish(), to: STDOUT_FILENO)
        }
        // What it says is said in other words to who sits before it.
        if style == .terminal, !isVerbose { return }
        var line = Line()
        line.append(event, work)
        write(Text(line.span), .notice)
    }

    func logStep(_ step: Step) {
        var line = Line()
        line.append(step)
        if case .warning = step { write(Text(line.span), .warning) } else { write(Text(line.span), .info) }
    }

    func logPassedOver(_ passedOver: PassedOver, _ work: Span<UInt8>) {
        var line = Line()
        line.append(passedOver, work)
        write(Text(line.span), .warning)
    }

    func logMismatch(_ mismatch: FingerprintMismatch) {
        var line = Line()
        line.append(mismatch)
        write(Text(line.span), .warning)
    }

    func say(_ text: Text) { write(text, .info) }

    func warn(_ text: Text) {
        var line = Text("warning: ")
        line.append(text)
        write(line, .warning)
    }

    func complain(_ failure: Failure) {
        var line = Text("error: ")
        line.append(failure.message)
        write(line, .error)
    }

    private func write(_ text: Text, _ priority: Priority) {
        guard !isQuiet || priority.rawValue <= Priority.warning.rawValue else { return }
        var line = Text()
        if style == .journal {
            line.append("<")
            line.append(UInt8(ascii: "0") + priority.rawValue)
            line.append(">")
        }
        if priority == .error, style != .journal { line.append("scep: ") }
        if hasColor { line.append(color(priority)) }
        line.append(printable: text.span)
        if hasColor { line.append("\u{1B}[0m") }
        line.append("\n")
        writeAll(line, to: STDERR_FILENO)
    }

    private func color(_ priority: Priority) -> StaticString {
        switch priority {
        case .error: "\u{1B}[1;31m"
        case .warning: "\u{1B}[33m"
        case .notice: "\u{1B}[32m"
        case .info: "\u{1B}[2m"
        }
    }
}

/// Writes to an open descriptor; what it does not take is lost.
///
/// - Returns: whether all was taken.
@discardableResult
func writeAll(_ bytes: [UInt8], to descriptor: Int32) -> Bool {
    var rest = bytes.span
    while !rest.isEmpty {
        let written = unsafe rest.withUnsafeBytes { unsafe CLinux.write(descriptor, $0.baseAddress, $0.count) }
        if written > 0 {
            rest = rest.extracting(droppingFirst: written)
        } else if linux_errno() != EINTR {
            return false
        }
    }
    return true
}
