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
///
/// A PIN is entered before it is tried, in `pin-refused.new`, which takes the place of `pin-refused` if the token refuses
/// it. So a power cut in between leaves an entry whose outcome is open.
struct RefusedPINs {
    private static var saltSize: Int { 16 }
    private static var entrySize: Int { 32 }
    /// The oldest goes first.
    private static var limit: Int { 16 }
    private static var iterations: Int { 50_000 }

    private let folder: Descriptor
    /// Salt and entries.
    private var content: [UInt8] = []

    /// - Throws: `cannotRemember`.
    init(folder path: [UInt8]) throws(TokenFailure) {
        guard let folder = Descriptor(path: path.terminated.span, O_RDONLY | O_DIRECTORY, followsLinks: true) else {
            throw .cannotRemember(linux_errno())
        }
        self.folder = folder
        do throws(TokenFailure) {
            content = try read("pin-refused")
        } catch {
            folder.close()
            throw error
        }
    }

    private func read(_ name: StaticString) throws(TokenFailure) -> [UInt8] {
        guard let file = Descriptor(name, in: folder.number, O_RDONLY | O_NONBLOCK) else {
            guard linux_errno() == ENOENT else { throw .cannotRemember(linux_errno()) }
            return []
        }
        defer { file.close() }
        let greatest = Self.saltSize &+ Self.limit &* Self.entrySize
        guard let status = file.status, Int32(status.st_mode) & S_IFMT == S_IFREG else { throw .cannotRemember(EINVAL) }
        // Longer than any that was written here, it says no more than that.
        var content = [UInt8](repeating: 0, count: file.size(upTo: greatest) ?? greatest)
        do throws(StorageError) {
            var buffer = content.mutableSpan
            try file.read(at: 0, into: &buffer)
        } catch {
            throw .cannotRemember(EIO)
        }
        // Cut short, it says nothing.
        return content.count < Self.saltSize ? [] : content
    }

    /// Whether a token refused this PIN before.
    func holds(serial: [UInt8], pin: [UInt8]) throws(KeyFailure) -> Bool {
        try Self.holds(content, serial, pin)
    }

    /// Whether this PIN was tried, and what came of it was not noted.
    func isOpen(serial: [UInt8], pin: [UInt8]) throws(KeyFailure) -> Bool {
        let tried: [UInt8]
        do throws(TokenFailure) {
            tried = try read("pin-refused.new")
        } catch {
            throw .token(error)
        }
        return try Self.holds(tried, serial, pin)
    }

    private static func holds(_ content: [UInt8], _ serial: [UInt8], _ pin: [UInt8]) throws(KeyFailure) -> Bool {
        guard content.count > saltSize else { return false }
        let entry = try entry(serial, pin, salt: content.span.extracting(first: saltSize))
        var start = saltSize
        while start &+ entrySize <= content.count {
            if constantTimeEqual(content.span.extracting(start..<(start &+ entrySize)), entry.span) { return true }
            start &+= entrySize
        }
        return false
    }

    /// Enters a PIN that is going to be tried.
    mutating func prepare(serial: [UInt8], pin: [UInt8], random: inout RandomGenerator) throws(KeyFailure) {
        if content.isEmpty {
            content = [UInt8](repeating: 0, count: Self.saltSize)
            do throws(CryptoError) {
                var buffer = content.mutableSpan
                try random.fill(&buffer)
            } catch {
                throw .crypto(error)
            }
        }
        // What was cut short in the middle of an entry.
        content.removeLast((content.count &- Self.saltSize) % Self.entrySize)
        while content.count >= Self.saltSize &+ Self.limit &* Self.entrySize {
            content.removeSubrange(Self.saltSize..<(Self.saltSize &+ Self.entrySize))
        }
        content += try Self.entry(serial, pin, salt: content.span.extracting(first: Self.saltSize))
        guard
            let file = Descriptor("pin-refused.new", in: folder.number, O_RDWR | O_CREAT | O_TRUNC, mode: 0o600)
        else { throw .token(.cannotRemember(linux_errno())) }
        defer { file.close() }
        do throws(StorageError) {
            try file.write(at: 0, content.span)
            try file.sync()
            try folder.sync()
        } catch {
            throw .token(.cannotRemember(error == .full ? ENOSPC : EIO))
        }
    }

    /// Remembers that the PIN that was entered last was refused.
    func remember() throws(KeyFailure) {
        do throws(StorageError) {
            guard
                unsafe renameat(folder.number, cString("pin-refused.new"), folder.number, cString("pin-refused")) == 0
            else { throw .failed }
            try folder.sync()
        } catch {
            throw .token(.cannotRemember(error == .full ? ENOSPC : EIO))
        }
    }

    /// Takes the entry back, for a failure that says nothing about the PIN.
    func release() {
        _ = unsafe unlinkat(folder.number, cString("pin-refused.new"), 0)
    }

    /// Forgets all, for a PIN that was right.
    func forget() {
        release()
        _ = unsafe unlinkat(folder.number, cString("pin-refused"), 0)
    }

    func close() {
        folder.close()
    }

    private static func entry(
        _ serial: [UInt8], _ pin: [UInt8], salt: Span<UInt8>
    ) throws(KeyFailure) -> [UInt8] {
        var password = serial
        password.append(pin.span)
        defer { password.wipe() }
        var entry = [UInt8](repeating: 0, count: entrySize)
        do throws(CryptoError) {
            var buffer = entry.mutableSpan
            try PBKDF2.derive(.sha256, password: password.span, salt: salt, iterations: iterations, into: &buffer)
        } catch {
            throw .crypto(error)
        }
        return entry
    }
}
