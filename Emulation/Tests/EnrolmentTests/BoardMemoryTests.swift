import Authority
import EmulationTestSupport
import Emulator
import Foundation
import Testing

/// What is in a board's memory.
@Suite struct BoardMemoryTests {
    /// What the emulator's SRAM can have in bytes: the linker's, with that of the flash where both are one.
    private func ramSizes(of board: BoardKind) throws -> [Int] {
        let map = try String(
            contentsOf: Bench.project.appending(path: "Boards/\(board)/memory.ld"), encoding: .utf8)
        let lengths = map.matches(of: /LENGTH = (\d+)K/).compactMap { Int($0.1) }
        try #require(lengths.count == 2, "FLASH, then SRAM")
        return [1024 * lengths[1], 1024 * (lengths[0] + lengths[1])]
    }

    /// While a device waits, nothing of its key is anywhere in its memory. Its configuration is, which shows that this
    /// finds what there is.
    @Test(.enabled(if: geteuid() == 0, "no other user may read the memory"), arguments: Bench.boards)
    func processThatWaitsHasNoKeyInMemory(board: BoardKind) async throws {
        try await Bench.withAuthority({ $0.policy = .manual }) { server in
            try await Bench.withDevice(board) { device in
                var record = try Bench.record(board, for: server)
                // It needs its key again for the next poll, which is not to come while the memory is read.
                record.pollInterval = 3600
                record.others["poll-cap"] = "3600"
                try device.manufacture(record)
                _ = try await device.powerUp(timeLimit: .hang) { running in
                    try await running.line(containing: "pending: asking again in")
                    let traces = try #require(tracesOfKey(in: device.readStore()))
                    // The SRAM of an emulated machine. What else the emulator has is the flash.
                    let sizes = board.isMachine ? try ramSizes(of: board) : nil
                    let memory = try writableMemory(of: running.processID, sizes: sizes)
                    #expect(memory.contains { $0.range(of: Data(Bench.password.utf8)) != nil })
                    for trace in traces { #expect(!memory.contains { $0.range(of: trace) != nil }) }
                    running.kill()
                    try await running.end()
                }
            }
        }
    }
}
