import AuthorityServer
import EmulationTestSupport
import Emulator
import Foundation
import TestSupport
import Testing

/// A firmware project of its own, as a team has one: a package in some other folder that depends on this checkout alone.
@Suite struct OutsideProjectTests {
    @Test(arguments: Bench.machines.prefix(1))
    func firmwareFromElsewhereIsBuiltAndEnrols(board: BoardKind) async throws {
        try await Bench.withAuthority { server in
            try await withTemporaryDirectory { folder in
                let firmware = folder.appending(path: "sensor")
                try layOut(firmware, from: Bench.project.appending(path: "Boards/\(board)"))
                let build = Program(
                    executable: Bench.project.appending(path: "Toolchain/firmware").path, arguments: ["sensor"],
                    folder: folder, origin: "a checkout of the project")
                let run = try await build.run(timeLimit: .hang) { try await $0.end() }
                try #require(run.ending == .exited(0), "\(run.lines.map(\.text))")

                let image = firmware.appending(path: ".build/usual/sensor.elf")
                let device = Device(board: board, image: image, folder: folder)
                try device.manufacture(Bench.record(board, for: server))
                #expect(try await device.enrol().verdict == .done)
                _ = try await device.identity(root: server.authority.trustAnchor.der)
            }
        }
    }

    /// A board's files, whose one dependency is where it is.
    private func layOut(_ firmware: URL, from board: URL) throws {
        let manager = FileManager.default
        try manager.createDirectory(at: firmware, withIntermediateDirectories: true)
        for name in ["board", "memory.ld", "Sources"] {
            try manager.copyItem(at: board.appending(path: name), to: firmware.appending(path: name))
        }
        let manifest = try String(contentsOf: board.appending(path: "Package.swift"), encoding: .utf8)
        let dependency = #"path: "../..""#
        try #require(manifest.contains(dependency))
        try Data(manifest.replacing(dependency, with: #"path: "\#(Bench.project.path)""#).utf8)
            .write(to: firmware.appending(path: "Package.swift"))
    }
}
