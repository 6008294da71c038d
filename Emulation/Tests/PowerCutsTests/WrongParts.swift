import Agent
import Board
import SimulatedStorage

@testable import PowerCuts

private let geometry = StorageGeometry(pageSize: 256, sectorSize: 4096, sectorCount: 8, erasedValue: 0xFF)

/// A device that writes its only snapshot in place.
struct InPlacePart: FlashPart {
    var flash = SimulatedFlash(geometry)

    static func run(_ machine: Machine<Self>) throws(AgentError) {
        var store = IdentityStore(InPlaceSnapshots(storage: MachineFlash(machine: machine)))
        try machine.run(&store)
    }

    static func read(_ machine: Machine<Self>) throws(StorageError) -> Records {
        var store = IdentityStore(InPlaceSnapshots(storage: MachineFlash(machine: machine)))
        return try store.readAll()
    }
}

/// A size in two bytes, and the records behind it. What is there is read before it is erased.
private struct InPlaceSnapshots<S: Storage>: SnapshotStorage {
    var storage: S
    private var current: [UInt8] = []
    private var next: [UInt8] = []

    init(storage: S) {
        self.storage = storage
    }

    mutating func open() throws(StorageError) -> Int? {
        var bytes = [UInt8](repeating: 0, count: storage.geometry.size)
        var buffer = bytes.mutableSpan
        try storage.read(at: 0, into: &buffer)
        let size = Int(bytes[0]) << 8 | Int(bytes[1])
        guard size < 0xFFFF else { return nil }
        guard size <= bytes.count - 2 else { throw .corrupt }
        current = Array(bytes[2..<2 + size])
        return size
    }

    func read(at offset: Int, into buffer: inout MutableSpan<UInt8>) throws(StorageError) {
        guard offset + buffer.count <= current.count else { throw .outOfRange }
        for index in buffer.indices { buffer[index] = current[offset + index] }
    }

    mutating func begin(size: Int) throws(StorageError) {
        next = [UInt8(size >> 8), UInt8(size & 0xFF)]
    }

    mutating func append(_ bytes: Span<UInt8>) throws(StorageError) {
        for index in bytes.indices { next.append(bytes[index]) }
    }

    mutating func commit() throws(StorageError) {
        let geometry = storage.geometry
        for sector in 0..<geometry.sectorCount { try storage.erase(sector: sector) }
        current = Array(next.dropFirst(2))
        while next.count % geometry.pageSize != 0 { next.append(geometry.erasedValue) }
        for start in stride(from: 0, to: next.count, by: geometry.pageSize) {
            try storage.program(at: start, next[start..<start + geometry.pageSize].span)
        }
    }
}

/// A device that stores only identities, and no transaction that is under way.
struct ForgetfulPart: FlashPart {
    var flash = SimulatedFlash(geometry)

    static func run(_ machine: Machine<Self>) throws(AgentError) {
        var store = IdentityStore(ForgetfulSnapshots(whole: snapshots(machine)))
        try machine.run(&store)
    }

    static func read(_ machine: Machine<Self>) throws(StorageError) -> Records {
        var store = IdentityStore(snapshots(machine))
        return try store.readAll()
    }

    private static func snapshots(_ machine: Machine<Self>) -> NORSnapshots<MachineFlash<Self>, 256> {
        NORSnapshots(MachineFlash(machine: machine), capacity: Device.capacity)
    }
}

/// Writes every second snapshot, and has the others in memory.
private struct ForgetfulSnapshots<S: Storage>: SnapshotStorage, ~Copyable {
    var whole: NORSnapshots<S, 256>
    private var remembered: [UInt8]?
    private var next: [UInt8] = []

    init(whole: consuming NORSnapshots<S, 256>) {
        self.whole = whole
    }

    mutating func open() throws(StorageError) -> Int? { try whole.open() }

    mutating func read(at offset: Int, into buffer: inout MutableSpan<UInt8>) throws(StorageError) {
        guard let remembered else { return try whole.read(at: offset, into: &buffer) }
        for index in buffer.indices { buffer[index] = remembered[offset + index] }
    }

    mutating func begin(size: Int) throws(StorageError) { next = [] }

    mutating func append(_ bytes: Span<UInt8>) throws(StorageError) {
        for index in bytes.indices { next.append(bytes[index]) }
    }

    mutating func commit() throws(StorageError) {
        guard remembered != nil else {
            remembered = next
            return
        }
        remembered = nil
        let bytes = next
        try whole.begin(size: bytes.count)
        try whole.append(bytes.span)
        try whole.commit()
    }
}
