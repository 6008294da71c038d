import Agent
import Board

/// What keeps a device's snapshots, in memory, with operations that can be cut in the middle.
protocol Part: Sendable {
    /// What changes something, whole or in part.
    associatedtype Operation: Sendable
    /// How power can fail at an operation.
    associatedtype Cut: Sendable

    /// Every way in which power can fail at an operation, with its name.
    static var cuts: [(name: String, cut: Cut)] { get }

    mutating func perform(_ operation: Operation) throws(StorageError)
    /// Power fails at this operation, and comes back.
    mutating func perform(_ operation: Operation, cut: Cut)

    /// All that a device can find there: equal values behave alike.
    var content: [UInt8] { get }

    /// Runs the device until nothing is due or something is in the way.
    static func run(_ machine: Machine<Self>) throws(AgentError)
    /// Opens the store as a device does, and reads all of its records.
    static func read(_ machine: Machine<Self>) throws(StorageError) -> Records
}

extension Part {
    /// The same for the same content.
    var stateHash: Int {
        var hasher = Hasher()
        content.withUnsafeBytes { hasher.combine(bytes: $0) }
        return hasher.finalize()
    }
}

/// The identity store's records by their number.
typealias Records = [UInt8: [UInt8]]

extension IdentityStore where S: ~Copyable {
    /// All records.
    mutating func readAll() throws(StorageError) -> Records {
        try open()
        var records: Records = [:]
        for number in UInt8(1)... {
            guard let record = StoredRecord(rawValue: number) else { break }
            var bytes = [UInt8](repeating: 0, count: size(of: record) ?? 0)
            var buffer = bytes.mutableSpan
            if try read(record, into: &buffer) != nil { records[number] = bytes }
        }
        return records
    }
}
