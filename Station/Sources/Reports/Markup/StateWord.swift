import Foundation
import Ledger

/// A state as a word of its colour.
///
/// - Parameter state: one of ``DeviceState``'s words.
public func stateWord(_ state: String) -> Markup {
    let style =
        switch AttemptState(rawValue: state) {
        case .verified: "pass"
        case .failed: "fail"
        case .scrapped, .retired: "left"
        case nil: state == DeviceState.rework ? "left" : "quiet"
        case .claimed, .key, .requested, .pending, .issued, .delivered: "busy"
        }
    return "<span class=\"word \(style)\">\(state)</span>"
}

/// `2026-11-30 18:16:19`, in UTC.
public func shown(_ moment: Timestamp) -> String { String(moment.description.prefix(19).replacing("T", with: " ")) }

/// `1.2 s`, `3 min 20 s`, `2 h 5 min`.
public func shown(milliseconds: Int) -> String {
    let seconds = milliseconds / 1000
    switch seconds {
    case ..<60: return "\(seconds).\(max(milliseconds, 0) % 1000 / 100) s"
    case ..<3600: return "\(seconds / 60) min \(seconds % 60) s"
    default: return "\(seconds / 3600) h \(seconds % 3600 / 60) min"
    }
}
