import Board

/// A folder in memory. Power fails, or the disk does, at a chosen operation: create, write, sync, rename or syncNames.
///
/// What was not synced is the disk's to keep or to lose: a cut leaves of a file's bytes what was synced and as much more
/// as the tear says, and of the names those that were synced, or a later state of them.
public struct SimulatedDirectory: Directory, Sendable {
    /// What becomes of changes of names that were not synced when power fails.
    public enum Names: UInt8, CaseIterable, Sendable {
        case kept, undone
    }

    /// A file's bytes, as programs see them, and how many of them are on the disk.
    private struct File: Sendable {
        var bytes: [UInt8] = []
        var syncedCount = 0
    }

    private struct Entries: Sendable {
        var identity: Int?
        var next: Int?
    }

    public var operations = Operations()
    /// What a cut does to names that were not synced.
    public var names = Names.kept
    /// Whether others can read the file.
    public var isExposed = false
    private var tear = Tear.before

    private var files: [File] = []
    private var entries = Entries()
    private var syncedEntries = Entries()
    private var opened: Int?
    private var made: Int?

    /// A folder without files.
    public init() {}

    /// The bytes of `identity`; nil when there is no such file.
    public var identity: [UInt8]? {
        get { entries.identity.map { files[$0].bytes } }
        set {
            entries.identity = newValue.map {
                files.append(File(bytes: $0, syncedCount: $0.count))
                return files.count - 1
            }
            syncedEntries = entries
        }
    }

    /// Power fails at the operation of this number, counted from now.
    public mutating func cutPower(at operation: Int, _ tear: Tear, names: Names) {
        operations.cutPower(at: operation, tear)
        self.tear = tear
        self.names = names
    }

    /// Gives the power back: what is left is what the disk held.
    public mutating func boot() {
        if operations.isDead {
            if names == .undone { entries = syncedEntries }
            for index in files.indices {
                let synced = files[index].syncedCount
                let count = synced + tear.bytes(of: files[index].bytes.count - synced)
                files[index] = File(bytes: Array(files[index].bytes[..<count]), syncedCount: count)
            }
            syncedEntries = entries
        }
        restart()
        operations.boot()
    }

    /// The process ends and another begins; the disk keeps its power.
    public mutating func restart() {
        opened = nil
        made = nil
    }

    public mutating func open() throws(StorageError) -> Int? {
        guard !operations.isDead else { throw .powerLost }
        guard !isExposed else { throw .exposed }
        opened = entries.identity
        return opened.map { files[$0].bytes.count }
    }

    public func read(at offset: Int, into buffer: inout MutableSpan<UInt8>) throws(StorageError) {
        try read(opened, offset, &buffer)
    }

    public func readNew(at offset: Int, into buffer: inout MutableSpan<UInt8>) throws(StorageError) {
        try read(made, offset, &buffer)
    }

    private func read(_ file: Int?, _ offset: Int, _ buffer: inout MutableSpan<UInt8>) throws(StorageError) {
        guard !operations.isDead else { throw .powerLost }
        guard let file, offset >= 0, offset + buffer.count <= files[file].bytes.count else { throw .outOfRange }
        for index in buffer.indices { buffer[index] = files[file].bytes[offset + index] }
    }

    public mutating func create() throws(StorageError) {
        made = nil
        // The bytes of files that neither a name nor a program has any more.
        let used = [opened, entries.identity, entries.next, syncedEntries.identity, syncedEntries.next]
        for index in files.indices where !used.contains(index) { files[index] = File() }
        try change {
            $0.files.append(File())
            $0.made = $0.files.count - 1
            $0.entries.next = $0.made
        }
    }

    public mutating func write(_ bytes: Span<UInt8>) throws(StorageError) {
        guard !operations.isDead else { throw .powerLost }
        guard let made else { throw .outOfRange }
        let outcome = operations.next()
        for index in 0..<outcome.bytes(of: bytes.count) { files[made].bytes.append(bytes[index]) }
        try outcome.finish()
    }

    public mutating func sync() throws(StorageError) {
        guard let made else { throw .outOfRange }
        try change { $0.files[made].syncedCount = $0.files[made].bytes.count }
    }

    public mutating func rename() throws(StorageError) {
        guard entries.next != nil else { throw .failed }
        try change {
            $0.entries.identity = $0.entries.next
            $0.entries.next = nil
        }
    }

    public mutating func syncNames() throws(StorageError) {
        try change { $0.syncedEntries = $0.entries }
    }

    public mutating func adopt() {
        opened = made
        made = nil
    }

    /// An operation that happens as a whole or not at all: not before a cut, and after it.
    private mutating func change(_ body: (inout Self) -> Void) throws(StorageError) {
        guard !operations.isDead else { throw .powerLost }
        let outcome = operations.next()
        if outcome.bytes(of: 2) == 2 { body(&self) }
        try outcome.finish()
    }
}
