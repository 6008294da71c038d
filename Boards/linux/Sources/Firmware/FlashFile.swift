import Board
import CLinux

/// The device's data flash: the file `flash.bin` in the working folder, open and locked until the process ends.
struct FlashFile: Medium {
    private let descriptor: Int32

    private init(_ descriptor: Int32) {
        self.descriptor = descriptor
    }

    /// Opens the file; makes it, erased throughout, when it is not there.
    ///
    /// - Parameter log: is told what is wrong when it cannot be used.
    /// - Throws: `.failed`.
    static func open<L: Log & ~Copyable>(log: inout L) throws(StorageError) -> FlashFile {
        let name: StaticString = "flash.bin"
        let descriptor = name.withUTF8Buffer { name in
            unsafe name.withMemoryRebound(to: CChar.self) { name in
                // StaticString ends in a zero byte.
                unsafe linux_open(name.baseAddress, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0o600)
            }
        }
        guard descriptor >= 0 else { throw refusal("flash.bin cannot be opened in this folder", &log) }
        // A lock of this kind is the process's own: the resolver's process does not keep it after a kill.
        guard lockf(descriptor, F_TLOCK, 0) == 0 else {
            _ = close(descriptor)
            throw refusal("flash.bin is in use by another process", &log)
        }
        let file = FlashFile(descriptor)
        guard file.complete() else {
            _ = close(descriptor)
            throw refusal("flash.bin is not 64 KiB, or this folder's disk is full", &log)
        }
        return file
    }

    private static func refusal<L: Log & ~Copyable>(_ text: StaticString, _ log: inout L) -> StorageError {
        var line = Line()
        line.append(text)
        log.write(line: line.span)
        return .failed
    }

    /// Fills up a file that is new, or whose making was cut short.
    ///
    /// - Returns: whether the file is a whole flash now.
    private func complete() -> Bool {
        var status = stat()
        guard unsafe fstat(descriptor, &status) == 0 else { return false }
        let count = Int(status.st_size)
        guard count < FlashLayout.size else { return count == FlashLayout.size }
        let blank = InlineArray<1024, UInt8>(repeating: FlashLayout.all.erasedValue)
        do throws(StorageError) {
            var offset = 0
            while offset < count {
                let part = blank.span.extracting(first: min(blank.count, count &- offset))
                guard try holds(part, at: offset) else { return false }
                offset &+= part.count
            }
            while offset < FlashLayout.size {
                let part = blank.span.extracting(first: min(blank.count, FlashLayout.size &- offset))
                try put(part, at: offset)
                offset &+= part.count
            }
        } catch {
            return false
        }
        return fsync(descriptor) == 0
    }

    func read(at offset: Int, into buffer: inout MutableSpan<UInt8>) throws(StorageError) {
        var done = 0
        while done < buffer.count {
            var rest = buffer._mutatingExtracting(droppingFirst: done)
            let count = unsafe rest.withUnsafeMutableBytes { bytes in
                unsafe pread(descriptor, bytes.baseAddress, bytes.count, off_t(offset &+ done))
            }
            try Self.advance(&done, count)
        }
    }

    func write(at offset: Int, _ bytes: Span<UInt8>) throws(StorageError) {
        // Erasing what is erased should neither take time nor wear out the disk.
        guard try !holds(bytes, at: offset) else { return }
        try put(bytes, at: offset)
        guard fdatasync(descriptor) == 0 else { throw .failed }
    }

    private func holds(_ bytes: Span<UInt8>, at offset: Int) throws(StorageError) -> Bool {
        var buffer = InlineArray<64, UInt8>(repeating: 0)
        var span = buffer.mutableSpan
        var done = 0
        while done < bytes.count {
            var part = span._mutatingExtracting(first: min(span.count, bytes.count &- done))
            try read(at: offset &+ done, into: &part)
            for index in part.indices where part[index] != bytes[done &+ index] { return false }
            done &+= part.count
        }
        return true
    }

    private func put(_ bytes: Span<UInt8>, at offset: Int) throws(StorageError) {
        var done = 0
        while done < bytes.count {
            let count = unsafe bytes.extracting(droppingFirst: done).withUnsafeBytes { bytes in
                unsafe pwrite(descriptor, bytes.baseAddress, bytes.count, off_t(offset &+ done))
            }
            try Self.advance(&done, count)
        }
    }

    private static func advance(_ done: inout Int, _ count: Int) throws(StorageError) {
        if count > 0 {
            done &+= count
        } else if count == 0 || linux_errno() != EINTR {
            throw .failed
        }
    }
}
