import Agent
import Board
import SimulatedStorage

/// What changes a folder.
enum DirectoryOperation: Sendable {
    case create, sync, rename, syncNames
    case write([UInt8])
}

/// Snapshots in files of a folder.
struct DirectoryPart: Part {
    struct Cut: Sendable {
        let tear: Tear
        let names: SimulatedDirectory.Names
    }

    private(set) var directory = SimulatedDirectory()

    static var cuts: [(name: String, cut: Cut)] {
        NORPart.cuts.flatMap { name, tear in
            [
                ("\(name)-kept", Cut(tear: tear, names: .kept)),
                ("\(name)-undone", Cut(tear: tear, names: .undone)),
            ]
        }
    }

    mutating func perform(_ operation: DirectoryOperation) throws(StorageError) {
        switch operation {
        case .create: try directory.create()
        case .sync: try directory.sync()
        case .rename: try directory.rename()
        case .syncNames: try directory.syncNames()
        case .write(let bytes): try directory.write(bytes.span)
        }
    }

    mutating func perform(_ operation: DirectoryOperation, cut: Cut) {
        directory.cutPower(at: 1, cut.tear, names: cut.names)
        try? perform(operation)
        directory.boot()
    }

    /// A file beside this one is emptied before it is used.
    var content: [UInt8] { directory.identity ?? [] }

    static func run(_ machine: Machine<Self>) throws(AgentError) {
        var store = IdentityStore(DirectorySnapshots(MachineDirectory(machine: machine)))
        try machine.run(&store)
    }

    static func read(_ machine: Machine<Self>) throws(StorageError) -> Records {
        var store = IdentityStore(DirectorySnapshots(MachineDirectory(machine: machine)))
        return try store.readAll()
    }

    /// The folder of a machine, as its store sees it.
    private struct MachineDirectory: Directory {
        let machine: Machine<DirectoryPart>

        func open() throws(StorageError) -> Int? { try machine.part.directory.open() }

        func read(at offset: Int, into buffer: inout MutableSpan<UInt8>) throws(StorageError) {
            try machine.part.directory.read(at: offset, into: &buffer)
        }

        func readNew(at offset: Int, into buffer: inout MutableSpan<UInt8>) throws(StorageError) {
            try machine.part.directory.readNew(at: offset, into: &buffer)
        }

        func create() throws(StorageError) { try machine.perform(.create) }

        func write(_ bytes: Span<UInt8>) throws(StorageError) {
            var copy: [UInt8] = []
            for index in bytes.indices { copy.append(bytes[index]) }
            try machine.perform(.write(copy))
        }

        func sync() throws(StorageError) { try machine.perform(.sync) }
        func rename() throws(StorageError) { try machine.perform(.rename) }
        func syncNames() throws(StorageError) { try machine.perform(.syncNames) }
        func adopt() { machine.part.directory.adopt() }
    }
}
