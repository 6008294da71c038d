import Board
import SimulatedStorage

@testable import Agent

/// An identity store in simulated flash.
typealias FlashStore = IdentityStore<NORSnapshots<SimulatedFlash, 2048>>

extension IdentityStore where S == NORSnapshots<SimulatedFlash, 2048> {
    init(_ flash: SimulatedFlash, capacity: Int) {
        self.init(NORSnapshots(flash, capacity: capacity))
    }

    /// The flash as it stands: a copy.
    var flash: SimulatedFlash {
        get { storage.storage }
        set { storage.storage = newValue }
    }
}

/// Writes what the store holds anew.
func write<S: SnapshotStorage & ~Copyable>(
    _ records: [(StoredRecord, [UInt8])], to store: inout IdentityStore<S>
) throws(StorageError) {
    try store.begin(bodySize: records.reduce(0) { $0 + IdentityStore<S>.recordSize($1.1.count) })
    for (record, value) in records { try store.append(record, value.span) }
    try store.commit()
}

/// A record's value.
func value<S: SnapshotStorage & ~Copyable>(
    _ record: StoredRecord, of store: inout IdentityStore<S>
) throws(StorageError) -> [UInt8]? {
    var buffer = [UInt8](repeating: 0, count: 65_535)
    var span = buffer.mutableSpan
    guard let size = try store.read(record, into: &span) else { return nil }
    return Array(buffer[..<size])
}
