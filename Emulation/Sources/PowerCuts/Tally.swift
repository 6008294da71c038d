/// What was tried.
public struct Tally: Sendable {
    /// Places in an uncut run where power can fail.
    public internal(set) var cutPoints = 0
    /// Cuts that were tried, those of a recovery included.
    public internal(set) var cuts = 0
    /// Of these, the ones that leave the device and the CA as no cut before did: from there it was run on.
    public internal(set) var distinct = 0
    /// Messages that got lost with the power on.
    public internal(set) var losses = 0
    public internal(set) var failures: [Failure] = []

    static func += (left: inout Tally, right: Tally) {
        left.cutPoints = max(left.cutPoints, right.cutPoints)
        left.cuts += right.cuts
        left.distinct += right.distinct
        left.losses += right.losses
        left.failures += right.failures
    }
}

/// A trial that went wrong.
public struct Failure: Sendable {
    /// Replays it.
    public let id: String
    public let reason: String
}
