import Foundation
import Ledger
import Line

/// Shows how far a run is: a bar on a terminal, a line a device elsewhere.
final class ProgressView: @unchecked Sendable {
    private let lock = NSLock()
    private let total: Int
    private let isTerminal = isatty(STDERR_FILENO) == 1 && ProcessInfo.processInfo.environment["TERM"] != "dumb"
    private let hasColor: Bool
    private let start = ProcessInfo.processInfo.systemUptime
    private enum Outcome {
        case good, failed, skipped
        /// It was done before: the rate does not count it.
        case done
        /// It is scrapped or retired: nobody waits for it.
        case decided
    }

    /// How each device came out last: one that is plugged in again, or tries again, is one device.
    private var outcomes: [String: Outcome] = [:]
    private var counts: [Outcome: Int] = [:]
    private var good: Int { counts[.good, default: 0] }
    private var failed: Int { counts[.failed, default: 0] }
    private var skipped: Int { counts[.skipped, default: 0] }
    private var done: Int { counts[.done, default: 0] }
    private var decided: Int { counts[.decided, default: 0] }
    private var ended: Int { good + failed + skipped + done + decided }
    private var lastDrawn = 0.0
    /// Devices that are to come to a port, and are not done yet.
    private var expected: Set<String> = []
    private let allCame = DispatchSemaphore(value: 0)
    private var isInterrupted = false
    /// Devices that were handed over before without these files.
    private var missing: [[String]: Set<String>] = [:]
    /// When a note was shown last.
    private var notes: [String: Double] = [:]

    init(total: Int) {
        self.total = total
        hasColor = isTerminal && ProcessInfo.processInfo.environment["NO_COLOR", default: ""].isEmpty
    }

    /// Whether every device came out well, or was decided on.
    var isGood: Bool { lock.withLock { failed == 0 && skipped == 0 && ended == total } }

    /// - Parameters:
    ///   - serials: of devices that make their own keys, and come to a port.
    ///   - done: those that did so before.
    ///   - gone: those that are scrapped or retired.
    func expectPorts(_ serials: Set<String>, done before: Set<String>, gone: Set<String>) {
        lock.withLock {
            for serial in serials.intersection(before) { count(serial, Outcome.done) }
            for serial in serials.intersection(gone) { count(serial, Outcome.decided) }
            expected = serials.subtracting(before).subtracting(gone)
        }
    }

    /// Waits until each of them is verified, or ``interrupt()``.
    func waitForPorts() {
        while !lock.withLock({ expected.isEmpty || isInterrupted }) { allCame.wait() }
    }

    func interrupt() {
        lock.withLock { isInterrupted = true }
        allCame.signal()
    }

    func show(_ event: StationEvent) {
        lock.withLock {
            switch event {
            case .began, .step, .console: break
            case .missing(let serial, let files): missing[files, default: []].insert(serial)
            case .note(let text):
                // Each job says it, and says it again while it lasts.
                let now = ProcessInfo.processInfo.systemUptime
                if now - (notes[text] ?? -60) >= 60 {
                    notes[text] = now
                    line(text)
                }
            case .ended(let serial, _, let result):
                count(serial, result)
                if result.isLast, expected.remove(serial) != nil, expected.isEmpty {
                    allCame.signal()
                }
            }
            draw(force: false)
        }
    }

    private func count(_ serial: String, _ result: DeviceResult) {
        switch result {
        case .verified:
            count(serial, .good)
            if !isTerminal { line("PASS \(serial)") }
        case .delivered:
            count(serial, .good)
            if !isTerminal { line("made \(serial)") }
        case .done: count(serial, outcomes[serial] == .good ? .good : .done)
        case .decided: count(serial, .decided)
        case .failed(let cause):
            count(serial, .failed)
            line("FAIL \(serial): \(cause.kind): \(cause.sentence)", color: 31)
        case .skipped(let reason):
            count(serial, .skipped)
            line("left \(serial): \(reason)", color: 33)
        }
    }

    private func count(_ serial: String, _ outcome: Outcome) {
        if let before = outcomes.updateValue(outcome, forKey: serial) { counts[before, default: 0] -= 1 }
        counts[outcome, default: 0] += 1
    }

    /// Writes a line above the bar.
    private func line(_ text: String, color: Int? = nil) {
        let text = printable(text)
        let shown = hasColor ? color.map { "\u{1B}[\($0)m\(text)\u{1B}[0m" } ?? text : text
        write((isTerminal ? "\r\u{1B}[K" : "") + shown + "\n")
        lastDrawn = 0
    }

    private func draw(force: Bool) {
        let now = ProcessInfo.processInfo.systemUptime
        guard isTerminal, force || now - lastDrawn > 0.1 else { return }
        lastDrawn = now
        let width = 30
        let filled = total == 0 ? width : width * ended / total
        let rate = Double(good + failed) / max(now - start, 0.001)
        let left = rate > 0 ? Int(Double(total - ended) / rate) : nil
        let time = left.map {
            $0 < 3600 ? "\($0 / 60):\($0 % 60 < 10 ? "0" : "")\($0 % 60)" : "\($0 / 3600) h \($0 % 3600 / 60) min"
        }
        write(
            "\r[\(String(repeating: "#", count: filled))\(String(repeating: ".", count: width - filled))] \(ended)/\(total)"
                + "  \(String(format: "%.1f", rate))/s  \(failed) failed\(time.map { "  \($0) left" } ?? "")\u{1B}[K")
    }

    /// - Parameter folder: where files are asked for.
    func finish(_ folder: String) {
        lock.withLock {
            draw(force: true)
            if isTerminal { write("\n") }
            let seconds = ProcessInfo.processInfo.systemUptime - start
            line(
                "\(good) made, \(done) done before, \(failed) failed, \(skipped) left, "
                    + (decided > 0 ? "\(decided) scrapped or retired, " : "") + "\(total - ended) not reached, "
                    + "in \(String(format: "%.1f", seconds)) s")
            for (files, serials) in missing.sorted(by: { $0.key.lexicographicallyPrecedes($1.key) }) {
                let named = serials.sorted().prefix(5).joined(separator: ", ") + (serials.count > 5 ? ", …" : "")
                line(
                    "handed over before, and without \(files.joined(separator: ", ")) in \(folder): \(named) (\(serials.count)); nothing was made, "
                        + "since the station keeps no key that it handed over: `rework` has a device made anew, in the form that is asked for",
                    color: 33)
            }
        }
    }

    private func write(_ text: String) { writeToStandardError(text) }
}

extension DeviceResult {
    /// Whether nobody waits for the device any more.
    fileprivate var isLast: Bool {
        switch self {
        case .verified, .done, .decided: true
        case .delivered, .failed, .skipped: false
        }
    }
}
