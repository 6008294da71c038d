import Agent
import Board
import CLinux
import DeviceCrypto
import LinuxBoard
import PKIX

/// What other programs read: PEM files in a folder `issued/<digest>`, which `current` names. A change makes a new folder,
/// and then one step lets `current` name that, so that key and certificate belong together whenever somebody looks.
struct Publication {
    /// The files of a folder, in their order.
    private struct File {
        let name: StaticString
        var content: [UInt8]
        let mode: mode_t
    }

    private var files: [File] = []
    private let folderName: Text
    private var keptKey: [UInt8]
    /// Of the certificate.
    let serialNumber: Text
    let notAfter: Int64
    let subject: Text
    let fingerprint: Text

    /// Reads what the store holds; nil when there is no identity in it.
    init?<S: SnapshotStorage & ~Copyable>(_ store: inout IdentityStore<S>) throws(Failure) {
        guard let certificate = try store.bytes(of: .certificate), let parsed = try? Certificate(certificate.span)
        else {
            return nil
        }
        let trusted = try store.bytes(of: .caCertificates) ?? []
        let path = IssuingPath(of: certificate, in: trusted)
        let pem = PEM.encode("CERTIFICATE", certificate.span)
        let anchor = PEM.encode("CERTIFICATE", path.anchor.span)
        var intermediates = Text()
        for intermediate in path.intermediates { intermediates.append(PEM.encode("CERTIFICATE", intermediate.span)) }
        files.append(File(name: "cert.pem", content: pem, mode: 0o644))
        files.append(File(name: "chain.pem", content: intermediates + anchor, mode: 0o644))
        files.append(File(name: "fullchain.pem", content: pem + intermediates, mode: 0o644))
        files.append(File(name: "ca.pem", content: anchor, mode: 0o644))
        if let next = try store.bytes(of: .nextCACertificates) {
            files.append(File(name: "next-ca.pem", content: IssuingPath.pem(next), mode: 0o644))
        }
        serialNumber = hexadecimal(parsed.serialNumber)
        notAfter = parsed.notAfter
        subject = name(parsed.subject)
        fingerprint = hexadecimal(Hash.digest(.sha256, of: certificate.span).bytes)
        let key = try store.bytes(of: .privateKey) ?? []
        let folder = Self.folderName(files, key.span)
        keptKey = key
        folderName = folder
    }

    /// The key's file. Of a key that is in a token it names that; a token that is not there has to be only when something
    /// changed.
    private mutating func keyFile() throws(Failure) -> File {
        defer { keptKey.wipe() }
        var random = try makeRandom()
        defer { random.wipe() }
        do throws(CryptoError) {
            var key = GatewayKey()
            defer { key.wipe() }
            try key.load(keptKey.span)
            let content = try key.published(random: &random)
            return File(name: key.isOnToken ? "key.uri" : "key.pem", content: content, mode: 0o600)
        } catch {
            throw keyFailure(error)
        }
    }

    /// The name of a folder: the first 16 digits of the SHA-256 of what is in it, and of the key as the store has it.
    private static func folderName(_ files: [File], _ key: Span<UInt8>) -> Text {
        var hash = Hash(.sha256)
        for file in files { hash.update(file.content.span) }
        hash.update(key)
        let isEncrypted: InlineArray<1, UInt8> = [unsafe GatewayKey.provider.settings.passphrase.isEmpty ? 0 : 1]
        hash.update(isEncrypted.span)
        return hexadecimal(hash.finish().bytes.extracting(first: 8))
    }

    /// Puts the files where other programs find them, unless they are there.
    ///
    /// - Returns: what changed; nil if nothing did.
    mutating func publish(in workspace: Workspace) throws(Failure) -> Change? {
        let name = folderName
        let before = Self.current(in: workspace)
        guard before != name else {
            keptKey.wipe()
            return nil
        }
        files.append(try keyFile())
        // The key's is the last one.
        defer { files[files.count - 1].content.wipe() }
        let folders = try Self.folder("issued", in: workspace)
        defer { folders.close() }
        let path = workspace.path + Text("/issued")
        let change: Change =
            before == nil ? .issued : Self.holds(files[0].content, in: workspace) ? .caCertificates : .renewed
        try Self.removeAll(in: folders, but: [before ?? [], name])
        _ = unsafe withCString(name.terminated.span) { unsafe mkdirat(folders.number, $0, 0o755) }
        guard let folder = Descriptor(path: name.terminated.span, in: folders.number, O_RDONLY | O_DIRECTORY) else {
            throw Failure(path: path + Text("/") + name, "cannot be made", error: linux_errno())
        }
        defer { folder.close() }
        let whole = path + Text("/") + name
        for file in files {
            try OutputFile.write(file.content, to: Text(file.name), in: folder, mode: file.mode, path: whole)
        }
        try OutputFile.write(event(change), to: Text("event"), in: folder, mode: 0o644, path: whole)
        try OutputFile.sync(folder, whole)
        try OutputFile.sync(folders, path)
        try Self.point(to: name, in: workspace)
        return change
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

    /// The folder that `current` names; nil if there is none.
    static func current(in workspace: Workspace) -> Text? {
        var target = InlineArray<64, UInt8>(repeating: 0)
        var room = target.mutableSpan
        let count = unsafe room.withUnsafeMutableBytes { bytes in
            unsafe readlinkat(
                workspace.folder.number, cString("current"),
                bytes.baseAddress.unsafelyUnwrapped.assumingMemoryBound(to: CChar.self), bytes.count)
        }
        guard count > 0, count < 64 else { return nil }
        let text = Text(room.span.extracting(first: count))
        guard text.starts(with: "issued/") else { return nil }
        return Text(text[7...])
    }

    private static func holds(_ certificate: [UInt8], in workspace: Workspace) -> Bool {
        let path = workspace.path + Text("/current/cert.pem")
        guard let content = try? InputFile.read(path) else { return false }
        return content == certificate
    }

    private static func folder(_ name: StaticString, in workspace: Workspace) throws(Failure) -> Descriptor {
        let isMade = unsafe mkdirat(workspace.folder.number, cString(name), 0o755) == 0
        guard isMade || linux_errno() == EEXIST,
            let folder = Descriptor(name, in: workspace.folder.number, O_RDONLY | O_DIRECTORY)
        else { throw Failure(path: workspace.path + Text("/") + Text(name), "cannot be made", error: linux_errno()) }
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
            for file in names(in: folder) {
                _ = unsafe withCString(file.terminated.span) { unsafe unlinkat(folder.number, $0, 0) }
            }
            folder.close()
            _ = unsafe withCString(name.terminated.span) { unsafe unlinkat(folders.number, $0, AT_REMOVEDIR) }
        }
    }

    private static func names(in folder: Descriptor) -> [Text] {
        var names: [Text] = []
        guard let copy = Descriptor(".", in: folder.number, O_RDONLY | O_DIRECTORY) else { return names }
        guard let listing = unsafe fdopendir(copy.number) else {
            copy.close()
            return names
        }
        while let name = unsafe linux_next_name(listing), names.count < 10_000 {
            let word = unsafe text(name)
            if word.first != UInt8(ascii: ".") { names.append(word) }
        }
        unsafe closedir(listing)
        return names
    }
}

extension IdentityStore where S: ~Copyable {
    /// A record's value; nil if there is none.
    mutating func bytes(of record: Record) throws(Failure) -> [UInt8]? {
        guard let size = size(of: record) else { return nil }
        var bytes = [UInt8](repeating: 0, count: size)
        var room = bytes.mutableSpan
        do throws(StorageError) {
            _ = try read(record, into: &room)
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
