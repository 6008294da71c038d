import Foundation
import Glibc
import Synchronization
import Testing

@testable import Emulator

@Suite struct EmulatorProgramTests {
    func shell(_ script: String) -> Program {
        Program(
            executable: "/bin/sh", arguments: ["-c", script], folder: FileManager.default.temporaryDirectory,
            origin: "Debian's package dash")
    }

    @Test(arguments: [("exit 0", Ending.exited(0)), ("exit 7", .exited(7)), ("kill -TERM $$", .signalled(15))])
    func endingIsTold(script: String, ending: Ending) async throws {
        let run = try await shell(script).run(timeLimit: .hang) { try await $0.end() }
        #expect(run.ending == ending)
    }

    @Test func linesOfBothStreamsComeInOrderAndWithoutTheirEndings() async throws {
        let run = try await shell(#"printf 'one\r\ntwo\n' ; echo three >&2; printf four"#).run(timeLimit: .hang) {
            try await $0.end()
        }
        #expect(run.lines.map(\.text) == ["one", "two", "three", "four"])
    }

    @Test func lineComesWhenItIsWrittenNotWhenTheProgramEnds() async throws {
        let run = try await shell("echo ready; sleep 86400").run(timeLimit: .hang) {
            try await $0.line(containing: "ready")
        }
        #expect(run.value.text == "ready")
        #expect(run.ending == .signalled(9))
        #expect(run.duration < .hang)
    }

    @Test func silenceEndsInTheTimeLimit() async throws {
        let error = await #expect(throws: ProgramError.self) {
            try await shell("echo booting; sleep 600").run(timeLimit: .seconds(10)) {
                try await $0.line(containing: "ready")
            }
        }
        guard case .timeLimit("sh", .seconds(10), let transcript) = try #require(error) else {
            Issue.record("\(String(describing: error))")
            return
        }
        #expect(transcript.map(\.text) == ["booting"])
    }

    @Test func endBeforeTheLineIsAnError() async throws {
        let error = await #expect(throws: ProgramError.self) {
            try await shell("echo booting").run(timeLimit: .hang) { try await $0.line(containing: "ready") }
        }
        guard case .ended("sh", "a line with \"ready\"", let transcript) = try #require(error) else {
            Issue.record("\(String(describing: error))")
            return
        }
        #expect(transcript.map(\.text) == ["booting"])
    }

    @Test func missingProgramIsNamedWithItsOrigin() async throws {
        let program = Program(
            executable: "/nowhere/qemu-system-arm", arguments: [], folder: FileManager.default.temporaryDirectory,
            origin: "apt-get install qemu-system-arm")
        let error = await #expect(throws: ProgramError.self) {
            try await program.run(timeLimit: .seconds(1)) { try await $0.end() }
        }
        #expect(
            error?.description
                == "/nowhere/qemu-system-arm is missing; it comes from: apt-get install qemu-system-arm")
    }

    @Test func endlessOutputIsCutOff() async throws {
        var program = shell("while :; do echo again; done")
        program.outputLimit = 100
        let run = try await program.run(timeLimit: .hang) { try await $0.end() }
        #expect(run.lines.count == 100)
        #expect(run.ending == .signalled(9))
    }

    @Test(arguments: ["success", "failure", "time limit", "cancellation"])
    func nothingIsLeftRunning(after: String) async throws {
        struct Wrong: Error {}
        // The program starts another, that would outlive it.
        let program = shell("sleep 601 & echo $!; wait")
        let group = Mutexed<[Int32]>([])
        let task = Task {
            try await program.run(timeLimit: after == "time limit" ? .seconds(10) : .hang) { running in
                let line = try await running.line("a process id") { Int32($0) != nil }
                group.set([running.processID, try #require(Int32(line.text))])
                if after == "failure" { throw Wrong() }
                if after != "success" { try await running.end() }
            }
        }
        if after == "cancellation" {
            while group.value.isEmpty { try await Task.sleep(for: .milliseconds(10)) }
            task.cancel()
        }
        let result = await task.result
        if after == "success" { _ = try result.get() } else { #expect(throws: (any Error).self) { try result.get() } }
        let processes = group.value
        #expect(processes.count == 2)
        for process in processes {
            #expect(try await isGone(process))
        }
    }
}

/// Whether the process has gone, or goes within ten seconds: a killed orphan is collected by init, not by us.
func isGone(_ process: Int32) async throws -> Bool {
    for _ in 0..<1000 {
        if kill(process, 0) != 0 { return true }
        let state = (try? String(contentsOfFile: "/proc/\(process)/stat", encoding: .utf8)) ?? ""
        if state.contains(") Z ") || state.isEmpty { return true }
        try await Task.sleep(for: .milliseconds(10))
    }
    return false
}

final class Mutexed<Value: Sendable>: Sendable {
    private let held: Mutex<Value>
    init(_ value: Value) { held = Mutex(value) }
    var value: Value { held.withLock { $0 } }
    func set(_ value: Value) { held.withLock { $0 = value } }
}
