import Foundation
import Ledger

/// Fetches the one-time password of one device. Its output is the password, and is in no log and no error.
public struct ChallengeCommand: Sendable {
    private let command: CommandTemplate

    public init(_ command: CommandTemplate) { self.command = command }

    /// - Throws: ``FailureCause`` as ``CommandFailure``.
    func fetch(_ values: [String: String]) throws(CommandFailure) -> String {
        var result: CommandTemplate.Result
        do {
            result = try command.run(values, seconds: 60, limit: 4_096)
        } catch {
            throw CommandFailure(
                "challenge-command", "the challenge-command cannot be started: \(error.localizedDescription)")
        }
        defer { for index in result.output.indices { result.output[index] = 0 } }
        guard !result.isLate else {
            throw CommandFailure("challenge-command", "the challenge-command gave no password in 60 s, and was ended")
        }
        guard result.status == 0 else {
            throw CommandFailure("challenge-command", "the challenge-command ended with exit code \(result.status)")
        }
        let line = result.output.prefix { $0 != 0x0A && $0 != 0x0D }
        guard (1...255).contains(line.count), let text = String(validating: line, as: UTF8.self),
            !line.contains(where: { $0 < 0x20 || $0 == 0x7F })
        else {
            throw CommandFailure(
                "challenge-command",
                "the challenge-command wrote no password: one line of 1 to 255 bytes without control characters")
        }
        return text
    }
}

/// Why a program that a station runs for a device did not do it.
struct CommandFailure: Error {
    let cause: FailureCause

    init(_ kind: String, _ sentence: String) {
        cause = FailureCause(kind: kind, sentence: sentence, excludesCertificate: false)
    }
}
