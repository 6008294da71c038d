import Board
import Bytes
import CLinux
import DeviceCrypto
import LinuxBoard
import Output

/// Which PINs a token refused, in the file `pin-refused` beside the store, so that no later run of the program tries one
/// of them again until the token is locked.
///
/// The file has a salt of 16 bytes, and for each refused PIN 32 bytes that PBKDF2 makes of it and of the token's serial
/// number: a PIN that is wrong may be close to the right one.
struct RefusedPINs {
    private static var saltSize: Int { 16 }
    private static var entrySize: Int { 32 }
    /// The oldest goes first.
    private static var limit: Int { 16 }
    private static var iterations: Int { 50_000 }

    private let folder: Descriptor
    /// Salt and entries.
    private var content: [UInt8] = []
    private var reserved: Descriptor?

    /// - Throws: `cannotRemember`.
    init(folder path: [UInt8]) throws(TokenFailure) {
        guard let folder = Descriptor(path: path.terminated.span, O_RDONLY | O_DIRECTORY, followsLinks: true) else {
            throw .cannotRemember(linux_errno())
        }
        self.folder = folder
        do throws(TokenFailure) {
            try read()
        } catch {
            folder.close()
            throw error
        }
    }

    private mutating func read() throws(TokenFailure) {
        guard let file = Descriptor("pin-refused", in: folder.number, O_RDONLY | O_NONBLOCK) else {
            guard linux_errno() == ENOENT else { throw .cannotRemember(linux_errno()) }
            return
        }
        defer { file.close() }
        let greatest = Self.saltSize &+ Self.limit &* Self.entrySize
        guard let status = file.status, Int32(status.st_mode) & S_IFMT == S_IFREG else { throw .cannotRemember(EINVAL) }
        // Longer than any that was written here, it says no more than that.
        content = [UInt8](repeating: 0, count: file.size(upTo: greatest) ?? greatest)
        do throws(StorageError) {
            var buffer = content.mutableSpan
            try file.read(at: 0, into: &buffer)
        } catch {
            throw .cannotRemember(EIO)
        }
        // Cut short, it says nothing.
        if content.count < Self.saltSize { content = [] }
    }

    /// Whether a token refused this PIN before.
    func holds(serial: [UInt8], pin: [UInt8]) throws(KeyFailure) -> Bool {
        guard content.count > Self.saltSize else { return false }
        let entry = try entry(serial, pin)
        var start = Self.saltSize
        while start &+ Self.entrySize <= content.count {
            if constantTimeEqual(content.span.extracting(start..<(start &+ Self.entrySize)), entry.span) { return true }
            start &+= Self.entrySize
        }
        return false
    }

    /// Makes sure, before a PIN is tried, that there is space to remember that it was refused.
    mutating func reserve(random: inout RandomGenerator) throws(KeyFailure) {
        if content.isEmpty {
            content = [UInt8](repeating: 0, count: Self.saltSize)
            do throws(CryptoError) {
                var buffer = content.mutableSpan
                try random.fill(&buffer)
            } catch {
                throw .crypto(error)
            }
        }
        while content.count >= Self.saltSize &+ Self.limit &* Self.entrySize {
            content.removeSubrange(Self.saltSize..<(Self.saltSize &+ Self.entrySize))
        }
        content.append(contentsOf: [UInt8](repeating: 0, count: Self.entrySize))
        guard
            let file = Descriptor("pin-refused.new", in: folder.number, O_RDWR | O_CREAT | O_TRUNC, mode: 0o600)
        else { throw .token(.cannotRemember(linux_errno())) }
        reserved = file
        do throws(StorageError) {
            try file.write(at: 0, content.span)
            try file.sync()
        } catch {
            throw .token(.cannotRemember(error == .full ? ENOSPC : EIO))
        }
    }

    /// Remembers that the PIN was refused.
    mutating func remember(serial: [UInt8], pin: [UInt8]) throws(KeyFailure) {
        guard let reserved else { return }
        let entry = try entry(serial, pin)
        do throws(StorageError) {
            try reserved.write(at: content.count &- Self.entrySize, entry.span)
            try reserved.sync()
            guard
                unsafe renameat(folder.number, cString("pin-refused.new"), folder.number, cString("pin-refused")) == 0
            else { throw .failed }
            try folder.sync()
        } catch {
            throw .token(.cannotRemember(error == .full ? ENOSPC : EIO))
        }
    }

    /// Gives back the space, for a failure that says nothing about the PIN.
    func release() {
        _ = unsafe unlinkat(folder.number, cString("pin-refused.new"), 0)
    }

    /// Forgets all, for a PIN that was right.
    func forget() {
        release()
        _ = unsafe unlinkat(folder.number, cString("pin-refused"), 0)
    }

    func close() {
        reserved?.close()
        folder.close()
    }

    private func entry(_ serial: [UInt8], _ pin: [UInt8]) throws(KeyFailure) -> [UInt8] {
        var password = serial
        password.append(pin.span)
        defer { password.wipe() }
        var entry = [UInt8](repeating: 0, count: Self.entrySize)
        do throws(CryptoError) {
            var buffer = entry.mutableSpan
            try PBKDF2.derive(
                .sha256, password: password.span, salt: content.span.extracting(first: Self.saltSize),
                iterations: Self.iterations, into: &buffer)
        } catch {
            throw .crypto(error)
        }
        return entry
    }
}
