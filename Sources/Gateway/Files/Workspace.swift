import Board
import CLinux
import LinuxBoard
import Output

/// The folder of one identity: `store` with what the agent keeps, `current` with what other programs read, `status`,
/// `lock`. Nobody but its owner enters `store`, or reads a private key.
struct Workspace {
    let path: Text
    let folder: Descriptor

    /// Opens the folder; makes it when it is not there. Root becomes the folder's owner, so that what it makes there can be
    /// used by the service.
    ///
    /// - Parameter isReading: whether nothing is going to be changed: the folder has to be there, and is not locked.
    static func open(_ settings: Settings, isReading: Bool = false) throws(Failure) -> Workspace {
        let path = settings[.directory] ?? Text("/var/lib/scep")
        let isThere = unsafe withCString(path.terminated.span) { unsafe access($0, F_OK) } == 0
        guard isThere || !isReading else {
            throw Failure(.pending, "no-identity", path + Text(": there is nothing here yet; scep enroll begins"))
        }
        if !isThere {
            let place = try OwnedPath.place(toMake: path)
            defer { place.folder.close() }
            guard
                let made = Descriptor(
                    makingFolder: place.name.terminated.span, in: place.folder.number, mode: 0o755)
            else {
                throw Failure(path: path, "cannot be made", error: linux_errno())
            }
            defer { made.close() }
            // What is safe in a folder is gone if the folder itself is not. Around it may be one that this user cannot read.
            if let outside = Descriptor("..", in: made.number, O_RDONLY) {
                defer { outside.close() }
                try OutputFile.sync(outside, path)
            }
        }
        let folder = try OwnedPath.open(path, O_RDONLY | O_DIRECTORY)
        guard let status = folder.status else { throw Failure(path: path, "cannot be examined", error: linux_errno()) }
        guard status.st_mode & 0o022 == 0 else {
            var message = path
            message.append(": others than its owner may change this folder; run: chmod go-w ")
            message.append(path)
            throw Failure(.storage, "folder-exposed", message)
        }
        try becomeOwner(status, path)
        let workspace = Workspace(path: Self.absolute(path), folder: folder)
        if !isReading { try workspace.lock() }
        return workspace
    }

    /// The path for programs whose working folder is another.
    private static func absolute(_ path: Text) -> Text {
        guard let real = unsafe withCString(path.terminated.span, { unsafe realpath($0, nil) }) else { return path }
        defer { unsafe free(real) }
        return unsafe text(real)
    }

    private static func becomeOwner(_ status: stat, _ path: Text) throws(Failure) {
        guard geteuid() == 0, status.st_uid != 0 else { return }
        guard linux_become(status.st_uid, status.st_gid) == 0 else {
            throw Failure(path: path, "the program cannot run as the folder's owner", error: linux_errno())
        }
        Process.protect()
    }

    /// The lock is the open file's, and ends with the process.
    private func lock() throws(Failure) {
        guard let file = Descriptor("lock", in: folder.number, O_RDWR | O_CREAT, mode: 0o600) else {
            throw Failure(path: path + Text("/lock"), "cannot be made", error: linux_errno())
        }
        guard flock(file.number, LOCK_EX | LOCK_NB) == 0 else {
            var message = path
            message.append(": another scep is at work in this folder; wait until it has ended, or end it")
            throw Failure(.storage, "busy", message)
        }
    }

    func openStore() throws(Failure) -> IdentityFolder {
        do throws(StorageError) {
            return try IdentityFolder.open(in: folder)
        } catch {
            var message = path
            message.append("/store: ")
            switch error {
            case .exposed:
                message.append("others than its owner may read it; run: chmod -R go= ")
                message.append(path)
                message.append("/store")
            case .full: message.append("the disk is full")
            default: message.append(systemMessage(linux_errno()))
            }
            throw Failure(.storage, error == .full ? "disk-full" : "storage-failed", message)
        }
    }

    /// Writes a file of its own in one step: what was there is there, or all of the new content is.
    func replace(_ name: StaticString, with content: [UInt8], mode: mode_t = 0o600) throws(Failure) {
        try OutputFile.replace(Text(name), with: content, in: folder, mode: mode, path: path)
        try OutputFile.sync(folder, path)
    }
}
