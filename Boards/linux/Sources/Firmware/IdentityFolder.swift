import Board
import CLinux

/// Where the device keeps its identity: the folder `store` in the working folder, which nobody else may enter.
struct IdentityFolder: Directory, ~Copyable {
    private let folder: Descriptor
    private var opened: Descriptor?
    private var openedCount = 0
    private var made: Descriptor?
    private var madeCount = 0

    private init(_ folder: Descriptor) {
        self.folder = folder
    }

    /// Opens the folder; makes it when it is not there.
    ///
    /// - Throws: `.exposed`, `.failed`.
    static func open() throws(StorageError) -> IdentityFolder {
        guard unsafe mkdir(cString("store"), 0o700) == 0 || linux_errno() == EEXIST,
            let folder = Descriptor("store", O_RDONLY | O_DIRECTORY),
            let working = Descriptor(".", O_RDONLY | O_DIRECTORY)
        else { throw .failed }
        defer { working.close() }
        // What is safe in a folder is gone if the folder itself is not safe.
        try working.sync()
        guard let status = folder.status else { throw .failed }
        guard isPrivate(status) else { throw .exposed }
        return IdentityFolder(folder)
    }

    private static func isPrivate(_ status: stat) -> Bool {
        status.st_mode & 0o077 == 0 && status.st_uid == geteuid()
    }

    mutating func open() throws(StorageError) -> Int? {
        opened?.close()
        opened = nil
        // Not to wait for the other end of a pipe.
        guard let file = Descriptor("identity", in: folder.number, O_RDONLY | O_NONBLOCK) else {
            guard linux_errno() == ENOENT else { throw .failed }
            return nil
        }
        opened = file
        guard let status = file.status, Int32(status.st_mode) & S_IFMT == S_IFREG else { throw .failed }
        guard Self.isPrivate(status) else { throw .exposed }
        openedCount = Int(status.st_size)
        return openedCount
    }

    func read(at offset: Int, into buffer: inout MutableSpan<UInt8>) throws(StorageError) {
        guard let opened, offset >= 0, buffer.count <= openedCount, offset <= openedCount &- buffer.count else {
            throw .outOfRange
        }
        try opened.read(at: offset, into: &buffer)
    }

    mutating func create() throws(StorageError) {
        made?.close()
        made = nil
        madeCount = 0
        guard unsafe unlinkat(folder.number, cString("identity.new"), 0) == 0 || linux_errno() == ENOENT,
            let file = Descriptor("identity.new", in: folder.number, O_RDWR | O_CREAT | O_EXCL, mode: 0o600)
        else { throw .failed }
        made = file
    }

    mutating func write(_ bytes: Span<UInt8>) throws(StorageError) {
        guard let made else { throw .outOfRange }
        try made.write(at: madeCount, bytes)
        madeCount &+= bytes.count
    }

    func readNew(at offset: Int, into buffer: inout MutableSpan<UInt8>) throws(StorageError) {
        guard let made, offset >= 0, buffer.count <= madeCount, offset <= madeCount &- buffer.count else {
            throw .outOfRange
        }
        try made.read(at: offset, into: &buffer)
    }

    func sync() throws(StorageError) {
        guard let made else { throw .outOfRange }
        try made.sync()
    }

    func rename() throws(StorageError) {
        guard
            unsafe renameat(folder.number, cString("identity.new"), folder.number, cString("identity")) == 0
        else { throw .failed }
    }

    func syncNames() throws(StorageError) {
        try folder.sync()
    }

    mutating func adopt() {
        opened?.close()
        opened = made
        openedCount = madeCount
        made = nil
    }
}
