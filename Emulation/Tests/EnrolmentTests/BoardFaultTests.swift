import EmulationTestSupport
import Emulator
import Foundation
import TestSupport
import Testing

/// What a board says when its firmware fails, and where in the sources that is found to be.
@Suite struct BoardFaultTests {
    /// An instruction that there is not, in place of the first of `boardMain`.
    @Test(arguments: Bench.allMachines)
    func faultIsGivenItsPlaceInTheSources(board: BoardKind) async throws {
        let isARM = try emulator(of: board).contains("-arm")
        // udf #0; c.unimp
        let (lines, places) = try await crash(board, boardMainIs: isARM ? [0x00, 0xDE] : [0x00, 0x00])
        #expect(lines.last?.hasPrefix("fault: ") == true)
        // What of `enrol` is its first instruction may be inlined into it.
        let pc = places.drop { !$0.hasPrefix("  pc ") }.prefix { !$0.hasPrefix("  lr ") && !$0.hasPrefix("  ra ") }
            .joined(separator: "\n")
        let source = "Boards/\(board)/Sources/Firmware/Firmware.swift"
        #expect(pc.contains(" boardMain at \(source):\(try line(of: "func boardMain()", in: source)):"), "\(places)")
        // It was called from where static data had been put in place.
        let caller = places.drop { !$0.hasPrefix("  lr ") && !$0.hasPrefix("  ra ") }.joined(separator: "\n")
        let reset = "Sources/\(isARM ? "CortexM" : "RISCV")/Reset.swift"
        #expect(caller.contains(" at \(reset):\(try line(of: "    boardMain()", in: reset)):"), "\(places)")
    }

    /// A function that calls itself without end.
    @Test(arguments: Bench.allMachines)
    func stackThatOverflowsIsNamed(board: BoardKind) async throws {
        let code: [UInt8] =
            try emulator(of: board).contains("-arm")
            // push {r0-r7, lr}; b to it
            ? [0xFF, 0xB5, 0xFD, 0xE7]
            // addi sp, sp, -64; sw ra, 0(sp); j to the first
            : [0x39, 0x71, 0x06, 0xC0, 0xF5, 0xBF]
        let (lines, _) = try await crash(board, boardMainIs: code)
        let last = try #require(lines.last)
        #expect(last.hasPrefix("fault: ") && last.contains(" stack overflow"), "\(lines)")
    }

    /// What is no address of the image, and a line that is none of a fault.
    @Test(arguments: Bench.machines.prefix(1))
    func logPassesThroughWithPlacesBehindItsFaults(board: BoardKind) async throws {
        let image = try board.image.file(in: Bench.project)
        let main = String(try await address(of: "boardMain", in: image), radix: 16)
        let padded = String(repeating: "0", count: 8 - main.count) + main
        let script = """
            printf 'pc \(padded)\\r\\nfault: exception 3 pc \(padded) lr fffffff9 cfsr 00010000\\r\\nrest' |
                Toolchain/symbolize '\(image.path)'
            """
        let shell = Program(
            executable: "/bin/sh", arguments: ["-c", script], folder: Bench.project, origin: "Debian")
        let run = try await shell.run(timeLimit: .hang) { try await $0.end() }
        let lines = run.lines.map(\.text)
        try #require(lines.count >= 5, "\(lines)")
        #expect(lines[0] == "pc \(padded)")
        #expect(lines[2].hasPrefix("  pc \(padded): "))
        #expect(lines[2..<(lines.count - 2)].contains { $0.contains(" boardMain at Boards/\(board)/") }, "\(lines)")
        #expect(lines[lines.count - 2] == "  lr fffffff9: no place in the code")
        #expect(lines[lines.count - 1] == "rest")
    }

    /// Runs the board's own image with `code` in place of what begins `boardMain`.
    private func crash(_ board: BoardKind, boardMainIs code: [UInt8]) async throws -> (
        lines: [String], places: [String]
    ) {
        try await withTemporaryDirectory { folder in
            let image = try board.image.file(in: Bench.project)
            let text = try #require(try await tool("readelf", ["-SW", image.path]).first { $0.contains(" .text ") })
            let columns = text.split(separator: " ").drop { $0 != "PROGBITS" }.dropFirst().prefix(2)
                .compactMap { Int($0, radix: 16) }
            try #require(columns.count == 2, "address and offset: \(text)")
            var bytes = try Data(contentsOf: image)
            let start = try await address(of: "boardMain", in: image) - columns[0] + columns[1]
            bytes.replaceSubrange(start..<(start + code.count), with: code)
            let broken = folder.appending(path: "broken.elf")
            try bytes.write(to: broken)
            let device = Device(board: board, image: broken, folder: folder, project: Bench.project)
            // QEMU does not start without what it has for a flash.
            try Data(count: board.regions.size).write(to: device.flash)
            let error = await #expect(throws: BoardError.self) {
                try await Bench.gate.pass { try await device.runToEnd(timeLimit: .hang) }
            }
            guard case .crashed(_, let ending, let transcript, let places)? = error else {
                throw ProgramError.ended(program: "\(board)", before: "a fault", transcript: [])
            }
            #expect(ending == .exited(3))
            return (transcript.map(\.text), places)
        }
    }

    private func address(of symbol: String, in image: URL) async throws -> Int {
        let line = try #require(try await tool("readelf", ["-sW", image.path]).first { $0.hasSuffix(" \(symbol)") })
        // Thumb's bit is no part of the address.
        return try #require(Int(line.split(separator: " ")[1], radix: 16)) & ~1
    }

    private func tool(_ name: String, _ arguments: [String]) async throws -> [String] {
        let program = Program(
            executable: "/usr/bin/\(name)", arguments: arguments, folder: Bench.project, origin: "make setup")
        return try await program.run(timeLimit: .hang) { try await $0.end() }.lines.map(\.text)
    }

    private func emulator(of board: BoardKind) throws -> String {
        try String(contentsOf: Bench.project.appending(path: "Boards/\(board)/board"), encoding: .utf8)
            .split(separator: "\n").first { $0.hasPrefix("emulator=") }.map(String.init) ?? ""
    }

    /// The number of the first line that has `words`.
    private func line(of words: String, in source: String) throws -> Int {
        let text = try String(contentsOf: Bench.project.appending(path: source), encoding: .utf8)
        let lines = text.split(separator: "\n", omittingEmptySubsequences: false)
        return try #require(lines.firstIndex { $0.contains(words) }) + 1
    }
}
