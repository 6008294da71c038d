import Foundation
import Ledger
import Line

/// What the jobs of a run are at, from what the station reports.
public final class LiveBoard: @unchecked Sendable {
    private let lock = NSLock()
    private let now: @Sendable () -> Timestamp
    /// The ports, and behind them the jobs.
    private var places: [Place]
    private let ports: Int
    private var lastNotes: [Note] = []

    /// - Parameters:
    ///   - ports: where devices are plugged in, by name.
    ///   - jobs: how many devices are worked on at a time that come to no port.
    public init(ports: [String] = [], jobs: Int, now: @escaping @Sendable () -> Timestamp = { .now }) {
        self.ports = ports.count
        places = ports.map { Place(name: $0) } + (0..<jobs).map { Place(name: "job \($0 + 1)") }
        self.now = now
    }

    public func note(_ event: StationEvent) {
        lock.withLock {
            switch event {
            case .began(let serial, let port): show(serial, at: port, .working(.claimed))
            case .step(let serial, let state):
                let port = places[..<ports].first { $0.serial == serial }?.name
                if state != .verified, state != .failed { show(serial, at: port, .working(state)) }
            case .ended(let serial, let port, let result): end(serial, at: port, result)
            case .console, .missing: break
            case .note(let text):
                // Each job that finds the CA away says so.
                lastNotes.removeAll { $0.text == text }
                lastNotes.insert(Note(at: now(), text: text), at: 0)
                if lastNotes.count > 8 { lastNotes.removeLast() }
            }
        }
    }

    /// As they are now.
    public var all: [Place] { lock.withLock { places } }
    /// The last first.
    public var notes: [Note] { lock.withLock { lastNotes } }

    private func end(_ serial: String, at port: String?, _ result: DeviceResult) {
        switch result {
        case .verified: show(serial, at: port, .pass)
        case .delivered: show(serial, at: port, .made)
        case .failed(let cause): show(serial, at: port, .fail(cause: cause.kind, sentence: cause.sentence))
        case .skipped(let reason): show(serial, at: port, .left(reason))
        case .decided(let state): if port != nil { show(serial, at: port, .left("it is \(state.rawValue)")) }
        // Somebody has plugged it in; of a manifest's it is passed over, since whoever looks wants to see what is worked on.
        case .done: if port != nil { show(serial, at: port, .pass) }
        }
    }

    /// At its port, or the device's place; a device that has none gets one that is idle, or else the one whose device ended first, or else the one
    /// that nothing was heard of for longest: its device waits for the CA.
    private func show(_ serial: String, at port: String?, _ outcome: Place.Outcome) {
        let jobs = places.indices[ports...]
        let index =
            port.flatMap { name in places[..<ports].firstIndex { $0.name == name } }
            ?? jobs.first { places[$0].serial == serial }
            ?? jobs.min {
                (Self.order(places[$0]), places[$0].since ?? Timestamp(milliseconds: 0))
                    < (Self.order(places[$1]), places[$1].since ?? Timestamp(milliseconds: 0))
            }
        guard let index else { return }
        if let last = places[index].serial, last != serial, Self.order(places[index]) == 1 {
            places[index].before = Place.Before(serial: last, outcome: places[index].outcome)
        }
        places[index].serial = serial
        places[index].outcome = outcome
        places[index].since = now()
    }

    private static func order(_ place: Place) -> Int {
        switch place.outcome {
        case .idle: 0
        case .pass, .made, .fail, .left: 1
        case .working: 2
        }
    }
}

extension Ledger {
    /// What the ports of all stations show, where no run tells: of each port its last attempt; where attempts have no port, those
    /// that are under way and those that ended last.
    func board(limit: Int) throws -> [Place] {
        let (underWay, ended) = try latestAttempts(limit: limit)
        var seen: Set<String> = []
        var places: [Place] = []
        for attempt in underWay + ended {
            let name = attempt.port.map { "\(attempt.station) · \($0)" } ?? attempt.station
            guard seen.insert(attempt.port == nil ? "\(name)\u{0}\(attempt.serial)" : name).inserted else { continue }
            places.append(Place(name: name, attempt))
        }
        // A port stays where it is, whatever happens elsewhere.
        let ports = places.prefix(limit)
        return seen.contains(where: { !$0.contains("\u{0}") }) ? ports.sorted { $0.name < $1.name } : Array(ports)
    }
}
