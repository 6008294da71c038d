import EmulationTestSupport
import Foundation
import TestSupport
import Testing

@testable import Emulator

/// What `Toolchain/firmware` says of a file `board` that is wrong, before it builds anything.
@Suite struct BoardFileCheckTests {
    private static let project = URL(filePath: #filePath).deletingLastPathComponent()
        .appending(path: "../../..").standardizedFileURL

    /// All that there is to say, each once.
    private static let lines = [
        "title=a board", "triple=armv6m-none-none-eabi", "processor=cortex-m0", "float=soft",
        "emulator=qemu-system-arm -M m",
        "network=-nic none", "image=-kernel ", "key=p256", "entropy=-o /dev/urandom", "clock=-rtc base=",
        "storage=-drive d",
        "storage-size=65536", "storage-seed=0", "storage-record=2048", "storage-identity=4096", "storage-end=65536",
        "[relay]",
        "flash=1000", "ram=1000", "stack=800", "work=80", "text=80", "arena=80", "ca=1024",
    ]

    private func check(_ lines: [String]) async throws -> (ending: Ending, lines: [String]) {
        try await withTemporaryDirectory { folder in
            let folder = folder.appending(path: "b")
            try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
            try Data(lines.joined(separator: "\n").utf8).write(to: folder.appending(path: "board"))
            // Of an image that there is not, so that nothing is built of a file that is right.
            let firmware = Program(
                executable: Self.project.appending(path: "Toolchain/firmware").path, arguments: [folder.path, "none"],
                folder: folder, origin: "a whole checkout")
            let run = try await firmware.run(timeLimit: .hang) { try await $0.end() }
            return (run.ending, run.lines.map { $0.text.replacing(folder.path, with: "b") })
        }
    }

    @Test func whatIsRightIsTaken() async throws {
        let (ending, lines) = try await check(Self.lines)
        #expect(ending == .exited(1))
        #expect(lines == ["firmware: b has no image 'none': its file 'board' has relay"])
    }

    /// Each name with a value that it cannot have.
    @Test(arguments: [
        ("key=p255", "write p256, p384, rsa2048, rsa3072 or rsa4096"),
        ("entropy=-o /dev/random", "the file that bytes come from is /dev/urandom"),
        ("clock=-rtc utc", "it ends where the time follows: base="),
        ("storage-size=64K", "write a number of bytes"), ("storage-seed=-1", "write a number of bytes"),
        ("storage-record=x", "write a number of bytes"), ("storage-identity=0x10", "write a number of bytes"),
        ("storage-end=1 2", "write a number of bytes"), ("flash=0", "write a number of bytes"),
        ("ram=1K", "write a number of bytes"), ("stack=804", "write a multiple of 8 bytes"),
        ("work=81", "write a multiple of 8 bytes"), ("text=-8", "write a number of bytes"),
        ("arena=1.5", "write a number of bytes"), ("ca=", "write name=value"),
    ])
    func wrongValueIsNamed(line: String, remedy: String) async throws {
        let name = String(line.prefix { $0 != "=" })
        let place = try #require(Self.lines.firstIndex { $0.hasPrefix("\(name)=") })
        var lines = Self.lines
        lines[place] = line
        let (ending, said) = try await check(lines)
        #expect(ending == .exited(1))
        #expect(said.first == "b/board, line \(place + 1): \"\(line)\": \(remedy)")
    }

    /// Each name twice, and each image.
    @Test func repetitionIsNamed() async throws {
        // Behind each line the same again; the limits are wrong a third time, in an image that is there twice.
        let twice = Self.lines.flatMap { [$0, $0] }
        let (ending, said) = try await check(twice)
        #expect(ending == .exited(1))
        #expect(
            said
                == Self.lines.enumerated().map { index, line in
                    let name = line.prefix { $0 != "=" }
                    let remedy = line == "[relay]" ? "this image is there twice" : "write \(name) once"
                    return "b/board, line \(2 * index + 2): \"\(line)\": \(remedy)"
                })
    }

    @Test(arguments: [
        ("wrok=1", 16, "of a board there are: title triple processor"), ("flash=1", 16, "of a board there are: "),
        ("wrok=1", 24, "of an image there are: flash ram stack work text arena ca"),
        ("key=p256", 24, "of an image there are: "), ("[rely]", 24, "an image is [usual], [https] or [relay]"),
        ("work", 24, "write name=value"), ("=1", 16, "write name=value"),
    ])
    func unknownNameIsNamed(line: String, place: Int, remedy: String) async throws {
        var lines = Self.lines
        lines.insert(line, at: place)
        let (ending, said) = try await check(lines)
        #expect(ending == .exited(1))
        #expect(said.count == 1 && said[0].hasPrefix("b/board, line \(place + 1): \"\(line)\": \(remedy)"), "\(said)")
    }

    @Test(arguments: [
        ("title", ""), ("triple", ""), ("processor", ""), ("float", ""), ("flash", " in [relay]"),
        ("ram", " in [relay]"),
        ("stack", " in [relay]"), ("storage-size", ", which storage= wants"),
        ("storage-record", ", which storage= wants"),
        ("storage-identity", ", which storage= wants"), ("storage-end", ", which storage= wants"),
    ])
    func whatIsMissingIsNamed(name: String, wherefore: String) async throws {
        let (ending, said) = try await check(Self.lines.filter { !$0.hasPrefix("\(name)=") })
        #expect(ending == .exited(1))
        #expect(said == ["b/board: there is no \(name)=…\(wherefore)"])
    }
}
