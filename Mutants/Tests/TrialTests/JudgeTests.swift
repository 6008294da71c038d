import Foundation
import Mutation
import Testing

@testable import Trial

@Suite struct JudgeTests {
    private func tally(noticed: Int, survived: Int) throws -> Tally {
        var tally = Tally(module: "DER")
        tally.noticed = noticed
        let mutant = try #require(
            SourceFile(path: "a.swift", text: "let x = a == b").planted(firstNumber: 1).mutants.first)
        tally.survivors = [(mutant: Mutant, isReached: Bool)](repeating: (mutant, true), count: survived)
        return tally
    }

    @Test func aWholeModuleIsAsGoodAsItsScore() throws {
        let check = Check(scores: try Scores("DER 95"), isSample: false)
        #expect(try check.failures(of: tally(noticed: 95, survived: 5)).isEmpty)
        #expect(try check.failures(of: tally(noticed: 94, survived: 6)).count == 1)
    }

    @Test func aSampleMayBeUnlucky() throws {
        let check = Check(scores: try Scores("DER 95"), isSample: true)
        #expect(try check.failures(of: tally(noticed: 10, survived: 5)).isEmpty)
        #expect(try check.failures(of: tally(noticed: 9, survived: 6)).count == 1)
        #expect(
            try Check(scores: Scores("PKIX 95"), isSample: true).failures(of: tally(noticed: 0, survived: 6)).isEmpty)
    }

    @Test func aSeedChoosesTheSame() {
        var (one, same, other) = (Sample(seed: 1), Sample(seed: 1), Sample(seed: 2))
        let all = Array(0..<1000)
        let chosen = one.choose(10, of: all)
        #expect(chosen == same.choose(10, of: all) && chosen != other.choose(10, of: all))
        #expect(Set(chosen).count == 10 && one.choose(5, of: [3, 4]) == [3, 4])
    }
}

@Suite struct RotationTests {
    /// Each module has its turn, and then the first again.
    @Test(arguments: [1, 2, 3, 4, 11, 12]) func everybodyHasATurn(count: Int) {
        let all = Array(0..<11)
        let turns = (0..<11).map { Rotation.turn(UInt64(20_787 + $0), of: all, count: count) }
        #expect(turns.allSatisfy { $0.count == min(count, 11) })
        #expect(Set(turns.joined()) == Set(all))
        #expect(turns[0] == Rotation.turn(20_787, of: all, count: count))
    }
}

@Suite struct ProjectTests {
    @Test func testsOfModulesAboveConcernAModule() throws {
        let manifest = """
            {"targets": [
              {"name": "CLow", "type": "regular", "dependencies": []},
              {"name": "Low", "type": "regular", "dependencies": [{"byName": ["CLow", null]}]},
              {"name": "High", "type": "regular", "dependencies": [{"byName": ["Low", null]}, {"byName": ["CLow", null]}]},
              {"name": "Help", "type": "regular", "path": "Tests/Help", "dependencies": []},
              {"name": "HighTests", "type": "test", "dependencies": [{"byName": ["High", null]}]},
              {"name": "LowTests", "type": "test", "dependencies": [{"byName": ["Low", null]}]}
            ]}
            """
        let project = try Project(description: Data(manifest.utf8)) { $0 != "Sources/CLow" }
        #expect(
            project.modules == [
                Project.Module(
                    name: "Low", folders: ["Sources/Low", "Sources/CLow"], tests: ["LowTests", "HighTests"]),
                Project.Module(name: "High", folders: ["Sources/High"], tests: ["HighTests"]),
            ])
    }
}

@Suite struct TrialCommandTests {
    @Test func outputAndEnds() throws {
        func run(_ script: String) throws -> Command.Outcome {
            try Command(arguments: ["/bin/sh", "-c", script], directory: "/").run { $0.hasPrefix("enough") }
        }
        let outcome = try run("pwd; echo two >&2; exit 3")
        #expect(outcome.output == "/\ntwo\n" && outcome.end == .exit(3))
        #expect(try run("kill -SEGV $$").end == .signal(11))
        #expect(try run("echo enough; sleep 600").end == .stopped)
        // A child that holds the output open is no reason to wait.
        #expect(try run("sleep 600 & echo started").output == "started\n")
    }

    @Test func memoryEnds() throws {
        var command = Command(arguments: ["/bin/sh", "-c", "ulimit -v"], directory: "/")
        #expect(try command.run().output == "unlimited\n")
        command.limits.memory = 1 << 20
        #expect(try command.run().output == "1048576\n")
    }

    @Test func aLoopEnds() throws {
        var command = Command(arguments: ["/bin/sh", "-c", "while :; do :; done"], directory: "/")
        command.limits.processor = 1
        #expect(try [.signal(24), .signal(9)].contains(command.run().end))
    }
}
