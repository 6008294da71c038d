import Board
import CLinux
import Foundation
import LinuxBoard
import PretendedSystem
import TestSupport
import Testing

/// A signal that comes during a call, and a call that does a part of what it was asked for, change nothing (signal(7)).
@Suite struct InterruptedCallTests {
    private static let outcomes: [PretendedOutcome] = [.takes(1), .interrupted, .takes(3), .interrupted, .interrupted]
    private static let content = (1...40).map { UInt8($0) }

    /// Calls `body` where a call comes to ``outcomes``, all of which it has to come by.
    private func interrupting(_ call: PretendedCall, _ body: () throws -> Void) throws {
        try pretending(Self.outcomes, of: call) {
            // What an earlier call left says nothing of this one.
            errno = 0
            try body()
            #expect(pretendedOutcomesLeft() == 0)
        }
    }

    @Test func aLineIsPrintedWhole() throws {
        var ends: [Int32] = [-1, -1]
        try #require(linux_pipe(&ends) == 0)
        let child = try Child {
            dup2(ends[1], STDOUT_FILENO)
            return pretending(Self.outcomes, of: .write) {
                Console().write(line: Self.content.span)
                return UInt8(pretendedOutcomesLeft())
            }
        }
        child.end()
        #expect(child.result == 0)
        close(ends[1])
        let printed = FileHandle(fileDescriptor: ends[0], closeOnDealloc: true).readDataToEndOfFile()
        #expect([UInt8](printed) == Self.content + [0x0A])
    }

    @Test func aFileIsReadAndWrittenWhole() throws {
        try withTemporaryDirectory { directory in
            let path = Array((directory.path + "/file").utf8) + [0]
            let opened = Descriptor(path: path.span, O_RDWR | O_CREAT, mode: 0o600)
            let file = try #require(opened)
            defer { file.close() }
            try interrupting(.pwrite) { try file.write(at: 5, Self.content.span) }
            var bytes = [UInt8](repeating: 0, count: Self.content.count)
            try interrupting(.pread) {
                var buffer = bytes.mutableSpan
                try file.read(at: 5, into: &buffer)
            }
            #expect(bytes == Self.content)
            // What ends too soon does so too where a signal came before.
            #expect(throws: StorageError.failed) {
                try pretending([.interrupted, .takes(0)], of: .pread) {
                    var buffer = bytes.mutableSpan
                    try file.read(at: 5, into: &buffer)
                }
            }
        }
    }

    private func seed(_ count: Int) throws -> [UInt8] {
        var bytes = [UInt8](repeating: 0, count: count)
        var buffer = bytes.mutableSpan
        try SystemEntropy().seed(&buffer)
        return bytes
    }

    /// Of which no eight bytes are left as they were.
    @Test func aSeedIsDrawnWhole() throws {
        var seed: [UInt8] = []
        try interrupting(.getrandom) { seed = try self.seed(48) }
        try #require(seed.count == 48)
        for start in stride(from: 0, to: 48, by: 8) { #expect(seed[start..<start + 8].contains { $0 != 0 }) }
    }

    /// Each byte of it, the first and the last as well: of so many seeds none is 0 in all.
    @Test func everyByteOfASeedIsDrawn() throws {
        var drawn = [UInt8](repeating: 0, count: 48)
        for _ in 0..<32 {
            let seed = try seed(drawn.count)
            for index in drawn.indices { drawn[index] |= seed[index] }
        }
        #expect(!drawn.contains(0))
    }

    /// A kernel that has no such call, and one that has nothing to give.
    @Test(
        arguments: [
            [.fails(ENOSYS)], [.takes(4), .fails(EAGAIN)], [.interrupted, .takes(0)],
        ] as [[PretendedOutcome]])
    func whatIsNotAllOfASeedIsNone(outcomes: [PretendedOutcome]) {
        #expect(throws: EntropyError.failed) { try pretending(outcomes, of: .getrandom) { try seed(48) } }
    }

    /// Until the moment that was asked for, not for the time anew.
    @Test func sleepGoesOn() {
        let clock = SystemClock()
        let begin = clock.uptime
        pretending([.interrupted, .interrupted], of: .sleep) {
            clock.sleep(milliseconds: 30)
            #expect(pretendedOutcomesLeft() == 0)
        }
        #expect(clock.uptime - begin >= 30)
    }

    @Test func aConnectionGoesOn() throws {
        let server = try Listener("127.0.0.1")
        defer { server.close() }
        let host = Array("127.0.0.1".utf8)
        let clock = SystemClock()
        // Catches a hang alone.
        let deadline = clock.uptime + 600_000
        var tcp = TCP(clock: clock)
        defer { tcp.close() }
        try pretending([.interrupted], of: .connect) {
            try tcp.connect(host: host.span, port: server.port, deadline: deadline)
            #expect(pretendedOutcomesLeft() == 0)
        }
        close(server.accept())
        // It may also be there at once.
        try pretending([.takes(0)], of: .connect) {
            try tcp.connect(host: host.span, port: server.port, deadline: deadline)
            #expect(pretendedOutcomesLeft() == 0)
        }
        let peer = server.accept()
        defer { close(peer) }
        try interrupting(.send) { try tcp.send(Self.content.span, deadline: deadline) }
        var bytes = [UInt8](repeating: 0, count: Self.content.count)
        #expect(recv(peer, &bytes, bytes.count, Int32(MSG_WAITALL)) == bytes.count)
        #expect(bytes == Self.content)
        #expect(send(peer, &bytes, 2, 0) == 2)
        try pretending([.interrupted, .interrupted], of: .read) {
            var buffer = bytes.mutableSpan
            let count = try tcp.receive(into: &buffer, deadline: deadline)
            #expect(count == 2 && pretendedOutcomesLeft() == 0)
        }
    }
}
