import Foundation

/// Everything that an authority knew at one moment: keys and certificates, transactions, passwords, ledger, faults and
/// time. Taking one, and going back to it, costs next to nothing.
public struct Snapshot: Sendable {
    let state: Authority.State
    let offset: TimeInterval

    /// The same keys and certificates, in service as at first, with nothing asked for and nothing issued.
    public var withoutHistory: Snapshot {
        Snapshot(state: Authority.State(generations: state.generations), offset: offset)
    }
}

extension Authority {
    public func snapshot() -> Snapshot {
        state.withLock { state in Snapshot(state: state, offset: offset.withLock { $0 }) }
    }

    /// Makes everything as it was: what came since is forgotten. An authority with a folder cannot do that.
    public func restore(_ snapshot: Snapshot) throws {
        guard folder == nil else { throw CAConfigurationError.cannotGoBack }
        state.withLock { state in
            state = snapshot.state
            offset.withLock { $0 = snapshot.offset }
        }
    }

    /// Another authority that is in the same state, with the same keys, and goes its own way from here. It keeps
    /// nothing in a folder.
    public func fork(log: @escaping @Sendable (LogEvent) -> Void = { _ in }) throws -> Authority {
        var configuration = configuration
        configuration.directory = nil
        let snapshot = snapshot()
        let fork = try Authority(configuration, from: snapshot, memory: memory, log: log)
        try fork.restore(snapshot)
        return fork
    }
}
