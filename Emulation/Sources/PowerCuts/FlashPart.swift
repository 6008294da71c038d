import Agent
import Board
import SimulatedStorage

/// What changes a flash.
enum FlashOperation: Sendable {
    case program(offset: Int, [UInt8])
    case erase(sector: Int)
}

/// A part that is a flash.
protocol FlashPart: Part where Operation == FlashOperation, Cut == Tear {
    var flash: SimulatedFlash { get set }
}

extension FlashPart {
    static var cuts: [(name: String, cut: Tear)] {
        [
            ("before", .before), ("first-byte", .firstByte), ("half", .half), ("all-but-one", .allButOne),
            ("after", .after),
        ]
    }

    mutating func perform(_ operation: FlashOperation) throws(StorageError) {
        switch operation {
        case .program(let offset, let bytes): try flash.program(at: offset, bytes.span)
        case .erase(let sector): try flash.erase(sector: sector)
        }
    }

    mutating func perform(_ operation: FlashOperation, cut: Tear) {
        flash.operations.cutPower(at: 1, cut)
        try? perform(operation)
        flash.operations.boot()
    }

    var content: [UInt8] { flash.bytes }
}

/// The flash of a machine, as its store sees it.
struct MachineFlash<P: FlashPart>: Storage {
    let machine: Machine<P>

    var geometry: StorageGeometry { machine.part.flash.geometry }

    func read(at offset: Int, into buffer: inout MutableSpan<UInt8>) throws(StorageError) {
        try machine.part.flash.read(at: offset, into: &buffer)
    }

    func program(at offset: Int, _ bytes: Span<UInt8>) throws(StorageError) {
        var copy: [UInt8] = []
        copy.reserveCapacity(bytes.count)
        for index in bytes.indices { copy.append(bytes[index]) }
        try machine.perform(.program(offset: offset, copy))
    }

    func erase(sector: Int) throws(StorageError) {
        try machine.perform(.erase(sector: sector))
    }
}

/// Snapshots in a flash of any geometry.
struct NORPart: FlashPart {
    var flash: SimulatedFlash
    /// Bytes that are programmed at once.
    private let programSize: Int

    init(_ geometry: StorageGeometry) {
        flash = SimulatedFlash(geometry)
        programSize = [64, 512, 2048].first { $0 >= geometry.pageSize } ?? 2048
    }

    static func run(_ machine: Machine<Self>) throws(AgentError) {
        switch machine.part.programSize {
        case 64:
            var store = IdentityStore(NORSnapshots<_, 64>(MachineFlash(machine: machine), capacity: Device.capacity))
            try machine.run(&store)
        case 512:
            var store = IdentityStore(NORSnapshots<_, 512>(MachineFlash(machine: machine), capacity: Device.capacity))
            try machine.run(&store)
        default:
            var store = IdentityStore(NORSnapshots<_, 2048>(MachineFlash(machine: machine), capacity: Device.capacity))
            try machine.run(&store)
        }
    }

    static func read(_ machine: Machine<Self>) throws(StorageError) -> Records {
        var store = IdentityStore(NORSnapshots<_, 2048>(MachineFlash(machine: machine), capacity: Device.capacity))
        return try store.readAll()
    }
}
