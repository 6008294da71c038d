import Foundation
import TestSupport
import Testing

@testable import Emulator

@Suite struct BoardFileTests {
    private static let text = """
        # A board.
        title=Cortex-M3, x=1
        emulator=qemu-system-arm -M m
        network=-nic none

        [usual]
        flash=1000
        # Less.
        ram=200
        [relay]
        flash=900

        """

    @Test func valuesAndLimitsAreRead() throws {
        let file = try BoardFile(text: Self.text, file: "b/board")
        #expect(try file.value("title") == "Cortex-M3, x=1")
        #expect(file["flash"] == nil)
        #expect(file.images == ["relay", "usual"])
        #expect(try file.limits(of: "usual") == ["flash": 1000, "ram": 200])
        #expect(try file.limits(of: "relay") == ["flash": 900])
    }

    @Test(arguments: ["flash", "flash=", "=1", "[a", "[]", "flash=1\nflash=2", "[a]\n[a]"])
    func malformedLineIsNamed(text: String) throws {
        let error = #expect(throws: BoardFileError.self) {
            try BoardFile(text: "# limits\n" + text, file: "b/board")
        }
        #expect(error?.description.hasPrefix("b/board, line \(text.contains("\n") ? 3 : 2): ") == true)
    }

    @Test(arguments: ["x", "0", "-1", "1=2", "1 # one"])
    func limitIsANumberOfBytes(value: String) throws {
        let file = try BoardFile(text: "[usual]\nflash=\(value)", file: "b/board")
        let error = #expect(throws: BoardFileError.self) { try file.limits(of: "usual") }
        #expect(error?.description == "b/board, flash=\(value) in [usual] is no number of bytes")
    }

    @Test func whatIsNotThereIsNamed() throws {
        let file = try BoardFile(text: "emulator=m\n", file: "b/board")
        #expect(throws: BoardFileError.self) { try file.limits(of: "usual") }
        let error = #expect(throws: BoardFileError.self) { try BoardKind(name: "b", file) }
        #expect(error?.description == "b/board, there is no title")
    }

    @Test func aMachineMayHaveNoNetwork() throws {
        let file = try BoardFile(text: "title=t\nemulator=qemu-system-arm -M m\n", file: "b/board")
        let board = try #require(try BoardKind(name: "b", file))
        let folder = URL(filePath: "/")
        #expect(board.isMachine)
        #expect(!board.program(image: folder, in: folder).arguments.contains { $0.hasPrefix("-n") })
    }

    /// The usual image is started, and where there is none another.
    @Test(arguments: [("[https]\n[relay]\n[usual]", "firmware"), ("[relay]", "firmware-relay"), ("", "firmware")])
    func firstImageIsTheUsualOne(images: String, target: String) throws {
        let file = try BoardFile(text: "title=t\nemulator=qemu-system-arm -M m\n" + images, file: "b/board")
        let board = try #require(try BoardKind(name: "b", file))
        #expect(board.image.command == "make \(target) board=b")
    }

    /// The parts that not every board has: where its flash is, its keys, its random generator, its clock.
    @Test func partsAreOptionsOfQEMU() throws {
        let text = """
            title=t
            emulator=qemu-system-arm -M m
            image=-device loader,file=
            key=p256
            entropy=-object rng,filename=/dev/urandom
            clock=-rtc base=
            storage=-drive f
            storage-size=4096
            storage-record=256
            storage-identity=1024
            storage-end=3072
            """
        let board = try #require(try BoardKind(name: "b", BoardFile(text: text, file: "b/board")))
        #expect(board.key == "p256" && board.hasEntropy && board.hasClock)
        #expect(board.regions == FlashRegions(size: 4096, seed: nil, record: 256, identity: 1024..<3072))
        let options = BootOptions(entropy: "/e", clock: Date(timeIntervalSince1970: 86_399))
        let arguments = board.program(image: URL(filePath: "/i"), in: URL(filePath: "/"), options: options).arguments
        let line = arguments.joined(separator: " ")
        for part in ["-M m -drive f", "-object rng,filename=/e", "-rtc base=1970-01-01T23:59:59"] {
            #expect(line.contains(part), "\(line)")
        }
        #expect(arguments.last == "loader,file=/i")
        let usual = board.program(image: URL(filePath: "/i"), in: URL(filePath: "/")).arguments.joined(separator: " ")
        #expect(usual.contains("filename=/dev/urandom") && !usual.contains("-rtc"))
    }

    @Test(arguments: ["storage-size=64K", "storage-record=-1", "storage-end=x", "storage-seed=0x0"])
    func regionIsANumberOfBytes(line: String) throws {
        let name = String(line.prefix { $0 != "=" })
        var lines = [
            "storage=-drive f", "storage-size=1", "storage-seed=0", "storage-record=0", "storage-identity=0",
            "storage-end=1",
        ]
        lines = lines.map { $0.hasPrefix("\(name)=") ? line : $0 }
        let file = try BoardFile(text: lines.joined(separator: "\n"), file: "b/board")
        let error = #expect(throws: BoardFileError.self) { try file.regions }
        #expect(error?.description == "b/board, \(line) is no number of bytes")
    }

    /// A board is a folder with that file, and one that no machine emulates is not tried.
    @Test func boardsAreFound() throws {
        try withTemporaryDirectory { project in
            func add(_ name: String, _ text: String?) throws {
                let folder = project.appending(path: "Boards/\(name)")
                try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
                if let text { try Data(text.utf8).write(to: folder.appending(path: "board")) }
            }
            try add("second", Self.text)
            try add("first", Self.text)
            try add("real", "title=a real one")
            try add("other", nil)
            let boards = try BoardKind.all(in: project)
            #expect(boards.map(\.name) == ["first", "second", "linux", "armhf", "arm64"])
            #expect(boards.map(\.isMachine) == [true, true, false, false, false])
            #expect(boards[0].title == "first (Cortex-M3, x=1), emulated")
            #expect(boards[0].image.command == "make firmware board=first")
        }
    }
}
