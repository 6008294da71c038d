import Foundation
import Ledger

/// Fetches the one-time password of one device. Its output is the password, and is in no log and no error.
public struct ChallengeCommand: Sendable {
    private let command: CommandTemplate

    public init(_ command: CommandTemplate) { self.command = command }

    /// What may be put into its arguments.
    public static let names = ["serial", "batch"]

    /// - Parameter report: is told what it wrote to standard error.
    /// - Throws: ``FailureCause`` as ``CommandFailure``.
    func fetch(_ values: [String: String], report: (String) -> Void) throws(CommandFailure) -> String {
        var result: CommandTemplate.Result
        do {
            result = try command.run(values, seconds: 60, limit: 4_096)
        } catch {
            throw CommandFailure(
                "challenge-command", "the challenge-command cannot be started: \(error)")
        }
        defer { for index in result.output.indices { result.output[index] = 0 } }
        let line = result.output.prefix { $0 != 0x0A && $0 != 0x0D }
        let password = String(decoding: line, as: UTF8.self)
        for complaint in result.complaints {
            // As a shell does that was told to show what it runs.
            let isTold = !password.isEmpty && complaint.contains(printable(password))
            report("the challenge-command says: \(isTold ? "(a line with the password in it)" : complaint)")
        }
        guard !result.isLate else {
            throw CommandFailure("challenge-command", "the challenge-command gave no password in 60 s, and was ended")
        }
        guard result.status == 0 else {
            throw CommandFailure("challenge-command", "the challenge-command ended with exit code \(result.status)")
        }
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
