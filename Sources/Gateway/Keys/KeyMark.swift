import Board
import Bytes
import CLinux
import DeviceCrypto
import LinuxBoard
import Output
import PKIX

/// How keys of this gateway's making are told from all others on a token, so that nothing else is ever destroyed: the
/// last 8 bytes of their CKA_ID follow from the first 8 and from the owner's number, which is made once by chance, and is
/// kept in the file `owner` of the store.
///
/// Nothing follows from labels, folders and the machine's number: of machines that were cloned these are alike. A store that
/// was copied is told by the file, which has the number of its own inode and of the machine in it; the copy makes a number
/// of its own, and leaves all keys alone that were made before. So does who has lost the file. Keys that bear a mark of
/// versions up to 0.4, which did follow from label, folder and machine, are nobody's, and stay until a person removes them.
///
/// A disk that was cloned block by block has the same inodes, and often the same machine's number: of two such machines with
/// one token between them, each takes the other's keys for its own. Nothing in a store can tell them apart.
struct KeyMark {
    private static var randomSize: Int { 8 }
    private static var size: Int { 16 }
    private static var ownerSize: Int { 16 }

    private let owner: [UInt8]

    /// Finds the owner's number; nil if there is none, or it is another's.
    init?(_ settings: TokenSettings) {
        guard let store = Self.store(settings) else { return nil }
        defer { store.close() }
        guard let file = Descriptor("owner", in: store.number, O_RDONLY | O_NONBLOCK) else { return nil }
        defer { file.close() }
        guard let status = file.status, status.st_uid == geteuid(), status.st_mode & 0o077 == 0,
            status.st_size == off_t(2 * Self.ownerSize)
        else { return nil }
        var bytes = [UInt8](repeating: 0, count: 2 * Self.ownerSize)
        var buffer = bytes.mutableSpan
        guard (try? file.read(at: 0, into: &buffer)) != nil else { return nil }
        let owner = [UInt8](bytes.prefix(Self.ownerSize))
        guard areEqual(Self.place(owner, status).span, bytes.span.extracting(droppingFirst: Self.ownerSize)) else {
            return nil
        }
        self.owner = owner
    }

    /// Finds the owner's number, or makes one.
    ///
    /// - Throws: ``KeyFailure/token(_:)`` with `ownerNotKept`.
    init(making settings: TokenSettings, random: inout RandomGenerator) throws(KeyFailure) {
        if let mark = KeyMark(settings) {
            self = mark
            return
        }
        var owner = [UInt8](repeating: 0, count: Self.ownerSize)
        do throws(CryptoError) {
            var buffer = owner.mutableSpan
            try random.fill(&buffer)
        } catch {
            throw .crypto(error)
        }
        guard let store = Self.store(settings) else { throw .token(.ownerNotKept(linux_errno())) }
        defer { store.close() }
        _ = unsafe unlinkat(store.number, cString("owner.new"), 0)
        guard let file = Descriptor("owner.new", in: store.number, O_RDWR | O_CREAT | O_EXCL, mode: 0o600) else {
            throw .token(.ownerNotKept(linux_errno()))
        }
        defer { file.close() }
        do throws(StorageError) {
            guard let status = file.status else { throw .failed }
            try file.write(at: 0, (owner + Self.place(owner, status)).span)
            try file.sync()
            guard unsafe renameat(store.number, cString("owner.new"), store.number, cString("owner")) == 0 else {
                throw .failed
            }
            try store.sync()
        } catch {
            throw .token(.ownerNotKept(error == .full ? ENOSPC : linux_errno()))
        }
        self.owner = owner
    }

    private static func store(_ settings: TokenSettings) -> Descriptor? {
        let path = settings.ownerFolder ?? settings.folder + Text("/store")
        return Descriptor(path: path.terminated.span, O_RDONLY | O_DIRECTORY)
    }

    /// Where the number is at home: a digest of it, of the file that it is in, and of the machine.
    private static func place(_ owner: [UInt8], _ status: stat) -> [UInt8] {
        var bytes = owner
        let inode = UInt64(status.st_ino)
        for index in 0..<8 { bytes.append(UInt8(truncatingIfNeeded: inode &>> UInt64(8 &* index))) }
        bytes.append(machine.span)
        return [UInt8](Hash.digest(.sha256, of: bytes.span).bytes.extracting(first: ownerSize))
    }

    /// What is in /etc/machine-id, 32 hexadecimal digits; empty where that is missing.
    private static var machine: [UInt8] {
        guard let file = Descriptor("/etc/machine-id", O_RDONLY) else { return [] }
        defer { file.close() }
        var bytes = [UInt8](repeating: 0, count: 32)
        var buffer = bytes.mutableSpan
        return (try? file.read(at: 0, into: &buffer)) == nil ? [] : bytes
    }

    /// An identifier that no key has had before.
    func newIdentifier(random: inout RandomGenerator) throws(KeyFailure) -> [UInt8] {
        var identifier = [UInt8](repeating: 0, count: Self.randomSize)
        do throws(CryptoError) {
            var buffer = identifier.mutableSpan
            try random.fill(&buffer)
        } catch {
            throw .crypto(error)
        }
        identifier.append(mark(identifier.span).span)
        return identifier
    }

    func isOn(_ identifier: [UInt8]) -> Bool {
        guard identifier.count == Self.size else { return false }
        let mark = mark(identifier.span.extracting(first: Self.randomSize))
        return areEqual(mark.span, identifier.span.extracting(Self.randomSize..<Self.size))
    }

    private func mark(_ random: Span<UInt8>) -> [UInt8] {
        var hash = Hash(.sha256)
        hash.update(random)
        hash.update(owner.span)
        let digest = hash.finish()
        return [UInt8](digest.bytes.extracting(first: Self.size &- Self.randomSize))
    }
}
