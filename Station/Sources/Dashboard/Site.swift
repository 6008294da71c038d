import Foundation
import Ledger
import Reports

/// Which page is at which path. Asked by one thread at a time.
final class Site: @unchecked Sendable {
    let ledger: Ledger
    let station: String
    let clock: Clock
    /// What a run in this process is at; nil where the ledger tells.
    let places: (@Sendable () -> [Place])?
    let notes: @Sendable () -> [Note]
    private var known: (snapshot: Result<Snapshot, any Error>, until: TimeInterval)?

    /// Bytes of what is searched for at most: more than a serial has.
    static let longestSearch = 200
    /// Devices that a search shows at most.
    static let mostFound = 100

    init(
        _ ledger: Ledger, station: String, timeZone: TimeZone, places: (@Sendable () -> [Place])? = nil,
        notes: @escaping @Sendable () -> [Note] = { [] }
    ) {
        self.ledger = ledger
        self.station = station
        clock = Clock(timeZone: timeZone)
        self.places = places
        self.notes = notes
    }

    func answer(_ head: RequestHead) -> Answer {
        do {
            switch head.path {
            case "/": return try Answer(page: line())
            case "/devices": return try devices(head.query["q"] ?? "")
            case "/device": return try device(head.query["serial"] ?? "")
            case "/style.css": return Answer(type: "text/css; charset=utf-8", commonStyle + pageStyle)
            case "/script.js": return Answer(type: "text/javascript; charset=utf-8", pageScript)
            default: return Answer(.notFound, page: message("Not found", "There is no such page."))
            }
        } catch {
            return Answer(.unavailable, page: message("The ledger cannot be read", "\(error)"))
        }
    }

    private func line() throws -> Markup {
        let snapshot = snapshot()
        // What a run in this process is at is known all the same.
        guard let places else { return Page.line(self, places: try snapshot.get().places, notes: [], snapshot) }
        return Page.line(self, places: places(), notes: notes(), snapshot)
    }

    /// However many look, the ledger is asked every two seconds at most, and for a twentieth of the time.
    private func snapshot() -> Result<Snapshot, any Error> {
        let start = ProcessInfo.processInfo.systemUptime
        if let known, start < known.until { return known.snapshot }
        let snapshot = Result { try Snapshot(ledger, hasBoard: places != nil) }
        let end = ProcessInfo.processInfo.systemUptime
        known = (snapshot, end + max(2, 20 * (end - start)))
        return snapshot
    }

    private func devices(_ text: String) throws -> Answer {
        guard !text.isEmpty else { return Answer(page: Page.devices(self, text, nil)) }
        guard text.utf8.count <= Self.longestSearch else {
            return Answer(
                .badRequest, page: message("Too long", "A serial or a label has \(Self.longestSearch) bytes at most."))
        }
        let found = try ledger.devices(matching: text, limit: Self.mostFound)
        let same = found.filter { $0.serial == text || $0.label == text }
        // What a scanner read names one device.
        if same.count == 1 { return Answer(redirectTo: "/device?serial=" + percentEncoded(same[0].serial)) }
        return Answer(page: Page.devices(self, text, found))
    }

    private func device(_ serial: String) throws -> Answer {
        guard serial.utf8.count <= Self.longestSearch, let device = try ledger.device(serial) else {
            return Answer(.notFound, page: message("Not planned", "No manifest of this ledger has that serial."))
        }
        return Answer(
            page: Page.device(
                self, device, attempts: try ledger.attempts(of: serial),
                certificates: try ledger.certificates(of: serial),
                trail: try ledger.auditEntries(of: serial)))
    }

    private func message(_ title: String, _ text: String) -> Markup {
        Page.whole(self, title: title, reloads: false, live: "<h1>\(title)</h1>\n<p>\(text)</p>\n")
    }
}

/// What the ledger says of the line at one moment.
struct Snapshot {
    let places: [Place]
    let batches: [BatchSummary]
    let rates: [Ledger.Rate]
    let causes: [NamedCount]
    let entries: [AuditEntry]

    /// A shift.
    static let hours = 8
    /// Of the rate, in seconds.
    static let interval = 600

    init(_ ledger: Ledger, hasBoard: Bool) throws {
        let start = Timestamp.now.adding(seconds: -3600 * Self.hours)
        places = hasBoard ? [] : try ledger.board(limit: 12)
        batches = try ledger.batches()
        rates = try ledger.rate(since: start, interval: Self.interval)
        causes = try ledger.causes(since: start)
        entries = try ledger.lastAuditEntries(limit: 20)
    }
}

/// Times as those in the hall read them.
struct Clock: Sendable {
    let timeZone: TimeZone

    /// `18:16:19`.
    func time(_ moment: Timestamp) -> String { formatted(moment, Date.VerbatimFormatStyle.time(timeZone)) }

    /// `2026-11-30 18:16:19`.
    func day(_ moment: Timestamp) -> String { formatted(moment, Date.VerbatimFormatStyle.day(timeZone)) }

    /// - Parameter text: as the audit trail has it, RFC 3339; anything else stays as it is.
    func time(_ text: String) -> String { moment(text).map { time($0) } ?? text }

    func day(_ text: String) -> String { moment(text).map { day($0) } ?? text }

    private func moment(_ text: String) -> Timestamp? {
        let style = Date.ISO8601FormatStyle(includingFractionalSeconds: true)
        return (try? style.parse(text)).map { Timestamp(milliseconds: Int($0.timeIntervalSince1970 * 1000)) }
    }

    private func formatted(_ moment: Timestamp, _ style: Date.VerbatimFormatStyle) -> String {
        style.format(Date(timeIntervalSince1970: Double(moment.milliseconds) / 1000))
    }
}

extension Date.VerbatimFormatStyle {
    fileprivate static func time(_ zone: TimeZone) -> Self {
        Self(
            format:
                "\(hour: .twoDigits(clock: .twentyFourHour, hourCycle: .zeroBased)):\(minute: .twoDigits):\(second: .twoDigits)",
            timeZone: zone, calendar: Calendar(identifier: .gregorian))
    }

    fileprivate static func day(_ zone: TimeZone) -> Self {
        Self(
            format:
                "\(year: .padded(4))-\(month: .twoDigits)-\(day: .twoDigits) \(hour: .twoDigits(clock: .twentyFourHour, hourCycle: .zeroBased)):\(minute: .twoDigits):\(second: .twoDigits)",
            timeZone: zone, calendar: Calendar(identifier: .gregorian))
    }
}
