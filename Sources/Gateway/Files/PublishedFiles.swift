import Agent
import Board
import Bytes
import CLinux
import DeviceCrypto
import LinuxBoard
import Output
import PKIX

/// What other programs read: PEM files in a folder `issued/<digest>`, which `current` names. A change makes a new folder,
/// and then one step lets `current` name that, so that key and certificate belong together whenever somebody looks.
///
/// Only whole sets are published: a certificate, its key, and certificates of which one issued it. What is published and was
/// damaged is mended.
struct PublishedFiles {
    /// The files of a folder, in their order.
    private struct File {
        let name: StaticString
        var content: [UInt8]
    }

    private var files: [File] = []
    private let folderName: Text
    private let keys: KeyProvider
    private var keptKey: [UInt8]
    private let certificate: [UInt8]
    /// Those of ``OfferedCertificates`` that are among what is published.
    let above: [UInt8]
    /// Whether the certificates of the CA are those of one that issued the certificate.
    let isWhole: Bool
    /// Of the certificate.
    let serialNumber: Text
    let notAfter: Int64
    let subject: Text
    let fingerprint: Text

    private static var fileMode: mode_t { 0o644 }
    private static var keyMode: mode_t { 0o600 }
    private static var folderMode: mode_t { 0o755 }

    /// Reads what the store holds; nil when there is no identity in it.
    ///
    /// - Parameter offered: see ``IssuingPath``.
    init?<S: SnapshotStorage & ~Copyable>(
        _ store: inout IdentityStore<S>, _ keys: KeyProvider, offered: [UInt8] = []
    ) throws(Failure) {
        guard let certificate = try store.bytes(of: .certificate), let parsed = try? Certificate(certificate.span)
        else {
            return nil
        }
        let trusted = try store.bytes(of: .caCertificates) ?? []
        let path = IssuingPath(of: certificate, in: trusted, offered: offered)
        let known = splitCertificates(trusted)
        var above: [UInt8] = []
        for other in path.certificates where !known.contains(other) { above += other }
        let chain = path.certificates
        let next = try store.bytes(of: .nextCACertificates)
        serialNumber = hexadecimal(parsed.shownSerialNumber)
        notAfter = parsed.notAfter
        subject = Text(name: parsed.subject)
        fingerprint = hexadecimal(Hash.digest(.sha256, of: certificate.span).bytes)
        self.above = above
        self.certificate = certificate
        isWhole = !chain.isEmpty
        files.append(File(name: "cert.pem", content: PEM.encode(certificates: [certificate])))
        files.append(File(name: "chain.pem", content: PEM.encode(certificates: chain)))
        files.append(File(name: "fullchain.pem", content: PEM.encode(certificates: [certificate] + path.intermediates)))
        files.append(File(name: "ca.pem", content: PEM.encode(certificates: [path.anchor])))
        if let next { files.append(File(name: "next-ca.pem", content: PEM.encode(certificates: next))) }
        let key = try store.bytes(of: .privateKey) ?? []
        let folder = Self.folderName(files, key.span, isEncrypted: !keys.settings.passphrase.isEmpty)
        self.keys = keys
        keptKey = key
        folderName = folder
    }

    /// The key's file, once the key was seen to be the certificate's. Of a key that is in a token it names that; a token
    /// that is not there has to be only when something changed.
    private mutating func keyFile() throws(Failure) -> File {
        var random = try makeRandom()
        defer { random.wipe() }
        do throws(CryptoError) {
            var key = GatewayKey(context: keys)
            defer { key.wipe() }
            try key.load(keptKey.span)
            guard Self.isKey(&key, of: certificate) else {
                throw keys.failed(.damaged)
            }
            let content = try key.published(random: &random)
            return File(name: key.isOnToken ? "key.uri" : "key.pem", content: content)
        } catch {
            throw Failure(error, of: keys)
        }
    }

    private static func isKey(_ key: inout GatewayKey, of certificate: [UInt8]) -> Bool {
        // What is longer than the certificate is not in it.
        var scratch = [UInt8](repeating: 0, count: certificate.count)
        var buffer = scratch.mutableSpan
        guard let parsed = try? Certificate(certificate.span),
            let isSame = try? parsed.subjectPublicKeyInfo.matches(&key, scratch: &buffer), isSame
        else { return false }
        return true
    }

    /// The name of a folder: the first 16 digits of the SHA-256 of what is in it, and of the key as the store has it.
    private static func folderName(_ files: [File], _ key: Span<UInt8>, isEncrypted: Bool) -> Text {
        var hash = Hash(.sha256)
        for file in files { hash.update(file.content.span) }
        hash.update(key)
        let mark: InlineArray<1, UInt8> = [isEncrypted ? 1 : 0]
        hash.update(mark.span)
        return hexadecimal(hash.finish().bytes.extracting(first: 8))
    }

