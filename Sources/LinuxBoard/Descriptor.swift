import Board
import CLinux

/// An open file, read and written at offsets.
public struct Descriptor {
    public let number: Int32

    /// One that is open already.
    public init(_ number: Int32) {
        self.number = number
    }

    /// Another one for what is open already.
    public init?(duplicating number: Int32) {
        self.number = linux_duplicate(number)
        if self.number < 0 { return nil }
    }

    /// Opens a file by a name in `folder`: a descriptor of one, or `AT_FDCWD`.
    ///
    /// - Parameters:
    ///   - flags: as open(2); a link is not followed, and no other program inherits the descriptor.
    ///   - mode: of a file that may be made, whatever the umask is.
    /// - Returns: nil when the system says no; errno says why.
    public init?(_ name: StaticString, in folder: Int32 = AT_FDCWD, _ flags: Int32, mode: mode_t = 0) {
        number = unsafe linux_openat(folder, cString(name), flags | O_CLOEXEC | O_NOFOLLOW, mode)
        if number < 0 { return nil }
        if flags & O_CREAT != 0 { _ = fchmod(number, mode) }
    }

    /// - Parameters:
    ///   - path: ends in a zero byte. A link is followed up to its last part only if `followsLinks`.
    public init?(
        path: Span<UInt8>, in folder: Int32 = AT_FDCWD, _ flags: Int32, mode: mode_t = 0, followsLinks: Bool = false
    ) {
        let flags = flags | O_CLOEXEC | (followsLinks ? 0 : O_NOFOLLOW)
        number = unsafe withCString(path) { unsafe linux_openat(folder, $0, flags, mode) }
        if number < 0 { return nil }
        if flags & O_CREAT != 0 { _ = fchmod(number, mode) }
    }

    /// Opens a folder; makes it when it is not there.
    ///
    /// - Parameters:
    ///   - path: ends in a zero byte.
    ///   - mode: of one that is made, whatever the umask is.
    public init?(makingFolder path: Span<UInt8>, in folder: Int32 = AT_FDCWD, mode: mode_t) {
        let isMade = unsafe withCString(path) { unsafe mkdirat(folder, $0, mode) } == 0
        guard isMade || linux_errno() == EEXIST,
            let opened = Descriptor(path: path, in: folder, O_RDONLY | O_DIRECTORY)
        else { return nil }
        self = opened
        if isMade { _ = fchmod(number, mode) }
    }

    public func close() {
        _ = CLinux.close(number)
    }

    /// - Returns: nil when the system says no.
    public var status: stat? {
        var status = stat()
        return unsafe fstat(number, &status) == 0 ? status : nil
    }

    /// Bytes of a file that may have `limit` at most; nil when it has more, or the system says no. A file can have more
    /// bytes than an `Int` counts.
    public func size(upTo limit: Int) -> Int? {
        guard let size = status?.st_size, size >= 0, size <= off_t(limit) else { return nil }
        return Int(size)
    }

    /// Returns when all that was written is safe from a power cut.
    public func sync() throws(StorageError) {
        guard fsync(number) == 0 else { throw Self.failure }
    }

    /// Fills `buffer` from `offset` on; `.failed` when the file ends before.
    public func read(at offset: Int, into buffer: inout MutableSpan<UInt8>) throws(StorageError) {
        var done = 0
        while done < buffer.count {
            var rest = buffer._mutatingExtracting(droppingFirst: done)
            let count = unsafe rest.withUnsafeMutableBytes { bytes in
                unsafe pread(number, bytes.baseAddress, bytes.count, off_t(offset &+ done))
            }
            try Self.advance(&done, count)
        }
    }

    public func write(at offset: Int, _ bytes: Span<UInt8>) throws(StorageError) {
        var done = 0
        while done < bytes.count {
            let count = unsafe bytes.extracting(droppingFirst: done).withUnsafeBytes { bytes in
                unsafe pwrite(number, bytes.baseAddress, bytes.count, off_t(offset &+ done))
            }
            try Self.advance(&done, count)
        }
    }

    private static func advance(_ done: inout Int, _ count: Int) throws(StorageError) {
        if count > 0 {
            done &+= count
        } else if count == 0 {
            throw .failed
        } else if linux_errno() != EINTR {
            throw failure
        }
    }

    /// What errno says now.
    static var failure: StorageError {
        let error = linux_errno()
        return error == ENOSPC || error == EDQUOT ? .full : .failed
    }
}

/// The name as C has it; the compiler ends a StaticString in a zero byte.
@unsafe public func cString(_ name: StaticString) -> UnsafePointer<CChar> {
    unsafe UnsafeRawPointer(name.utf8Start).assumingMemoryBound(to: CChar.self)
}

/// Lends a text that ends in a zero byte as C has it.
@unsafe public func withCString<Result>(_ text: Span<UInt8>, _ body: (UnsafePointer<CChar>) -> Result) -> Result {
    // Without its end it would be read past its bounds.
    precondition(text.count > 0 && text[text.count &- 1] == 0)
    return unsafe text.withUnsafeBytes {
        unsafe body($0.baseAddress.unsafelyUnwrapped.assumingMemoryBound(to: CChar.self))
    }
}
