import CLinux
import Foundation
import LinuxBoard
import PretendedSystem
import Synchronization
import TestSupport
import Testing

@testable import Gateway
@testable import Output

/// Files with secrets: nobody else may read or change them.
@Suite struct InputFileTests {
    private func kind(_ read: () throws -> [UInt8]) -> String {
        do {
            return "read " + String(decoding: try read(), as: UTF8.self)
        } catch let failure as Failure {
            return String(decoding: failure.kind, as: UTF8.self)
        } catch {
            return "\(error)"
        }
    }

    @Test(arguments: [
        ("word\nsecond line", 0o600, "read word"), ("word", 0o400, "read word"), ("word\r\n", 0o600, "read word"),
        // What editors of Windows leave.
        ("\u{FEFF}word\r\n", 0o600, "read word"), ("\u{FEFF}\r\n", 0o600, "secret-empty"),
        ("w\0o\0r\0d\0\r\0\n\0", 0o600, "not-utf-8"),
        (" blanks \n", 0o600, "read  blanks "), ("", 0o600, "secret-empty"), ("\nword", 0o600, "secret-empty"),
        ("word", 0o640, "secret-exposed"), ("word", 0o604, "secret-exposed"), ("word", 0o620, "secret-exposed"),
        ("word", 0o601, "secret-exposed"), (String(repeating: "w", count: 65_537), 0o600, "file-failed"),
    ])
    func secretIsTheFirstLineOfAPrivateFile(_ content: String, _ mode: Int, _ outcome: String) throws {
        try withTemporaryDirectory { directory in
            let path = try directory.writePrivate(Array(content.utf8), to: "secret", mode: mode)
            #expect(kind { try InputFile.readSecret(path) } == outcome)
        }
    }

    /// The text of one file in the encodings of Windows' editors.
    @Test(arguments: [
        ("url = x", "read url = x"), ("EFBBBF", "read "), ("EFBBBF 61 62", "read ab"), ("61 EFBBBF", "read a\u{FEFF}"),
        ("FFFE 7500 7200", "not-utf-8"), ("FEFF 0075 0072", "not-utf-8"), ("7500 7200 0A00", "not-utf-8"),
        ("FFFE0000 75000000", "not-utf-8"),
        // Letters of two bytes, none of them zero; and what is no UTF-8 either, but no mark.
        ("FFFE 0402 4104", "not-utf-8"), ("FEFF 0402 0441", "not-utf-8"), ("FEFE 61", "read \u{FFFD}\u{FFFD}a"),
        ("FFFF 61", "read \u{FFFD}\u{FFFD}a"), ("FD 61", "read \u{FFFD}a"), ("EFBBBE", "read \u{FEFE}"),
        ("EFBABF", "read \u{FEBF}"),
    ])
    func textIsUTF8WithoutItsMark(_ content: String, _ outcome: String) throws {
        try withTemporaryDirectory { directory in
            let bytes = content.hasPrefix("url") ? Array(content.utf8) : [UInt8](hex: content)
            let path = Array(try directory.write(bytes, to: "scep.conf").utf8)
            #expect(kind { try InputFile.readText(path) } == outcome)
        }
    }

    @Test func whatIsNoFileIsNamed() throws {
        try withTemporaryDirectory { directory in
            let folder = Array(directory.path.utf8)
            #expect(kind { try InputFile.readSecret(folder) } == "file-failed")
            #expect(kind { try InputFile.readSecret(folder + Array("/absent".utf8)) } == "file-failed")
        }
    }

    /// More than an Int of 32 bits counts, and more than an Int32.
    @Test(arguments: [2_147_483_648, 4_294_967_301, 1_099_511_627_776])
    func sizesAreCheckedInSixtyFourBits(size: Int64) throws {
        try withTemporaryDirectory { directory in
            let path = try directory.writePrivate([], to: "large")
            let isLarge = truncate(String(decoding: path, as: UTF8.self), off_t(size)) == 0
            #expect(isLarge)
            #expect(kind { try InputFile.read(path) } == "file-failed")
            #expect(kind { try InputFile.readSecret(path) } == "file-failed")
            let name = path + [0]
            let file = Descriptor(path: name.span, O_RDONLY)
            #expect(file?.size(upTo: 1 << 20) == nil)
            #expect(file?.size(upTo: Int(Int32.max)) == nil)
            #expect(file?.size(upTo: Int(size)) == Int(size))
            file?.close()
        }
    }