    /// What ``publish(in:)`` did.
    enum Outcome: Equatable {
        /// All was there.
        case unchanged
        /// Something was missing or damaged.
        case mended
        case published(Change)
        /// What the store holds is no whole set. What was published before is as it was.
        case withheld
    }

    /// Puts the files where other programs find them, as far as they are not there.
    mutating func publish(in workspace: Workspace) throws(Failure) -> Outcome {
        defer { keptKey.wipe() }
        guard isWhole else { return .withheld }
        let name = folderName
        let before = Self.current(in: workspace)
        guard before != name || !isThere(in: workspace) else { return .unchanged }
        let path = workspace.path + Text("/issued")
        let folders = try Self.folder(Text("issued"), in: workspace.folder, path)
        defer { folders.close() }
        let change: Change =
            before == nil ? .issued : Self.holds(files[0].content, in: workspace) ? .caCertificates : .renewed
        var key = try keyFile()
        defer { key.content.wipe() }
        if before != name { try Self.removeAll(in: folders, but: [before ?? [], name]) }
        let whole = path + Text("/") + name
        let folder = try Self.folder(name, in: folders, whole)
        defer { folder.close() }
        // One after the other takes its name in one step: what is there already is of this set as well.
        for file in files { try Self.put(file, Self.fileMode, in: folder, whole) }
        try Self.put(key, Self.keyMode, in: folder, whole)
        // A link that was lost is no change for whoever was told of this one.
        let isChange = before != name && (before != nil || !Self.isEvent(in: folder))
        if isChange || !Self.isEvent(in: folder) {
            try Self.put(File(name: "event", content: event(change)), Self.fileMode, in: folder, whole)
        }
        try OutputFile.sync(folder, whole)
        try OutputFile.sync(folders, path)
        if before != name {
            try Self.point(to: name, in: workspace)
        } else {
            // `issued` may be new.
            try OutputFile.sync(workspace.folder, workspace.path)
        }
        return isChange ? .published(change) : .mended
    }

    private static func put(_ file: File, _ mode: mode_t, in folder: Descriptor, _ path: Text) throws(Failure) {
        guard !isThere(file, mode, in: folder) else { return }
        try OutputFile.replace(Text(file.name), with: file.content, in: folder, mode: mode, path: path)
    }

    /// Whether what `current` names has all the files, as they have to be. Of a private key it is seen that it is there: it
    /// is not for reading without need.
    private func isThere(in workspace: Workspace) -> Bool {
        guard let folders = Descriptor("issued", in: workspace.folder.number, O_RDONLY | O_DIRECTORY) else {
            return false
        }
        defer { folders.close() }
        guard let folder = Descriptor(path: folderName.terminated.span, in: folders.number, O_RDONLY | O_DIRECTORY)
        else { return false }
        defer { folder.close() }
        guard Self.isOurs(folders.status, S_IFDIR, Self.folderMode),
            Self.isOurs(folder.status, S_IFDIR, Self.folderMode), Self.isEvent(in: folder)
        else { return false }
        let keyName: StaticString = GatewayKey.isOnToken(keptKey.span) ? "key.uri" : "key.pem"
        guard Self.isFile(keyName, Self.keyMode, in: folder) else { return false }
        return files.allSatisfy { Self.isThere($0, Self.fileMode, in: folder) }
    }

    private static func isThere(_ file: File, _ mode: mode_t, in folder: Descriptor) -> Bool {
        guard let opened = Descriptor(path: Text(file.name).terminated.span, in: folder.number, O_RDONLY | O_NONBLOCK)
        else { return false }
        defer { opened.close() }
        guard isOurs(opened.status, S_IFREG, mode), opened.size(upTo: file.content.count) == file.content.count else {
            return false
        }
        var content = [UInt8](repeating: 0, count: file.content.count)
        defer { content.wipe() }
        do throws(StorageError) {
            var buffer = content.mutableSpan
            try opened.read(at: 0, into: &buffer)
        } catch {
            return false
        }
        return areEqual(content.span, file.content.span)
    }

    /// Whether there is a file of this name, and something in it.
    private static func isFile(_ name: StaticString, _ mode: mode_t, in folder: Descriptor) -> Bool {
        guard let file = Descriptor(name, in: folder.number, O_RDONLY | O_NONBLOCK) else { return false }
        defer { file.close() }
        guard isOurs(file.status, S_IFREG, mode), let status = file.status, status.st_size > 0 else { return false }
        return true
    }

    private static func isEvent(in folder: Descriptor) -> Bool { isFile("event", fileMode, in: folder) }

    private static func isOurs(_ status: stat?, _ kind: Int32, _ mode: mode_t) -> Bool {
        guard let status, Int32(status.st_mode) & S_IFMT == kind, status.st_mode & 0o7777 == mode,
            status.st_uid == geteuid()
        else { return false }
        return true
    }

    /// What changed for those who use the files.
    enum Change {
        case issued, renewed, caCertificates

