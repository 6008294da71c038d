import Board
import CLinux
import LinuxBoard

/// The device's data flash, of which this board uses the provisioning record: the file `flash.bin` in the working folder,
/// open and locked until the process ends, so that one folder has one device.
struct FlashFile: Medium {
    private let file: Descriptor

    /// Opens the file; makes it, erased throughout, when it is not there.
    ///
    /// - Parameter log: is told what is wrong when it cannot be used.
    /// - Throws: `.failed`.
    static func open<L: Log & ~Copyable>(log: inout L) throws(StorageError) -> FlashFile {
        guard let descriptor = Descriptor("flash.bin", O_RDWR | O_CREAT, mode: 0o600) else {
            throw refusal("flash.bin cannot be opened in this folder", &log)
        }
        // A lock of this kind is the process's own: the resolver's process does not keep it after a kill.
        guard lockf(descriptor.number, F_TLOCK, 0) == 0 else {
            descriptor.close()
            throw refusal("flash.bin is in use by another process", &log)
        }
        let flash = FlashFile(file: descriptor)
        guard flash.complete() else {
            descriptor.close()
            throw refusal("flash.bin is not 64 KiB, or this folder's disk is full", &log)
        }
        return flash
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
        guard let status = file.status else { return false }
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
                try file.write(at: offset, part)
                offset &+= part.count
            }
            try file.sync()
        } catch {
            return false
        }
        return true
    }

    func read(at offset: Int, into buffer: inout MutableSpan<UInt8>) throws(StorageError) {
        try file.read(at: offset, into: &buffer)
    }

    func write(at offset: Int, _ bytes: Span<UInt8>) throws(StorageError) {
        try file.write(at: offset, bytes)
        try file.sync()
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
}
