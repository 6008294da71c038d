import Agent
import Board
import CLinux
import Foundation
import LinuxBoard
import PretendedSystem
import TestSupport
import Testing

@testable import Gateway
@testable import Output

/// Files that the program writes for itself, for operators and for other programs.
@Suite struct FileTests {
    private func workspace(_ directory: URL) throws -> Workspace {
        var settings = Settings()
        _ = settings.set(.directory, Array((directory.path + "/identity").utf8), from: .commandLine)
        return try Workspace.open(
            settings, isReading: FileManager.default.fileExists(atPath: directory.path + "/identity"))
    }

    private func text(_ bytes: [UInt8]) -> String { String(decoding: bytes, as: UTF8.self) }

    private func mode(_ path: String) throws -> Int? {
        try FileManager.default.attributesOfItem(atPath: path)[.posixPermissions] as? Int
    }

    /// Files below a folder that this process has open.
    private func open(below folder: String) -> [String] {
        ((try? FileManager.default.contentsOfDirectory(atPath: "/proc/self/fd")) ?? []).compactMap {
            try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/fd/\($0)")
        }.filter { $0.hasPrefix(folder) }
    }

    /// Each field is found again, and stands in none but its own line.
    @Test func statusIsReadAsItWasWritten() throws {
        try withTemporaryDirectory { directory in
            let workspace = try workspace(directory)
            #expect(StatusFile.read(in: workspace) == nil)
            var status = StatusFile()
            status.time = 1_800_000_000
            status.kind = Text("connection-refused")
            status.message = Text("nothing = listens\nkind=forged")
            status.next = Text("retry")
            status.nextTime = 1_800_000_020
            status.revoked = Text("00ff")
            status.transactionID = Text("1A2B")
            try status.write(in: workspace)
            let path = directory.path + "/identity/status"
            #expect(
                try String(contentsOfFile: path, encoding: .utf8) == """
                    time=1800000000
                    kind=connection-refused
                    message=nothing = listens\\0Akind=forged
                    next=retry
                    next-time=1800000020
                    revoked=00ff
                    transaction=1A2B

                    """)
            #expect(try mode(path) == 0o600)
            let read = try #require(StatusFile.read(in: workspace))
            #expect(read.time == 1_800_000_000 && read.nextTime == 1_800_000_020)
            #expect(text(read.kind) == "connection-refused" && text(read.next) == "retry")
            #expect(text(read.message) == "nothing = listens\\0Akind=forged")
            #expect(text(read.revoked) == "00ff" && text(read.transactionID) == "1A2B")
            // Nothing is left beside it.
            #expect(
                try FileManager.default.contentsOfDirectory(atPath: directory.path + "/identity").sorted() == [
                    "lock", "status",
                ])
        }
    }

    /// What a cut, an editor or a later version left is passed over.
    @Test func aStatusThatWasDamagedHarmsNothing() throws {
        try withTemporaryDirectory { directory in
            let workspace = try workspace(directory)
            let path = directory.path + "/identity/status"
            try Data("time=x\n\nno equals\nnext-time=-1\nother=1\nkind=k\nkind=\n".utf8).write(
                to: URL(fileURLWithPath: path))
            let read = try #require(StatusFile.read(in: workspace))
            #expect(read.time == 0 && read.nextTime == 0 && read.kind.isEmpty && read.next.isEmpty)
            for (size, isRead) in [(4096, true), (4097, false)] {
                let line = "kind=k\n"
                let content = line + String(repeating: "#", count: size - line.utf8.count)
                try Data(content.utf8).write(to: URL(fileURLWithPath: path))
                #expect((StatusFile.read(in: workspace) != nil) == isRead)
            }
        }
    }

    @Test(
        arguments: [
            ("0", 0), ("7", 7), ("0123456789", 123_456_789), ("999999999999999999", 999_999_999_999_999_999),
            ("1000000000000000000", nil), ("", nil), ("-1", nil), ("1x", nil), (" 1", nil), ("1/", nil), ("1:", nil),
        ] as [(String, Int64?)])
    func numbersHaveDecimalDigits(_ text: String, _ number: Int64?) {
        #expect(decimal(Array(text.utf8)) == number)
    }

    /// What an operator asked for, with `--output`.
    @Test func whatIsSavedReplacesWhatWasThere() throws {
        try withTemporaryDirectory { directory in
            let path = directory.path + "/out.pem"
            let before = umask(0o077)
            umask(before)
            try Data("before".utf8).write(to: URL(fileURLWithPath: path))
            try Data("left".utf8).write(to: URL(fileURLWithPath: path + ".new"))
            var settings = Settings()
            _ = settings.set(.quiet, Text("yes"), from: .commandLine)
            let progress = try Gateway.Progress(settings)
            try OutputFile.write(Text("nowhere"), settings, progress)
            _ = settings.set(.output, Array(path.utf8), from: .commandLine)
            try OutputFile.write(Text("after"), settings, progress)
            #expect(try String(contentsOfFile: path, encoding: .utf8) == "after")
            #expect(try mode(path) == 0o644)
            #expect(try FileManager.default.contentsOfDirectory(atPath: directory.path) == ["out.pem"])
            #expect(open(below: directory.path) == [])
            var absent = Settings()
            _ = absent.set(.output, Array((directory.path + "/absent/x").utf8), from: .commandLine)
            let failure = try #require(throws: Output.Failure.self) {
                try OutputFile.write(Text("x"), absent, progress)
            }
            #expect(failure.exit == .storage && text(failure.kind) == "file-failed")
            let what = geteuid() == 0 ? "absent: cannot be read" : "absent/x.new: cannot be made"
            #expect(text(failure.message).hasSuffix("\(directory.path)/\(what): No such file or directory"))
            // A folder is in the way.
            var folder = Settings()
            try FileManager.default.createDirectory(
                atPath: directory.path + "/folder/x", withIntermediateDirectories: true)
            _ = folder.set(.output, Array((directory.path + "/folder").utf8), from: .commandLine)
            let other = try #require(throws: Output.Failure.self) {
                try OutputFile.write(Text("x"), folder, progress)
            }
            #expect(text(other.message).contains("/folder: cannot be replaced: "))
        }
    }

    /// What root is told to make by a path that leads through another user's folder: they could have put a link there.
    @Test(
        .enabled(if: geteuid() == 0, "files of other users need root"),
        arguments: [
            ("theirs/way/new", false), ("roots/new", true), ("roots/deep/way/new", false),
            ("link/new", true), ("./roots/.//new", true), ("roots/open/way/new", false),
        ]) func rootMakesNothingWhereAnotherUserLeadsIt(path: String, isMade: Bool) throws
    {
        let lay = """
            mkdir -p theirs roots/deep roots/open; ln -s ../roots theirs/way; ln -s roots link
            ln -s .. roots/deep/way; ln -s .. roots/open/way
            chown -R -h daemon theirs roots/deep; chmod 2775 roots/open
            """
        for isFolder in [true, false] {
            try withTemporaryDirectory { directory in
                try SoftHSM.run("/bin/sh", ["-c", "cd '\(directory.path)'; \(lay)"])
                func names() throws -> [String] {
                    try FileManager.default.subpathsOfDirectory(atPath: directory.path).sorted()
                }
                let before = try names()
                var settings = Settings()
                _ = settings.set(.quiet, Text("yes"), from: .commandLine)
                let place = Array("\(directory.path)/\(path)".utf8)
                _ = settings.set(isFolder ? .directory : .output, place, from: .commandLine)
                func make() throws {
                    guard isFolder else {
                        return try OutputFile.write(Text("x"), settings, Gateway.Progress(settings))
                    }
                    let workspace = try Workspace.open(settings)
                    workspace.folder.close()
                }
                if isMade {
                    try make()
                    #expect(FileManager.default.fileExists(atPath: "\(directory.path)/\(path)"))
                } else {
                    let failure = try #require(throws: Output.Failure.self) { try make() }
                    #expect(text(failure.kind) == "path-untrusted", "\(text(failure.message))")
                    #expect(try names() == before)
                }
                #expect(open(below: directory.path).filter { !$0.hasSuffix("/lock") } == [])
            }
        }
    }

    /// The modes are those that were asked for, whatever there was before.
    @Test(arguments: [0o600, 0o644]) func aFileHasItsMode(mode: Int) throws {
        try withTemporaryDirectory { directory in
            let path = Array(directory.path.utf8)
            let folder = try OwnedPath.open(path, O_RDONLY | O_DIRECTORY)
            defer { folder.close() }
            try FileManager.default.createSymbolicLink(
                atPath: directory.path + "/name", withDestinationPath: "/etc/passwd")
            for content in ["a", "", "bcd"] {
                try OutputFile.write(Array(content.utf8), to: Text("name"), in: folder, mode: mode_t(mode), path: path)
                #expect(try String(contentsOfFile: directory.path + "/name", encoding: .utf8) == content)
                #expect(try self.mode(directory.path + "/name") == mode)
            }
        }
    }

    /// As root, folder by folder; nothing of it stays open.
    @Test func aPathIsFollowedAndLeft() throws {
        try withTemporaryDirectory { directory in
            let real = directory.resolvingSymlinksInPath().path
            try SoftHSM.run(
                "/bin/sh",
                [
                    "-c",
                    "cd '\(real)' && mkdir -p a/b && echo deep > a/b/file && ln -s a/b link && ln -s ../b/file a/b/again && "
                        + "ln -s '\(real)/a/./b//file' absolute && ln -s loop loop && ln -s absent dangling",
                ])
            for path in ["a/b/file", "a/../a/./b//file", "link/file", "a/b/again", "absolute", "link/../b/file"] {
                #expect(text(try InputFile.read(Array("\(real)/\(path)".utf8))) == "deep\n", "\(path)")
            }
            for (path, words) in [
                ("a/b/absent", "No such file"), ("a/b/file/x", "Not a directory"), ("loop", "Too many levels"),
                ("dangling", "No such file"), ("a/b", "Is a directory"), ("absolute/x", "Not a directory"),
            ] {
                let failure = try #require(throws: Output.Failure.self) {
                    try InputFile.read(Array("\(real)/\(path)".utf8))
                }
                #expect(text(failure.message).hasPrefix("\(real)/\(path): cannot be read: \(words)"), "\(path)")
            }
            #expect(open(below: real) == [])
        }
    }

    @Test(
        .enabled(if: geteuid() == 0, "for all others the system looks after it"),
        arguments: [
            ("/x", "/", "x"), ("x", ".", "x"), ("./x", ".", "x"), ("/etc/x", "/etc", "x"), ("/etc//./x/", "/etc", "x"),
            ("/etc/../etc/x", "/etc/../etc", "x"),
        ]) func whatIsMadeIsMadeInItsFolder(path: String, folder: String, name: String) throws
    {
        let place = try OwnedPath.place(toMake: Array(path.utf8))
        defer { place.folder.close() }
        #expect(text(place.path) == folder && text(place.name) == name)
        var (found, due) = (stat(), stat())
        #expect(fstat(place.folder.number, &found) == 0 && stat(folder, &due) == 0)
        #expect(found.st_ino == due.st_ino && found.st_dev == due.st_dev)
        let others = try asAnotherUser { try OwnedPath.place(toMake: Array(path.utf8)) }
        #expect(others.folder.number == AT_FDCWD && text(others.name) == path && text(others.path) == ".")
        for none in ["", "/", "."] {
            let failure = try #require(throws: Output.Failure.self) {
                try OwnedPath.place(toMake: Array(none.utf8)).folder.close()
            }
            #expect(text(failure.message) == "\(none): cannot be made: File exists")
        }
    }

    /// From the folder that the program was started in.
    @Test func aPathMayBeRelative() throws {
        try withTemporaryDirectory { directory in
            let real = directory.resolvingSymlinksInPath().path
            _ = try directory.write(Array("here".utf8), to: "file")
            let up = FileManager.default.currentDirectoryPath.split(separator: "/").map { _ in "../" }.joined()
            for path in [up + real.dropFirst() + "/file", "./" + up + real.dropFirst() + "/./file"] {
                #expect(text(try InputFile.read(Array(path.utf8))) == "here")
            }
            for path in [up + real.dropFirst(), "absent-\(UUID().uuidString)"] {
                #expect(throws: Output.Failure.self) { try InputFile.read(Array(path.utf8)) }
            }
            var settings = Settings()
            _ = settings.set(.quiet, Text("yes"), from: .commandLine)
            _ = settings.set(.output, Array((up + real.dropFirst() + "/new").utf8), from: .commandLine)
            try OutputFile.write(Text("written"), settings, Gateway.Progress(settings))
            #expect(try String(contentsOfFile: real + "/new", encoding: .utf8) == "written")
            #expect(open(below: real).isEmpty)
        }
    }

    /// A chain of as many links as the system follows, and one more.
    @Test func asManyLinksAreFollowedAsTheSystemFollows() throws {
        try withTemporaryDirectory { directory in
            let real = directory.resolvingSymlinksInPath().path
            try SoftHSM.run(
                "/bin/sh",
                [
                    "-c",
                    "cd '\(real)' && echo end > 0 && i=0; while [ $i -lt 41 ]; do ln -s $i $((i+1)); i=$((i+1)); done",
                ])
            for (number, isRead) in [(40, true), (41, false)] {
                let path = "\(real)/\(number)"
                #expect(((try? InputFile.read(Array(path.utf8))) != nil) == isRead)
                #expect(FileManager.default.contents(atPath: path).map { $0.isEmpty } == (isRead ? false : nil))
            }
        }
    }

    /// A number that no descriptor has is none, however long it is.
    @Test(arguments: [
        "2147483647", "2147483648", "4294967296", "999999999999999999", "9223372036854775808", "-1", "x", "",
    ])
    func aNumberOfNoDescriptorIsNone(number: String) throws {
        for folder in ["/dev/fd/", "/proc/self/fd/"] {
            let failure = try #require(throws: Output.Failure.self) {
                try InputFile.read(Array((folder + number).utf8))
            }
            #expect(text(failure.message).hasPrefix("\(folder)\(number): cannot be read: "))
        }
    }

    /// Which set is published is known of a link to one, and of nothing else that may have its name.
    @Test(
        arguments: [
            (56, true), (57, false), (58, false), (200, false),
        ]) func whatIsPublishedIsKnownByItsLink(size: Int, isKnown: Bool) throws
    {
        try withTemporaryDirectory { directory in
            let workspace = try workspace(directory)
            let link = directory.path + "/identity/current"
            #expect(PublishedFiles.current(in: workspace) == nil)
            let name = String(repeating: "n", count: size)
            try FileManager.default.createSymbolicLink(atPath: link, withDestinationPath: "issued/" + name)
            #expect(PublishedFiles.current(in: workspace).map(text) == (isKnown ? name : nil))
            try FileManager.default.removeItem(atPath: link)
            try FileManager.default.createSymbolicLink(atPath: link, withDestinationPath: "other/" + name)
            #expect(PublishedFiles.current(in: workspace) == nil)
            try FileManager.default.removeItem(atPath: link)
            try Data("issued/\(name)".utf8).write(to: URL(fileURLWithPath: link))
            #expect(PublishedFiles.current(in: workspace) == nil)
        }
    }

    /// The limit is what a file may have, and not one byte more.
    @Test(arguments: [(0, true), (9999, true), (10_000, true), (10_001, false)])
    func aFileHasItsLimit(size: Int, isRead: Bool) throws {
        try withTemporaryDirectory { directory in
            let path = Array(try directory.write([UInt8](repeating: 7, count: size), to: "file").utf8)
            guard isRead else {
                let failure = try #require(throws: Output.Failure.self) { try InputFile.read(path, limit: 10_000) }
                #expect(
                    text(failure.message)
                        == "\(text(path)): is larger than the 10000 bytes that such a file may have")
                return
            }
            #expect(try InputFile.read(path, limit: 10_000) == [UInt8](repeating: 7, count: size))
            // A pipe has no size: what comes is counted.
            let pipe = Pipe()
            try pipe.fileHandleForWriting.write(contentsOf: Data(count: size))
            try pipe.fileHandleForWriting.close()
            let fd = Array("/dev/fd/\(pipe.fileHandleForReading.fileDescriptor)".utf8)
            #expect(try InputFile.read(fd, limit: 10_000).count == size)
        }
    }

    /// A folder that another may change is no place for keys; one that is missing is made, unless it is only looked at.
    @Test func theFolderOfAnIdentity() throws {
        try withTemporaryDirectory { directory in
            let path = directory.resolvingSymlinksInPath().path + "/identity"
            func open(isReading: Bool = false) -> String {
                var settings = Settings()
                _ = settings.set(.directory, Array(path.utf8), from: .commandLine)
                do throws(Output.Failure) {
                    return text(try Workspace.open(settings, isReading: isReading).path)
                } catch {
                    return "\(error.exit) " + text(error.kind) + " " + text(error.message)
                }
            }
            #expect(
                open(isReading: true) == "pending no-identity \(path): there is nothing here yet; scep enroll begins")
            #expect(open() == path)
            #expect(try mode(path) == 0o755)
            #expect(try mode(path + "/lock") == 0o600)
            // The first has it until this process ends; who only reads needs no lock.
            #expect(
                open()
                    == "storage busy \(path): another scep is at work in this folder; wait until it has ended, or end it"
            )
            #expect(open(isReading: true) == path)
            for mode in [0o775, 0o757, 0o777] {
                try FileManager.default.setAttributes([.posixPermissions: mode], ofItemAtPath: path)
                #expect(
                    open(isReading: true)
                        == "storage folder-exposed \(path): others than its owner may change this folder; run: chmod go-w \(path)"
                )
            }
            try FileManager.default.setAttributes([.posixPermissions: 0o700], ofItemAtPath: path)
            #expect(open(isReading: true) == path)
        }
    }

    /// Who may not read the store, and what keeps the program from it, is said.
    @Test func aStoreThatCannotBeUsedIsNamed() throws {
        try withTemporaryDirectory { directory in
            let workspace = try workspace(directory)
            let path = text(workspace.path)
            func failure() -> String {
                do throws(Output.Failure) {
                    _ = try workspace.openStore()
                    return ""
                } catch {
                    return "\(error.exit) " + text(error.kind) + " " + text(error.message)
                }
            }
            #expect(failure().isEmpty)
            for mode in [0o701, 0o710, 0o750] {
                try FileManager.default.setAttributes([.posixPermissions: mode], ofItemAtPath: path + "/store")
                #expect(
                    failure()
                        == "storage storage-failed \(path)/store: others than its owner may read it; run: chmod -R go= \(path)/store"
                )
            }
            try FileManager.default.setAttributes([.posixPermissions: 0o700], ofItemAtPath: path + "/store")
            #expect(failure().isEmpty)
            try FileManager.default.removeItem(atPath: path + "/store")
            try Data().write(to: URL(fileURLWithPath: path + "/store"))
            #expect(failure() == "storage storage-failed \(path)/store: Not a directory")
            try FileManager.default.removeItem(atPath: path + "/store")
            for (number, words) in [
                (ENOSPC, "disk-full \(path)/store: the disk is full"),
                (EDQUOT, "disk-full \(path)/store: the disk is full"),
                (EIO, "storage-failed \(path)/store: Input/output error"),
            ] {
                #expect(pretending([.fails(number)], of: .fsync) { failure() } == "storage " + words)
            }
        }
    }

    /// Whoever is not root stays who they are, whoever the folder belongs to.
    @Test(.enabled(if: geteuid() == 0, "folders of other users need root"))
    func onlyRootBecomesTheFoldersOwner() throws {
        try withTemporaryDirectory { directory in
            let path = directory.path + "/identity"
            try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: false)
            chown(path, 1, 1)
            var settings = Settings()
            _ = settings.set(.directory, Array(path.utf8), from: .commandLine)
            let workspace = try asAnotherUser { try Workspace.open(settings) }
            workspace.folder.close()
            #expect(getuid() == 0 && geteuid() == 0 && getegid() == 0)
        }
    }

    /// Root becomes who the folder belongs to, and whose group it is.
    @Test(.enabled(if: geteuid() == 0, "folders of other users need root")) func rootBecomesTheFoldersOwner()
        async throws
    {
        let folder = FileManager.default.temporaryDirectory.appending(path: "scep-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        let path: String = folder.path
        chown(path, 1, 2)
        await #expect(processExitsWith: .exitCode(0)) { [path = path as String] in
            var settings = Settings()
            _ = settings.set(.directory, Array(path.utf8), from: .commandLine)
            // Core files would be the other user's.
            var limit = rlimit()
            getrlimit(__rlimit_resource_t(RLIMIT_CORE.rawValue), &limit)
            limit.rlim_cur = limit.rlim_max
            setrlimit(__rlimit_resource_t(RLIMIT_CORE.rawValue), &limit)
            guard (try? Workspace.open(settings)) != nil else { exit(1) }
            getrlimit(__rlimit_resource_t(RLIMIT_CORE.rawValue), &limit)
            guard limit.rlim_cur == 0 else { exit(3) }
            var groups = [gid_t](repeating: 0, count: 64)
            let count = getgroups(64, &groups)
            let isOthers = getuid() == 1 && geteuid() == 1 && getgid() == 2 && getegid() == 2
            exit(isOthers && setuid(0) != 0 && !groups.prefix(max(Int(count), 0)).contains(0) ? 0 : 2)
        }
        var status = stat()
        #expect(stat(path + "/lock", &status) == 0 && status.st_uid == 1)
    }

    /// What is no folder is none, and nobody waits for a pipe.
    @Test(arguments: ["touch", "mkfifo"]) func whatIsNoFolderIsNamed(maker: String) throws {
        try withTemporaryDirectory { directory in
            let path = directory.path + "/identity"
            try SoftHSM.run("/bin/sh", ["-c", "\(maker) '\(path)'"])
            var settings = Settings()
            _ = settings.set(.directory, Array(path.utf8), from: .commandLine)
            for isReading in [false, true] {
                let failure = try #require(throws: Output.Failure.self) {
                    try Workspace.open(settings, isReading: isReading)
                }
                #expect(text(failure.message) == "\(path): cannot be read: Not a directory")
            }
            #expect(open(below: path).isEmpty)
        }
    }

    /// What the disk does not take is not taken for written; what was there is there.
    @Test(
        arguments: [
            ([.fails(ENOSPC)], .write, "disk-full", "/status.new: cannot be written: No space left on device"),
            ([.fails(EDQUOT)], .write, "disk-full", "/status.new: cannot be written: Disk quota exceeded"),
            ([.takes(1), .fails(EIO)], .write, "file-failed", "/status.new: cannot be written: Input/output error"),
            ([.fails(EIO)], .fsync, "file-failed", "/status.new: cannot be written: Input/output error"),
            ([.itsOwn, .fails(ENOSPC)], .fsync, "disk-full", ": cannot be made safe: No space left on device"),
        ] as [([PretendedOutcome], PretendedCall, String, String)])
    func whatIsNotWrittenIsSaid(_ outcomes: [PretendedOutcome], _ call: PretendedCall, kind: String, words: String)
        throws
    {
        try withTemporaryDirectory { directory in
            let workspace = try workspace(directory)
            try workspace.replace("status", with: Text("before"))
            let failure = try #require(throws: Output.Failure.self) {
                try pretending(outcomes, of: call) { try workspace.replace("status", with: Text("after")) }
            }
            #expect(failure.exit == .storage && text(failure.kind) == kind)
            #expect(text(failure.message) == text(workspace.path) + words)
            // The name was given to the whole of it already where only the folder was not safe.
            let left = try String(contentsOfFile: directory.path + "/identity/status", encoding: .utf8)
            #expect(left == (words.hasPrefix("/") ? "before" : "after"))
            #expect(open(below: text(workspace.path) + "/status").isEmpty)
        }
    }

    /// A signal, or a disk that takes one byte at a time, changes nothing.
    @Test func whatIsWrittenByPartsIsWhole() throws {
        try withTemporaryDirectory { directory in
            let workspace = try workspace(directory)
            let path = directory.path + "/identity/status"
            try pretending([.interrupted, .takes(1), .interrupted, .takes(2)], of: .write) {
                try workspace.replace("status", with: Text("written by parts"))
            }
            #expect(try String(contentsOfFile: path, encoding: .utf8) == "written by parts")
            let read = try pretending([.interrupted, .takes(1), .interrupted, .takes(2)], of: .read) {
                try InputFile.read(Array(path.utf8))
            }
            #expect(text(read) == "written by parts")
            let failure = try #require(throws: Output.Failure.self) {
                try pretending([.takes(1), .fails(EIO)], of: .read) { try InputFile.read(Array(path.utf8)) }
            }
            #expect(text(failure.message) == "\(path): cannot be read: Input/output error")
        }
    }
}
