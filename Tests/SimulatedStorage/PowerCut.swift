import Board

/// How much of the operation at which power fails still happens.
public enum Tear: UInt8, CaseIterable, Sendable {
    case before, firstByte, half, allButOne, after

    /// How many of `count` bytes are written.
    func bytes(of count: Int) -> Int {
        switch self {
        case .before: 0
        case .firstByte: min(1, count)
        case .half: count / 2
        case .allButOne: max(0, count - 1)
        case .after: count
        }
    }
}

/// Counts a storage's operations and lets one of them go wrong. What lost its power stays dead until the next boot, so
/// that no code can carry on past the cut.
public struct Operations: Sendable {
    /// What is to go wrong with the operation of that number, of which the first is 1.
    private enum Fault {
        case none
        case powerCut(at: Int, Tear)
        /// The part reports an error, from that operation on for so many.
        case failure(Range<Int>, Tear, StorageError)
    }

    /// Operations since the last boot, or since a fault was set.
    public private(set) var count = 0
    public private(set) var isDead = false
    private var fault = Fault.none

    /// Power fails at the operation of this number, counted from now.
    public mutating func cutPower(at operation: Int, _ tear: Tear) {
        fault = .powerCut(at: operation, tear)
        count = 0
    }

    /// The part reports an error at the operation of this number, counted from now, of which so much happens, and at those
    /// after it until it did so `times` times.
    public mutating func fail(
        at operation: Int, _ tear: Tear = .half, times: Int = 1, with error: StorageError = .failed
    ) {
        fault = .failure(operation..<operation.advanced(by: times), tear, error)
        count = 0
    }

    /// Gives the power back, and the part its health.
    public mutating func boot() {
        self = Operations()
    }

    enum Outcome {
        case whole
        case failing(Tear, StorageError)
        case torn(Tear)
    }

    /// How the next operation goes.
    mutating func next() -> Outcome {
        count += 1
        switch fault {
        case .powerCut(at: count, let tear):
            isDead = true
            return .torn(tear)
        case .failure(let range, let tear, let error) where range.contains(count): return .failing(tear, error)
        default: return .whole
        }
    }
}
