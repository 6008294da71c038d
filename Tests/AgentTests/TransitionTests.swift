import Foundation
import Testing

@testable import Agent

/// The table of Docs/Lifecycle.md and ``State/next(after:)``: each state, with everything that can come.
@Suite struct TransitionTests {
    /// What the document calls what can be due; the two that it says otherwise are not among them.
    private static let goals: [(goal: Goal, name: String)] = [
        (.enrol, "enrol"), (.renew, "renew"), (.resume, "resume"), (.rollOver, "rollover"), (.nextCA, "next CA"),
        (.askTime, "the time"), (.certificate, "a look-up"), (.revocationList, "a look-up"),
    ]

    private static func named(_ start: String, _ goals: [Goal], _ state: (Goal) -> State) -> [(String, State)] {
        Self.goals.filter { goals.contains($0.goal) }.map { ("\(start)\($0.name)", state($0.goal)) }
    }

    private static let fixed: [(String, State)] = [
        ("planning", .planning), ("look up", .lookUp(.certificate)), ("look up", .lookUp(.revocationList)),
        ("next CA certificates", .nextCACertificates),
        ("poll", .poll),
        ("storing: pending", .storing(.pending)),
        ("storing: identity", .storing(.identity)),
        ("storing: next identity", .storing(.nextIdentity)),
        ("storing: take over", .storing(.takeOver(keepsFormer: true))),
        ("storing: next CA", .storing(.nextCA)),
        ("storing: retry", .storing(.failure(retry: 7, givesUp: false))),
        ("storing: failure", .storing(.failure(retry: nil, givesUp: false))),
        ("storing: end before a retry", .storing(.end(retry: 7))),
        ("storing: end", .storing(.end(retry: nil))),
        ("storing: give up", .storing(.giveUp)),
        ("waiting for poll", .waiting(.poll, seconds: 7)),
        ("waiting for retry", .waiting(.retry, seconds: 7)),
        ("waiting for the next action", .waiting(.nextAction, seconds: 7)),
        ("sleeping for poll", .sleeping(.poll, until: 9)),
        ("sleeping for retry", .sleeping(.retry, until: 9)),
        ("sleeping until the next action", .sleeping(.nextAction, until: 9)),
        ("ended", .ended),
    ]

    /// What the document calls the states, each by examples.
    private static let states: [(name: String, state: State)] = {
        let begun: [Goal] = [.enrol, .renew, .resume]
        var states = fixed
        states += named("capabilities for ", goals.map(\.goal)) { .capabilities($0) }
        states += named("CA certificates for ", begun) { .caCertificates($0, Chain(), isAfterFailure: false) }
        states += named("storing: CA certificates for ", begun) { .storing(.caCertificates($0)) }
        states += named("key for ", [.enrol, .renew, .rollOver]) { .key($0) }
        for goal in begun + [.rollOver] {
            states.append(("request", .request(goal)))
            states.append(("storing: begin", .storing(.begin(goal))))
        }
        return states.map { (name: $0.0, state: $0.1) }
    }()

    private static let occurrences = goals.map { (name: "due: \($0.name)", came: Occurrence.due($0.goal)) } + others

    private static let others: [(name: String, came: Occurrence)] = [
        ("nothing due", .nothingDue),
        ("nothing due while staying on", .idle(seconds: 7)),
        ("failed before and too early", .tooEarly(seconds: 7)),
        ("pending and too early", .undecided(seconds: 7)),
        ("due: give up", .due(.giveUp)),
        ("time of the next identity", .takeOver(keepsFormer: true)),
        ("capabilities", .capabilities(isPending: false, wantsCACertificates: false)),
        ("capabilities after a useless answer", .capabilities(isPending: false, wantsCACertificates: true)),
        ("one certificate of a chain", .certificate(Chain())),
        ("the same CA certificates", .caCertificates(.same, isPending: false)),
        ("other CA certificates", .caCertificates(.changed, isPending: false)),
        ("the successor's CA certificates", .caCertificates(.successor, isPending: false)),
        ("next CA certificates", .nextCACertificates),
        ("key made", .keyMade),
        ("SUCCESS", .issued(isEarly: false)),
        ("SUCCESS for later", .issued(isEarly: true)),
        ("PENDING", .pending),
        ("FAILURE", .refused(retry: nil)),
        ("FAILURE before a retry", .refused(retry: 7)),
        ("refused for its type", .otherRenewalType),
        ("failure that other CA certificates may explain", .unexplained),
        ("look-up answered", .lookedUp),
        ("stored", .stored(isPending: false)),
        ("time came", .timeCame(hasCapabilities: true)),
        ("time came without capabilities", .timeCame(hasCapabilities: false)),
        ("failure to be tried again", .failed(retry: 7, givesUp: false)),
        ("failure that is stored and ends the run", .failed(retry: nil, givesUp: false)),
        ("failure of storage", .storageFailed(retry: 7)),
        ("not needed", .notOffered),
        ("failure that ends the run", .failedForGood),
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
            let all = Set(states.map(\.name))
            let names = cells[0] == "any" ? Array(all) : cells[0].components(separatedBy: ", ")
            for name in names {
                for occurrence in cells[1].components(separatedBy: ", ") {
                    #expect(all.contains(name) && occurrences.contains { $0.name == occurrence }, "\(line)")
                    let goal = goal(of: occurrence.hasPrefix("due: ") ? occurrence : name)
                    var next = cells[2].replacing("the same", with: goal)
                    if next.isEmpty || cells[2] == "the same" { next = name }
                    #expect(rows.updateValue(next, forKey: Pair(state: name, occurrence: occurrence)) == nil, "\(line)")
                }
            }
        }
        return rows
    }

    /// `enrol` of `capabilities for enrol` and `due: enrol`.
    private static func goal(of name: String) -> String {
        name.components(separatedBy: name.hasPrefix("due: ") ? ": " : " for ").last ?? ""
    }

    @Test func documentAndCodeHaveTheSameTable() throws {
        let rows = try Self.rows()
        #expect(rows.count > 100)
        let goals = Set(Self.goals.map(\.goal))
        #expect((0...UInt8.max).compactMap(Goal.init).filter { !goals.contains($0) } == [.takeOver, .giveUp])
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
        if case .caCertificates(let goal, _, _) = state, let known = goals.first(where: { $0.goal == goal }) {
            return "CA certificates for \(known.name)"
        }
        return states.first { $0.state == state }?.name ?? "\(state)"
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