        var name: StaticString {
            switch self {
            case .issued: "issued"
            case .renewed: "renewed"
            case .caCertificates: "ca-certificates"
            }
        }
    }

    /// The event as the hook has it in its environment, and other programs in the file `event`: `NAME=value` a line.
    func event(_ change: Change) -> Text {
        var text = Text("SCEP_EVENT=")
        text.append(change.name)
        text.append("\nSCEP_SERIAL=")
        text.append(serialNumber)
        text.append("\nSCEP_NOT_AFTER=")
        text.append(time: notAfter)
        text.append("\nSCEP_FINGERPRINT=")
        text.append(fingerprint)
        text.append("\nSCEP_SUBJECT=")
        text.append(printable: subject.span)
        text.append("\n")
        return text
    }

    /// The name of the folder that `current` names; nil if it names none, whether or not there is one of that name.
    static func current(in workspace: Workspace) -> Text? {
        guard let text = workspace.folder.target(of: "current", limit: 64) else { return nil }
        guard text.starts(with: "issued/") else { return nil }
        return Text(text[7...])
    }

    private static func holds(_ certificate: [UInt8], in workspace: Workspace) -> Bool {
        let path = workspace.path + Text("/current/cert.pem")
        guard let content = try? InputFile.read(path) else { return false }
        return content == certificate
    }

    /// Opens a folder, and makes it what it has to be.
    private static func folder(_ name: Text, in outside: Descriptor, _ path: Text) throws(Failure) -> Descriptor {
        var folder = Descriptor(makingFolder: name.terminated.span, in: outside.number, mode: folderMode)
        if folder == nil, linux_errno() == ENOTDIR {
            // Something else, or a link, has its name.
            _ = unsafe withCString(name.terminated.span) { unsafe unlinkat(outside.number, $0, 0) }
            folder = Descriptor(makingFolder: name.terminated.span, in: outside.number, mode: folderMode)
        }
        guard let folder else { throw Failure(path: path, "cannot be made", error: linux_errno()) }
        guard fchmod(folder.number, folderMode) == 0 else {
            folder.close()
            throw Failure(path: path, "cannot be given mode 755", error: linux_errno())
        }
        return folder
    }

    private static func point(to name: Text, in workspace: Workspace) throws(Failure) {
        let target = Text("issued/") + name
        let folder = workspace.folder.number
        _ = unsafe unlinkat(folder, cString("current.new"), 0)
        let isMade = unsafe withCString(target.terminated.span) {
            unsafe symlinkat($0, folder, cString("current.new"))
        }
        guard isMade == 0, unsafe renameat(folder, cString("current.new"), folder, cString("current")) == 0 else {
            throw Failure(path: workspace.path + Text("/current"), "cannot be replaced", error: linux_errno())
        }
        try OutputFile.sync(workspace.folder, workspace.path)
    }

    /// Removes folders that nothing names any more. The one before stays until the next change: somebody may be reading it.
    private static func removeAll(in folders: Descriptor, but kept: [Text]) throws(Failure) {
        for name in names(in: folders) where !kept.contains(name) {
            guard let folder = Descriptor(path: name.terminated.span, in: folders.number, O_RDONLY | O_DIRECTORY) else {
                continue
            }
            for file in names(in: folder, hidden: true) {
                _ = unsafe withCString(file.terminated.span) { unsafe unlinkat(folder.number, $0, 0) }
            }
            folder.close()
            _ = unsafe withCString(name.terminated.span) { unsafe unlinkat(folders.number, $0, AT_REMOVEDIR) }
        }
    }

    /// - Parameter hidden: whether those that begin with a full stop count.
    private static func names(in folder: Descriptor, hidden: Bool = false) -> [Text] {
        var names: [Text] = []
        guard let copy = Descriptor(".", in: folder.number, O_RDONLY) else { return names }
        guard let listing = unsafe fdopendir(copy.number) else {
            copy.close()
            return names
        }
        while let name = unsafe linux_next_name(listing) {
            let word = unsafe text(name)
            if word.equals(".") || word.equals("..") || !hidden && word.first == UInt8(ascii: ".") { continue }
            names.append(word)
        }
        unsafe closedir(listing)
        return names
    }
}

extension IdentityStore where S: ~Copyable {
    /// A record's value; nil if there is none.
    mutating func bytes(of record: StoredRecord) throws(Failure) -> [UInt8]? {
        guard let size = size(of: record) else { return nil }
        var bytes = [UInt8](repeating: 0, count: size)
        var buffer = bytes.mutableSpan
        do throws(StorageError) {
            _ = try read(record, into: &buffer)
        } catch {
            throw Failure(.storage, "storage-failed", "the store cannot be read; check the disk")
        }
        return bytes
    }
}

func hexadecimal(_ bytes: Span<UInt8>) -> Text {
    var text = Text()
    text.append(hex: bytes)
    return text
}