    /// A folder of another user, who could have put there whatever root then reads. Each row: a script that lays things
    /// out, the path to read, and what comes of it.
    @Test(
        .enabled(if: getuid() == 0, "files of other users need root"),
        arguments: [
            ("", "theirs/own", "read own"), ("", "roots/secret", "read roots"),
            ("ln -s ../roots/secret theirs/link", "theirs/link", "path-untrusted"),
            ("ln -s ../roots theirs/way", "theirs/way/secret", "path-untrusted"),
            ("ln -s roots/secret link", "link", "read roots"), ("ln -s theirs/own link", "link", "read own"),
            ("ln -s theirs/link link; ln -s ../roots/secret theirs/link", "link", "path-untrusted"),
            ("ln -s ../roots/../theirs/own theirs/link", "theirs/link", "read own"),
            ("ln -s ../theirs/../roots/secret roots/link", "roots/link", "path-untrusted"),
            ("cp roots/secret theirs/secret; chmod 600 theirs/secret", "theirs/secret", "path-untrusted"),
            ("ln -s own theirs/link; chown -h nobody theirs/link", "theirs/link", "path-untrusted"),
            ("chmod 777 roots", "roots/secret", "path-untrusted"), ("chmod 1777 roots", "roots/secret", "read roots"),
            ("chgrp staff roots; chmod 2775 roots", "roots/secret", "path-untrusted"),
            ("chmod 775 theirs", "theirs/own", "path-untrusted"), ("chmod 1775 roots", "roots/secret", "read roots"),
            ("ln -s link theirs/link", "theirs/link", "file-failed"), ("", "theirs/own/x", "file-failed"),
        ])
    func rootReadsWhatNobodyElsePutThere(script: String, path: String, outcome: String) throws {
        try withTemporaryDirectory { directory in
            let lay = """
                cd '\(directory.path)'; mkdir theirs roots; echo roots > roots/secret; echo own > theirs/own
                chmod 600 theirs/own roots/secret; chown -R daemon theirs
                """
            try SoftHSM.run("/bin/sh", ["-c", lay + "\n" + script])
            try SoftHSM.run(
                "/bin/sh",
                [
                    "-c",
                    "cd '\(directory.path)'; for l in theirs/link theirs/way; do "
                        + "[ ! -L $l ] || [ \"$(stat -c %U $l)\" = nobody ] || chown -h daemon $l; done",
                ])
            let whole = Array((directory.path + "/" + path).utf8)
            #expect(kind { try InputFile.readSecret(whole) } == outcome)
            guard outcome == "path-untrusted" else { return }
            let failure = try #require(throws: Failure.self) { try InputFile.readSecret(whole) }
            // Whose it is that is in the way is said by its name.
            let names = path.split(separator: "/") + ["theirs", "roots", "link"]
            let message = String(decoding: failure.message, as: UTF8.self)
            #expect(names.contains { message.contains("than '\($0)' on its path") }, "\(message)")
        }
    }

    /// Whoever owns a file can change it, whatever its mode is. Whoever is root is let in by a file's mode, and has to look
    /// at its owner all the same.
    @Test func anotherUsersSecretIsNotRead() throws {
        try withTemporaryDirectory { directory in
            let path = try directory.writePrivate(Array("word".utf8), to: "secret")
            #expect(kind { try InputFile.readSecret(path) } == "read word")
            // Root's is everybody's to read.
            let isRoot = getuid() == 0
            #expect(
                asAnotherUser { kind { try InputFile.readSecret(path) } } == (isRoot ? "read word" : "secret-exposed"))
            guard isRoot else { return }
            let reader = asAnotherUser { geteuid() }
            let name = String(decoding: path, as: UTF8.self)
            for (owner, outcome) in [(reader, "read word"), (reader + 1, "secret-exposed")] {
                #expect(chown(name, owner, 0) == 0)
                #expect(asAnotherUser { kind { try InputFile.readSecret(path) } } == outcome)
            }
        }
    }

    /// systemd lets the service read its credentials by an access list, which looks like a group that may. That is so in
    /// their folder, and nowhere else (systemd.exec(5)).
    @Test(arguments: [
        ("credentials/secret", 0o440, "read word"), ("credentials/secret", 0o400, "read word"),
        ("credentials/secret", 0o460, "secret-exposed"), ("credentials/secret", 0o444, "secret-exposed"),
        ("credentials/secret", 0o450, "secret-exposed"), ("credentials/secret", 0o442, "secret-exposed"),
        ("credentials/deeper/secret", 0o440, "read word"), ("credentials/..hidden", 0o440, "secret-exposed"),
        ("credentials/../secret", 0o440, "secret-exposed"),
        ("credentials/deeper/../../secret", 0o440, "secret-exposed"),
        ("credentials/../secret", 0o400, "read word"), ("credentials2/secret", 0o440, "secret-exposed"),
        ("secret", 0o440, "secret-exposed"),
    ]) func credentialsAreInTheirFolder(_ place: String, _ mode: Int, _ outcome: String) throws {
        try Self.credentials.withLock { folder in
            for name in ["credentials/deeper", "credentials2"] {
                try FileManager.default.createDirectory(
                    at: folder.appending(path: name), withIntermediateDirectories: true)
            }
            let path = Array((folder.path + "/" + place).utf8)
            let url = URL(fileURLWithPath: folder.path + "/" + place).standardizedFileURL
            _ = try url.deletingLastPathComponent().writePrivate(
                Array("word".utf8), to: url.lastPathComponent, mode: mode)
            setenv("CREDENTIALS_DIRECTORY", folder.path + "/credentials", 1)
            defer {
                unsetenv("CREDENTIALS_DIRECTORY")
                try? FileManager.default.removeItem(at: folder)
            }
            #expect(kind { try InputFile.readSecret(path) } == outcome)
        }
    }

    /// One at a time, since the environment is the process's.
    private static let credentials = Mutex(
        FileManager.default.temporaryDirectory.appending(path: "scep-credentials-\(UUID().uuidString)"))

    @Test func whatIsOpenAlreadyIsRead() throws {
        try withTemporaryDirectory { directory in
            let path = try directory.writePrivate(Array("open\n".utf8), to: "secret")
            for prefix in ["/dev/fd/", "/proc/self/fd/"] {
                let descriptor = open(String(decoding: path, as: UTF8.self), O_RDONLY)
                defer { close(descriptor) }
                #expect(kind { try InputFile.readSecret(Array("\(prefix)\(descriptor)".utf8)) } == "read open")
            }
        }
    }
}
