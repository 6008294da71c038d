import Board
import CLinux
import LinuxBoard
import Output

/// Files that the program writes.
enum OutputFile {
    /// Writes a file that was not there, and makes it safe from a power cut; one that is left from a cut is removed first.
    ///
    /// - Parameters:
    ///   - path: of the folder, for the words of a failure.
    static func write(
        _ content: [UInt8], to name: Text, in folder: Descriptor, mode: mode_t, path: Text
    ) throws(Failure) {
        let whole = path + Text("/") + name
        _ = unsafe withCString(name.terminated.span) { unsafe unlinkat(folder.number, $0, 0) }
        guard
            let file = Descriptor(
                path: name.terminated.span, in: folder.number, O_WRONLY | O_CREAT | O_EXCL, mode: mode)
        else { throw Failure(path: whole, "cannot be made", error: linux_errno()) }
        defer { file.close() }
        guard writeAll(content, to: file.number), fsync(file.number) == 0 else {
            throw Failure(path: whole, "cannot be written", error: linux_errno())
        }
    }

    /// Writes a file in one step: what was there is there, or all of the new content is.
    static func replace(
        _ name: Text, with content: [UInt8], in folder: Descriptor, mode: mode_t, path: Text
    ) throws(Failure) {
        let new = name + Text(".new")
        try write(content, to: new, in: folder, mode: mode, path: path)
        let isRenamed = unsafe withCString(new.terminated.span) { new in
            unsafe withCString(name.terminated.span) { unsafe renameat(folder.number, new, folder.number, $0) }
        }
        guard isRenamed == 0 else {
            throw Failure(path: path + Text("/") + name, "cannot be replaced", error: linux_errno())
        }
    }

    /// Writes what an operator asked for, if they did: beside the file that is there, whose name it then takes. `-` is
    /// standard output.
    static func write(_ content: [UInt8], _ settings: Settings, _ progress: Progress) throws(Failure) {
        guard let path = settings[.output] else { return }
        if path.equals("-") {
            guard writeAll(content, to: STDOUT_FILENO) else {
                throw Failure(path: Text("standard output"), "cannot be written", error: linux_errno())
            }
            return
        }
        let place = try OwnedPath.place(toMake: path)
        defer { place.folder.close() }
        try replace(place.name, with: content, in: place.folder, mode: 0o644, path: place.path)
        progress.say(Text("saved in ") + path)
    }

    static func sync(_ folder: Descriptor, _ path: Text) throws(Failure) {
        guard fsync(folder.number) == 0 else { throw Failure(path: path, "cannot be made safe", error: linux_errno()) }
    }
}
