import Authority
import AuthorityServer
import Emulator
import Foundation
import Testing

/// A CA that decides later.
@Suite struct PendingTests {
    /// A device that has asked a CA that decides by hand, and was then switched off.
    private func withPendingDevice(
        _ board: BoardKind, _ others: [String: String] = [:],
        _ body: (Device, AuthorityServer, String) async throws -> Void
    ) async throws {
        try await Bench.withAuthority({ $0.policy = .manual }) { server in
            try await Bench.withDevice(board) { device in
                var record = try Bench.record(board, for: server)
                record.others.merge(others) { $1 }
                try device.manufacture(record)
                let run = try await Bench.gate.pass {
                    try await device.powerUp(timeLimit: .hang) { running in
                        try await running.line(containing: "pending: asking again in")
                        running.kill()
                        try await running.end()
                    }
                }
                #expect(run.ending == .signalled(9))
                let transactions = server.authority.transactions()
                try #require(transactions.count == 1)
                #expect(transactions[0].state == "pending")
                try await body(device, server, transactions[0].transactionID)
            }
        }
    }

    @Test(arguments: Bench.boards)
    func certificateIsFetchedWhenItIsApproved(board: BoardKind) async throws {
        try await Bench.withAuthority({ $0.policy = .afterPolls(2) }) { server in
            try await Bench.withDevice(board) { device in
                try device.manufacture(Bench.record(board, for: server))
                let outcome = try await device.enrol()
                #expect(outcome.verdict == .done)
                #expect(outcome.lines.filter { $0.text == "pending: asking again in 1 s" }.count == 2)
                _ = try await device.identity(root: server.authority.trustAnchor.der)
                #expect(server.authority.transactions().count == 1)
            }
        }
    }

    @Test(arguments: Bench.troubledBoards)
    func transactionOutlivesAPowerCut(board: BoardKind) async throws {
        try await withPendingDevice(board) { device, server, transaction in
            let keys = try device.readFlash().privateKeys
            try server.authority.approve(transaction)
            let outcome = try await device.enrol()
            #expect(outcome.verdict == .done)
            _ = try await device.identity(root: server.authority.trustAnchor.der)
            #expect(server.authority.transactions().count == 1)
            #expect(Set(try device.readFlash().privateKeys) == Set(keys), "the key is the one that was asked for")
            #expect(!outcome.lines.contains { $0.text.hasPrefix("making a key") })
        }
    }

    @Test(arguments: Bench.troubledBoards)
    func requestThatIsRefusedAfterAllEndsInTheCAsWords(board: BoardKind) async throws {
        // A password that is not shared would be spent by then.
        try await withPendingDevice(board, ["challenge-use": "always"]) { device, server, transaction in
            try server.authority.refuse(transaction, Refusal(.badRequest, "this device was stolen"))
            guard case .failed("refused", let sentence) = try await device.enrol().verdict else {
                Issue.record("no refusal")
                return
            }
            #expect(sentence.contains("badRequest"))
            #expect(sentence.contains("this device was stolen"))

            // It has ended: the next start asks anew, with another key.
            let asksAnew = try await Bench.gate.pass {
                try await device.powerUp(timeLimit: .hang) { running in
                    try await running.line(containing: "making a key")
                    try await running.line(containing: "pending: asking again in")
                }
            }
            #expect(asksAnew.ending == .signalled(9))
            #expect(server.authority.transactions().count == 2)
        }
    }

    @Test(arguments: Bench.troubledBoards)
    func deviceGivesUpAfterItsLimitAndKeepsTheTransaction(board: BoardKind) async throws {
        try await Bench.withAuthority({ $0.policy = .manual }) { server in
            try await Bench.withDevice(board) { device in
                var record = try Bench.record(board, for: server)
                record.pollLimit = 1
                try device.manufacture(record)
                guard case .failed("still-pending", _) = try await device.enrol().verdict else {
                    Issue.record("it did not give up")
                    return
                }
                let transaction = try #require(server.authority.transactions().first)
                try server.authority.approve(transaction.transactionID)
                #expect(try await device.enrol().verdict == .done)
                #expect(server.authority.transactions().count == 1)
            }
        }
    }
}
