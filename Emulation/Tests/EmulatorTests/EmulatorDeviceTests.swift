import Foundation
import TestSupport
import Testing

@testable import Emulator

@Suite struct EmulatorDeviceTests {
    /// Any machine whose memory begins with its vectors, and whose RAM is at 0x20000000.
    private let board: BoardKind

    init() throws {
        board = try #require(try BoardKind(name: "standin", StandIn.board))
    }

    /// A device with stand-in firmware.
    func withDevice<Value>(_ body: String, _ use: (Device) async throws -> Value) async throws -> Value {
        try await withTemporaryDirectory { folder in
            let image = try await StandIn.build(body, in: folder)
            return try await use(Device(board: board, image: image, folder: folder))
        }
    }

    @Test func runsToItsLastLineAndReports() async throws {
        let outcome = try await withDevice(
            #"""
            int main(void) {
                say("getting an address\n");
                say("report flash=1000 ram=200 stack=30 arena=4 messages=5 sent=600 received=7000 ms=8\n");
                say("done\n");
                return 0;
            }
            """#
        ) { try await $0.runToEnd(timeLimit: .hang) }
        #expect(outcome.verdict == .done)
        #expect(outcome.report?[.flash] == 1000)
        #expect(outcome.report?[.milliseconds] == 8)
        #expect(outcome.lines.first?.text == "getting an address")
    }

    @Test func errorIsAnOutcomeNotACrash() async throws {
        let outcome = try await withDevice(
            #"int main(void) { say("error refused: nobody answers at 10.0.2.2:80; is the CA running?\n"); return 1; }"#
        ) { try await $0.runToEnd(timeLimit: .hang) }
        #expect(
            outcome.verdict
                == .failed(kind: "refused", sentence: "nobody answers at 10.0.2.2:80; is the CA running?"))
        #expect(outcome.report == nil)
    }

    @Test(arguments: [
        #"int main(void) { say("getting an address\n"); return 3; }"#,
        #"int main(void) { say("done\n"); return 1; }"#,
        #"int main(void) { say("done\nand more\n"); return 0; }"#,
        #"int main(void) { say("error : no kind\n"); return 1; }"#,
        #"int main(void) { return 0; }"#,
    ])
    func endWithoutAProperLastLineIsACrash(body: String) async throws {
        let error = await #expect(throws: BoardError.self) {
            try await withDevice(body) { try await $0.runToEnd(timeLimit: .hang) }
        }
        guard case .crashed(board, .exited, _, _) = try #require(error) else {
            Issue.record("\(String(describing: error))")
            return
        }
    }

    @Test func flashOutlivesAPowerCut() async throws {
        let body = #"""
            int main(void) {
                switch (boots()) {
                case 1: say("first boot\n"); for (;;) {}
                case 2: say("second boot\n"); for (;;) {}
                default: say("done\n"); return 0;
                }
            }
            """#
        try await withDevice(body) { device in
            for line in ["first boot", "second boot"] {
                let run = try await device.powerUp(timeLimit: .hang) { running in
                    try await running.line(containing: line)
                    running.kill()
                    try await running.end()
                }
                #expect(run.ending == .signalled(9))
            }
            #expect(try await device.runToEnd(timeLimit: .hang).verdict == .done)
            #expect(try Data(contentsOf: device.flash) == Data([3]))
        }
    }

    @Test func boardThatHangsIsUnfinishedAndAMuteOneIsSilent() async throws {
        try await withDevice(#"int main(void) { if (boots() == 1) say("getting an address\n"); for (;;) {} }"#) {
            device in
            let first = await #expect(throws: BoardError.self) {
                try await device.runToEnd(timeLimit: .seconds(10))
            }
            guard case .unfinished(board, .seconds(10), let transcript) = try #require(first) else {
                Issue.record("\(String(describing: first))")
                return
            }
            #expect(transcript.map(\.text) == ["getting an address"])
            let second = await #expect(throws: BoardError.self) {
                try await device.runToEnd(timeLimit: .seconds(10))
            }
            guard case .silent(board, .seconds(10)) = try #require(second) else {
                Issue.record("\(String(describing: second))")
                return
            }
        }
    }

    @Test func manyRunAtOnceWithAFlashEach() async throws {
        try await withDevice(#"int main(void) { return boots() == 1 ? (say("done\n"), 0) : 1; }"#) { first in
            try await withThrowingTaskGroup(of: Verdict.self) { tasks in
                for number in 0..<6 {
                    let folder = first.folder.appending(path: "\(number)")
                    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
                    let device = Device(board: board, image: first.image, folder: folder)
                    tasks.addTask { try await device.runToEnd(timeLimit: .hang).verdict }
                }
                for try await verdict in tasks { #expect(verdict == .done) }
            }
        }
    }

    @Test func instructionCountsRepeat() async throws {
        let body = #"""
            int main(void) {
                /* SysTick counts down 24 bits of the 25 MHz clock. */
                volatile word *control = (word *)0xe000e010, *reload = (word *)0xe000e014, *current = (word *)0xe000e018;
                *reload = 0xffffff; *current = 0; *control = 5;
                for (volatile int i = 0; i < 100000; i++) {}
                word taken = 0xffffff - *current;
                char line[] = "report ms=00000000\ndone\n";
                for (int i = 17; i > 9; i--) { line[i] = '0' + taken % 10; taken /= 10; }
                say(line);
                return 0;
            }
            """#
        try await withDevice(body) { device in
            func figure(shift: Int) async throws -> Int {
                let options = BootOptions(instructionShift: shift)
                let outcome = try await device.runToEnd(options: options, timeLimit: .hang)
                return try #require(outcome.report?[.milliseconds])
            }
            let first = try await figure(shift: 0)
            for _ in 0..<2 { #expect(try await figure(shift: 0) == first) }
            // Four times as long for each instruction; QEMU counts whole ticks of the clock.
            let longer = try await figure(shift: 2)
            #expect((4 * first - 8...4 * first + 8).contains(longer), "\(first), then \(longer)")
        }
    }

    @Test func debuggerIsWaitedFor() async throws {
        try await withDevice(#"int main(void) { say("done\n"); return 0; }"#) { device in
            let options = BootOptions(debuggerPort: try freePort())
            await #expect(throws: BoardError.self) {
                try await device.runToEnd(options: options, timeLimit: .seconds(2))
            }
        }
    }
}
