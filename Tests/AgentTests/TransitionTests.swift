import Foundation
import Testing

@testable import Agent

/// The table of Docs/Lifecycle.md and ``State/next(after:)``: each state, with everything that can come.
@Suite struct TransitionTests {
    /// What the document calls the states, each by an example.
    private static let states: [String: State] = [
        "planning": .planning,
        "capabilities for enrol": .capabilities(.enrol),
        "capabilities for renew": .capabilities(.renew),
        "capabilities for resume": .capabilities(.resume),
        "capabilities for rollover": .capabilities(.rollOver),
        "capabilities for next CA": .capabilities(.nextCA),
        "capabilities for the time": .capabilities(.askTime),
        "capabilities for a look-up": .capabilities(.certificate),
        "CA certificates for enrol": .caCertificates(.enrol, Chain(), isAfterFailure: false),
        "CA certificates for resume": .caCertificates(.resume, Chain(), isAfterFailure: false),
        "next CA certificates": .nextCACertificates,
        "key for enrol": .key(.enrol),
        "key for rollover": .key(.rollOver),
        "request": .request(.enrol),
        "poll": .poll,
        "look up": .lookUp(.certificate),
        "storing: begin": .storing(.begin(.enrol)),
        "storing: pending": .storing(.pending),
        "storing: CA certificates for enrol": .storing(.caCertificates(.enrol)),
        "storing: CA certificates for resume": .storing(.caCertificates(.resume)),
        "storing: identity": .storing(.identity),
        "storing: next identity": .storing(.nextIdentity),
        "storing: take over": .storing(.takeOver(keepsFormer: true)),
        "storing: next CA": .storing(.nextCA),
        "storing: retry": .storing(.failure(retry: 7, givesUp: false)),
        "storing: failure": .storing(.failure(retry: nil, givesUp: false)),
        "storing: end before a retry": .storing(.end(retry: 7)),
        "storing: end": .storing(.end(retry: nil)),
        "storing: give up": .storing(.giveUp),
        "waiting for poll": .waiting(.poll, seconds: 7),
        "waiting for retry": .waiting(.retry, seconds: 7),
        "waiting for the next action": .waiting(.nextAction, seconds: 7),
        "sleeping for poll": .sleeping(.poll, until: 9),
        "sleeping for retry": .sleeping(.retry, until: 9),
        "sleeping until the next action": .sleeping(.nextAction, until: 9),
        "ended": .ended,
    ]

    private static let occurrences: [String: Occurrence] = [
        "nothing due": .nothingDue,
        "nothing due while staying on": .idle(seconds: 7),
        "failed before and too early": .tooEarly(seconds: 7),
        "pending and too early": .undecided(seconds: 7),
        "due: enrol": .due(.enrol),
        "due: give up": .due(.giveUp),
        "time of the next identity": .takeOver(keepsFormer: true),
        "capabilities": .capabilities(isPending: false, wantsCACertificates: false),
        "capabilities after a useless answer": .capabilities(isPending: false, wantsCACertificates: true),
        "one certificate of a chain": .certificate(Chain()),
        "the same CA certificates": .caCertificates(.same, isPending: false),
        "other CA certificates": .caCertificates(.changed, isPending: false),
        "the successor's CA certificates": .caCertificates(.successor, isPending: false),
        "next CA certificates": .nextCACertificates,
        "key made": .keyMade,
        "SUCCESS": .issued(isEarly: false),
        "SUCCESS for later": .issued(isEarly: true),
        "PENDING": .pending,
        "FAILURE": .refused(retry: nil),
        "FAILURE before a retry": .refused(retry: 7),
        "refused for its type": .otherRenewalType,
        "failure that other CA certificates may explain": .unexplained,
        "look-up answered": .lookedUp,
        "stored": .stored(isPending: false),
        "time came": .timeCame(hasCapabilities: true),
        "time came without capabilities": .timeCame(hasCapabilities: false),
        "failure to be tried again": .failed(retry: 7, givesUp: false),
        "failure that is stored and ends the run": .failed(retry: nil, givesUp: false),
        "failure of storage": .storageFailed(retry: 7),
        "not needed": .notOffered,
        "failure that ends the run": .failedForGood,
    ]

    private struct Pair: Hashable {
        let state: String
        let occurrence: String
    }

    /// The rows of the document, one for each state and occurrence.
    private static func rows() throws -> [Pair: String] {
        let file = URL(filePath: #filePath).appending(path: "../../../Docs/Lifecycle.md").standardized
        let lines = try String(contentsOf: file, encoding: .utf8).components(separatedBy: "\n")
        let head = try #require(lines.firstIndex(of: "| state | what came | next state |"))
        var rows: [Pair: String] = [:]
        for line in lines[(head + 2)...].prefix(while: { $0.hasPrefix("|") }) {
            let cells = line.split(separator: "|").map { $0.trimmingCharacters(in: .whitespaces) }
            #expect(cells.count == 3, "\(line)")
            let names = cells[0] == "any" ? Array(states.keys) : cells[0].components(separatedBy: ", ")
            for name in names {
                for occurrence in cells[1].components(separatedBy: ", ") {
                    #expect(states[name] != nil && occurrences[occurrence] != nil, "\(line)")
                    var next = cells[2].replacing("the same", with: goal(of: name))
                    if next.isEmpty || cells[2] == "the same" { next = name }
                    #expect(rows.updateValue(next, forKey: Pair(state: name, occurrence: occurrence)) == nil, "\(line)")
                }
            }
        }
        return rows
    }

    /// `enrol` of `capabilities for enrol`.
    private static func goal(of state: String) -> String {
        state.components(separatedBy: " for ").last ?? ""
    }

    @Test func documentAndCodeHaveTheSameTable() throws {
        let rows = try Self.rows()
        #expect(rows.count > 100)
        for (name, state) in Self.states {
            for (occurrence, came) in Self.occurrences {
                let next = state.next(after: came)
                let expected = rows[Pair(state: name, occurrence: occurrence)] ?? name
                let found = Self.name(of: next)
                #expect(found == expected, "\(name), \(occurrence)")
            }
        }
    }

    /// What the document calls a state, whatever it carries.
    private static func name(of state: State) -> String {
        switch state {
        case .capabilities(.renew): "capabilities for renew"
        case .caCertificates(.resume, _, _): "CA certificates for resume"
        case .caCertificates(.renew, _, _): "CA certificates for renew"
        case .request: "request"
        case .storing(.begin): "storing: begin"
        default: states.first { $0.value == state }?.key ?? "\(state)"
        }
    }

    /// A pending transaction polls where another one sends its request.
    @Test func pendingTransactionsPoll() {
        let resuming = State.caCertificates(.resume, Chain(), isAfterFailure: false)
        #expect(
            State.capabilities(.resume).next(after: .capabilities(isPending: true, wantsCACertificates: false)) == .poll
        )
        #expect(resuming.next(after: .caCertificates(.same, isPending: true)) == .poll)
        #expect(State.storing(.caCertificates(.resume)).next(after: .stored(isPending: true)) == .poll)
    }
}
