import Authority
import Interference

extension Scenario {
    /// Takes a device from the factory to the beginning of the flow, and listens to what it and others are told, for
    /// interferences that replay it.
    func beginOverheard(_ part: P, foreign: Bench) throws -> SystemState<P> {
        let start = try overhear(.stale, on: bench) { try begin(part) }
        // The same kind of device, made with other randomness.
        var other = start
        other.boots += 100
        try overhear(.swapped, on: bench) { try run(other) }
        try overhear(.foreign, on: foreign) {
            let scenario = Scenario(bench: foreign)
            return try scenario.run(scenario.begin(part))
        }
        return start
    }

    @discardableResult
    private func overhear<Result>(
        _ replay: Interference.Replay, on bench: Bench, _ body: () throws -> Result
    ) rethrows -> Result {
        bench.watch = { operation, _, reply in self.bench.recordings[replay, operation] = reply }
        defer { bench.watch = nil }
        return try body()
    }
}
