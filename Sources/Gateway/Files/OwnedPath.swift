import CLinux
import LinuxBoard
import Output

/// What root opens, or makes, by a path that a setting names.
///
/// A path can lead through folders of other users, who could put a link there to a file of root's, or of somebody else's,
/// and have root read it for them. So every link and every folder on the way has to be root's or of the user whose file it
/// is: nobody then gets at more than what is theirs. For all other users the system's own permissions do.
struct OwnedPath {
    /// As many as the system follows (path_resolution(7)).
    private static var linkLimit: Int { 40 }

    private let path: Text
    /// Where the path has led; nil at the root. That is not opened itself: an emulator of another processor may have
    /// another one in its place.
    private var folder: Descriptor?
    /// What is still to come, the next one last.
    private var names: [Text] = []
    private var links = 0
    /// Who owns what lay on the way, and was not root.
    private var owners: [(user: uid_t, name: Text)] = []

    /// Opens a file or folder.
    ///
    /// - Parameter flags: as open(2).
    static func open(_ path: Text, _ flags: Int32) throws(Failure) -> Descriptor {
        if let inherited = inherited(path) { return inherited }
        guard geteuid() == 0 else {
            guard let file = Descriptor(path: path.terminated.span, flags, followsLinks: true) else {
                throw refusal(path)
            }
            return file
        }
        var way = try OwnedPath(path)
        defer { way.folder?.close() }
        return try way.open(flags)
    }

    /// Where something that is to be made has to be made, and as what.
    ///
    /// - Returns: the folder, which the caller closes, its path, and a name in it.
    static func place(toMake path: Text) throws(Failure) -> (folder: Descriptor, path: Text, name: Text) {
        guard geteuid() == 0 else { return (Descriptor(AT_FDCWD), Text("."), path) }
        var parts = parts(path)
        guard !parts.isEmpty else { throw Failure(path: path, "cannot be made", error: EEXIST) }
        let name = parts.removeFirst()
        var folder = Text(path.first == UInt8(ascii: "/") ? "" : ".")
        for part in parts.reversed() { folder += Text("/") + part }
        if folder.isEmpty { folder = Text("/") }
        return (try open(folder, O_RDONLY | O_DIRECTORY), folder, name)
    }

    /// `/dev/stdin`, `/dev/fd/3`: what whoever started the program has opened for it.
    private static func inherited(_ path: Text) -> Descriptor? {
        if path.equals("/dev/stdin") { return Descriptor(duplicating: STDIN_FILENO) }
        for prefix in [Text("/dev/fd/"), Text("/proc/self/fd/")] where path.starts(with: prefix) {
            guard let number = decimal(Text(path.dropFirst(prefix.count))), let descriptor = Int32(exactly: number)
            else {
                return nil
            }
            return Descriptor(duplicating: descriptor)
        }
        return nil
    }

    private static func refusal(_ path: Text, error: Int32 = linux_errno()) -> Failure {
        Failure(path: path, "cannot be read", error: error)
    }

    private init(_ path: Text) throws(Failure) {
        self.path = path
        names = Self.parts(path)
        guard path.first != UInt8(ascii: "/") else { return }
        var here = [CChar](repeating: 0, count: Int(PATH_MAX))
        guard unsafe here.withUnsafeMutableBufferPointer({ unsafe getcwd($0.baseAddress, $0.count) }) != nil else {
            throw Self.refusal(path)
        }
        let start = unsafe here.withUnsafeBufferPointer { unsafe text($0.baseAddress.unsafelyUnwrapped) }
        names += Self.parts(start)
    }

    /// The parts of a path, the last one first.
    private static func parts(_ path: Text) -> [Text] {
        var parts: [Text] = []
        for part in path.split(separator: UInt8(ascii: "/")) where !Text(part).equals(".") {
            parts.insert(Text(part), at: 0)
        }
        return parts
    }

    private mutating func open(_ flags: Int32) throws(Failure) -> Descriptor {
        while let name = names.popLast() {
            let (start, entryName) = place(of: name)
            let number = unsafe withCString(entryName.terminated.span) { unsafe linux_open_entry(start, $0) }
            let entry = Descriptor(number)
            guard entry.number != -1, let status = entry.status else { throw Self.refusal(path) }
            switch Int32(status.st_mode) & S_IFMT {
            case S_IFLNK:
                defer { entry.close() }
                note(status, name)
                try follow(entry)
            case S_IFDIR where !names.isEmpty || flags & O_DIRECTORY != 0:
                // The one that is opened is its owner's affair.
                if !names.isEmpty { note(status, name) }
                folder?.close()
                folder = entry
            default:
                entry.close()
                guard names.isEmpty else { throw Self.refusal(path, error: ENOTDIR) }
                return try finish(name, flags)
            }
        }
        return try finish(Text("."), flags)
    }

    private mutating func follow(_ link: Descriptor) throws(Failure) {
        guard let text = link.target(of: "", limit: Int(PATH_MAX)) else { throw Self.refusal(path) }
        links += 1
        guard links <= Self.linkLimit else { throw Self.refusal(path, error: ELOOP) }
        names += Self.parts(text)
        guard text.first == UInt8(ascii: "/") else { return }
        folder?.close()
        folder = nil
    }

    /// From where a name is looked up, and as what.
    private func place(of name: Text) -> (start: Int32, name: Text) {
        guard let folder else { return (AT_FDCWD, Text("/") + name) }
        return (folder.number, name)
    }

    private mutating func note(_ status: stat, _ name: Text) {
        // Where others may write, a group among them, it is nobody's, unless each may remove only what is theirs.
        let isOpen = status.st_mode & 0o022 != 0 && status.st_mode & 0o1000 == 0
        let isAnybodys = Int32(status.st_mode) & S_IFMT == S_IFDIR && isOpen
        if status.st_uid != 0 || isAnybodys { owners.append((isAnybodys ? .max : status.st_uid, name)) }
    }

    private func finish(_ name: Text, _ flags: Int32) throws(Failure) -> Descriptor {
        let (start, name) = place(of: name)
        guard let file = Descriptor(path: name.terminated.span, in: start, flags) else {
            throw Self.refusal(path)
        }
        guard let status = file.status else {
            file.close()
            throw Self.refusal(path)
        }
        for owner in owners where owner.user != status.st_uid {
            file.close()
            var message = Text()
            message.append(printable: path.span)
            message.append(": root does not open this: it belongs to another user than '")
            message.append(printable: owner.name.span)
            message.append("' on its path, who could have put it there; keep it where only root or its owner may write")
            throw Failure(.storage, "path-untrusted", message)
        }
        return file
    }
}
