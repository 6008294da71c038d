import Interference

/// Cuts the power of one device in one flow, everywhere.
struct PowerCutSweep<P: Part> {
    private let scenario: Scenario<P>
    private let part: P
    /// Flow and part, as identifiers of trials begin.
    private let name: String
    private var tally = Tally()

    init(_ bench: Bench, part: P, partName: String) {
        scenario = Scenario(bench: bench)
        self.part = part
        name = "\(bench.flow.name)/\(partName)"
    }

    /// - Parameters:
    ///   - depth: 1: one cut, 2: the recovery is cut as well, and so on.
    ///   - share: which cut points of the uncut run; others try the rest.
    mutating func run(depth: Int, share: Share) -> Tally {
        do {
            let start = try scenario.begin(part)
            let uncut = try scenario.run(start, records: true)
            try scenario.check(uncut.state, from: start)
            tally.cutPoints = uncut.cutPoints.count
            try cut(uncut, from: start, path: [], depth: depth, share: share)
            for exchange in 1...max(uncut.exchanges, 1) where share.has(exchange) {
                for interference in [Interference.requestLost, .broken(0)] { lose(exchange, interference, from: start) }
            }
        } catch {
            fail([], error)
        }
        return tally
    }

    private mutating func cut(
        _ outcome: Scenario<P>.Outcome, from start: SystemState<P>, path: [String], depth: Int, share: Share
    ) throws {
        var seen: Set<Int> = []
        for (index, cutPoint) in outcome.cutPoints.enumerated() {
            guard share.has(index) else { continue }
            for (name, state) in cutPoint.cuts(at: index) {
                tally.cuts += 1
                guard seen.insert(state.stateHash).inserted else { continue }
                tally.distinct += 1
                goOn(from: state, start, path: path + ["\(index + 1).\(name)"], depth: depth - 1)
            }
        }
    }

    private mutating func goOn(from state: SystemState<P>, _ start: SystemState<P>, path: [String], depth: Int) {
        do {
            var state = state
            try scenario.look(&state)
            let outcome = try scenario.run(state, records: depth > 0)
            try scenario.check(outcome.state, from: start)
            if depth > 0 { try cut(outcome, from: start, path: path, depth: depth, share: Share()) }
        } catch {
            fail(path, error)
        }
    }

    private mutating func lose(_ exchange: Int, _ interference: Interference, from start: SystemState<P>) {
        tally.losses += 1
        do {
            let incident = Incident(exchange: exchange, interference: interference)
            let outcome = try scenario.run(start, incident: incident)
            try scenario.check(outcome.state, from: start)
        } catch {
            fail(["\(exchange).\(interference)"], error)
        }
    }

    private mutating func fail(_ path: [String], _ error: any Error) {
        tally.failures.append(Failure(id: "\(name)/\(path.joined(separator: "+"))", reason: "\(error)"))
    }

    /// Runs one trial.
    ///
    /// - Parameters:
    ///   - path: as in the trial's identifier; empty: nothing goes wrong.
    ///   - foreign: another CA, of whose replies some may be replayed.
    func replay(_ path: [String], foreign: Bench? = nil) throws {
        let start = try foreign.map { try scenario.beginOverheard(part, foreign: $0) } ?? scenario.begin(part)
        var from = start
        for step in path {
            let words = step.split(separator: ".", maxSplits: 1).map(String.init)
            guard words.count == 2, let number = Int(words[0]) else { throw Violation("\(step) is no cut") }
            if let interference = Interference(words[1]) {
                scenario.bench.log?("exchange \(number) is interfered with: \(interference)")
                let incident = Incident(exchange: number, interference: interference)
                try scenario.check(scenario.run(from, incident: incident).state, from: start)
                return
            }
            let outcome = try scenario.run(from, records: true)
            guard outcome.cutPoints.indices.contains(number - 1),
                let state = outcome.cutPoints[number - 1].cuts(at: number - 1).first(where: { $0.name == words[1] })
            else { throw Violation("\(step): there are \(outcome.cutPoints.count) places for a cut") }
            scenario.bench.log?("the power fails: \(step)")
            from = state.state
            try scenario.look(&from)
        }
        try scenario.check(scenario.run(from).state, from: start)
    }
}

extension CutPoint {
    /// Every way in which power can fail here, the cut point of that index, with what it leaves.
    fileprivate func cuts(at index: Int) -> [(name: String, state: SystemState<P>)] {
        var left = state
        // Power is back after some seconds, now and then after a day.
        left.now += index % 8 == 7 ? 86_400_000 : 5000
        switch event {
        case .reply: return [("reply", left)]
        case .operation(let operation):
            return P.cuts.map { name, cut in
                var torn = left
                torn.part.perform(operation, cut: cut)
                return (name, torn)
            }
        }
    }
}

extension SystemState {
    /// States of one run that are the same have the same hash.
    fileprivate var stateHash: Int {
        var hasher = Hasher()
        hasher.combine(part.stateHash)
        hasher.combine(now)
        hasher.combine(slotsTaken)
        hasher.combine(exchanges)
        hasher.combine(stepsDone)
        return hasher.finalize()
    }
}
