import Board
import CLinux

/// Where the device keeps its identity: a folder `store`, which nobody else may enter.
public struct IdentityFolder: Directory, ~Copyable {
    private let folder: Descriptor
    private var opened: Descriptor?
    private var openedCount = 0
    private var made: Descriptor?
    private var madeCount = 0

    /// More than all records together can have (`IdentityStore`).
    private static var greatestSize: Int { 1 &<< 20 }

    private init(_ folder: Descriptor) {
        self.folder = folder
    }

    /// Opens the folder; makes it when it is not there.
    ///
    /// - Parameter outside: the folder that it is in.
    /// - Throws: `.exposed`, `.full`, `.failed`.
    public static func open(in outside: Descriptor) throws(StorageError) -> IdentityFolder {
        let name: InlineArray<6, UInt8> = [0x73, 0x74, 0x6F, 0x72, 0x65, 0]  // store
        guard let folder = Descriptor(makingFolder: name.span, in: outside.number, mode: 0o700) else {
            throw Descriptor.failure
        }
        // What is safe in a folder is gone if the folder itself is not safe.
        try outside.sync()
        guard let status = folder.status else { throw .failed }
        guard isPrivate(status) else { throw .exposed }
        return IdentityFolder(folder)
    }

    private static func isPrivate(_ status: stat) -> Bool {
        status.st_mode & 0o077 == 0 && status.st_uid == geteuid()
    }

    public mutating func open() throws(StorageError) -> Int? {
        opened?.close()
        opened = nil
        openedCount = 0
        // Not to wait for the other end of a pipe.
        guard let file = Descriptor("identity", in: folder.number, O_RDONLY | O_NONBLOCK) else {
            guard linux_errno() == ENOENT else { throw .failed }
            return nil
        }
        opened = file
        guard let status = file.status, Int32(status.st_mode) & S_IFMT == S_IFREG else { throw .failed }
        guard Self.isPrivate(status) else { throw .exposed }
        guard let size = file.size(upTo: Self.greatestSize) else { throw .corrupt }
        openedCount = size
        return size
    }

    public func read(at offset: Int, into buffer: inout MutableSpan<UInt8>) throws(StorageError) {
        guard let opened, offset >= 0, offset <= openedCount &- buffer.count else { throw .outOfRange }
        try opened.read(at: offset, into: &buffer)
    }

    public mutating func create() throws(StorageError) {
        made?.close()
        made = nil
        madeCount = 0
        guard unsafe unlinkat(folder.number, cString("identity.new"), 0) == 0 || linux_errno() == ENOENT,
            let file = Descriptor("identity.new", in: folder.number, O_RDWR | O_CREAT | O_EXCL, mode: 0o600)
        else { throw Descriptor.failure }
        made = file
    }

    public mutating func write(_ bytes: Span<UInt8>) throws(StorageError) {
        guard let made else { throw .outOfRange }
        try made.write(at: madeCount, bytes)
        madeCount &+= bytes.count
    }

    public func readNew(at offset: Int, into buffer: inout MutableSpan<UInt8>) throws(StorageError) {
        guard let made, offset >= 0, offset <= madeCount &- buffer.count else { throw .outOfRange }
        try made.read(at: offset, into: &buffer)
    }

    public func sync() throws(StorageError) {
        guard let made else { throw .outOfRange }
        try made.sync()
    }

    public func rename() throws(StorageError) {
        guard
            unsafe renameat(folder.number, cString("identity.new"), folder.number, cString("identity")) == 0
        else { throw Descriptor.failure }
    }

    public func syncNames() throws(StorageError) {
        try folder.sync()
    }

    public mutating func adopt() {
        opened?.close()
        opened = made
        openedCount = madeCount
        made = nil
    }
}
