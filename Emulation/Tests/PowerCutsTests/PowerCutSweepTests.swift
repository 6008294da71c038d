import Agent
import Board
import SimulatedStorage
import Testing

@testable import PowerCuts

@Suite struct PowerCutSweepTests {
    @Test(arguments: Flow.all.map(\.name))
    func everyFlowComesThroughEveryCut(flow: String) throws {
        let bench = try makeBench(flow)
        let tally = Medium.small.run(bench, depth: 1, share: Share())
        #expect(tally.failures.map { "\($0.id): \($0.reason)" } == [])
        #expect(tally.cutPoints > 10)
        // Five ways at each operation, one at each reply.
        #expect(tally.cuts > 4 * tally.cutPoints - 3 * tally.losses)
        #expect(tally.distinct > tally.cutPoints / 2)
        #expect(tally.losses >= 6)
    }

    @Test func sharesAddUpToTheWhole() throws {
        let bench = try makeBench("renewal")
        var sum = Tally()
        for index in 0..<3 { sum += Medium.directory.run(bench, depth: 1, share: Share(index: index, count: 3)) }
        let whole = Medium.directory.run(bench, depth: 1, share: Share())
        #expect(sum.cuts == whole.cuts)
        #expect(sum.losses == whole.losses)
        #expect(sum.cutPoints == whole.cutPoints)
    }

    /// Cuts of a device that writes in place are found out, and their identifiers replay them.
    @Test func aStoreThatWritesInPlaceIsCaught() throws {
        let bench = try makeBench("renewal")
        var sweep = PowerCutSweep(bench, part: InPlacePart(), partName: "in-place")
        let tally = sweep.run(depth: 1, share: Share())
        let reasons = Set(tally.failures.map(\.reason))
        #expect(reasons.contains("the device had an identity, and has none"))
        #expect(reasons.contains { $0.hasPrefix("the store cannot be opened") })
        for reason in reasons {
            let failure = try #require(tally.failures.first { $0.reason == reason })
            let path = try #require(failure.id.split(separator: "/").last).split(separator: "+").map(String.init)
            do {
                try sweep.replay(path)
                Issue.record("\(failure.id) goes well when it is replayed")
            } catch {
                #expect("\(error)" == reason)
            }
        }
    }

    /// A device that sends before it stores asks again with another key when it comes back.
    @Test func aStoreThatForgetsTransactionsIsCaught() throws {
        var sweep = PowerCutSweep(try makeBench("enrolment"), part: ForgetfulPart(), partName: "forgetful")
        let tally = sweep.run(depth: 1, share: Share())
        #expect(tally.failures.map(\.reason).contains("a one-time password was used in two transactions"))
    }

    /// What a cut leaves by our account is what it leaves when power fails under the running device.
    @Test(arguments: [Tear.before, .firstByte, .half, .allButOne, .after])
    func aCutLeavesWhatItWouldHaveLeft(tear: Tear) throws {
        let bench = try makeBench("renewal")
        let geometry = StorageGeometry(pageSize: 8, sectorSize: 2048, sectorCount: 12, erasedValue: 0)
        let scenario = Scenario<NORPart>(bench: bench)
        let start = try scenario.begin(NORPart(geometry))
        let cutPoints = try scenario.run(start, records: true).cutPoints
        var operations = 0
        for cutPoint in cutPoints {
            guard case .operation(let operation) = cutPoint.event else { continue }
            operations += 1
            guard operations % 7 == 1 else { continue }
            var expected = cutPoint.state.part
            expected.perform(operation, cut: tear)

            var state = start
            state.now = cutPoints[0].state.now
            state.part.flash.operations.cutPower(at: operations, tear)
            let machine = try Machine(state, on: bench)
            #expect(throws: AgentError.storage(.powerLost)) {
                try NORPart.run(machine)
            }
            #expect(machine.part.flash.operations.isDead)
            #expect(machine.part.content == expected.content)
        }
        #expect(operations > 50)
    }

    @Test(arguments: [
        ("renewal", "renewal names no flow and storage"),
        ("nothing/directory", "nothing/directory names no flow and storage"),
        ("renewal/tape", "renewal/tape names no flow and storage"), ("renewal/directory/half", "half is no cut"),
        ("renewal/directory/1.sideways", "1.sideways: there are 62 places for a cut"),
        ("renewal/directory/99.half", "99.half: there are 62 places for a cut"),
    ])
    func idsThatNameNothingAreRefused(id: String, reason: String) {
        do {
            try Plan.replay(id) { _ in }
            Issue.record("it was replayed")
        } catch {
            #expect("\(error)" == reason)
        }
    }
}
