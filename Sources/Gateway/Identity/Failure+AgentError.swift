import Agent
import Board
import DeviceCrypto
import SCEP

extension Failure {
    /// What an error of the agent's means for who runs the program.
    ///
    /// - Parameter work: the work buffer, in which the far side's words stand.
    init(_ error: AgentError, _ work: Span<UInt8>) {
        var line = LastLine()
        conclude(error, work: work, log: &line)
        // `error kind: sentence`
        var text = line.text
        text.removeFirst(min(6, text.count))
        let colon = text.firstIndex(of: UInt8(ascii: ":")) ?? text.count
        self.init(
            Self.exit(error), kind: Text(text[..<colon]), message: Text(text[min(colon + 1, text.count)...]).trimmed)
    }

    private static func exit(_ error: AgentError) -> ExitCode {
        switch error {
        case .configuration, .passwordSpent: .usage
        case .provisioning, .entropy: .internal
        case .storage, .key: .storage
        case .exchange(_, .notSecured): .usage
        case .exchange: .network
        // Some servers refuse a request by a status, with words in place of a message.
        case .status(_, let status, _): status >= 400 && status < 500 && status != 404 ? .refused : .network
        case .scep(_, let error, _): exit(error)
        case .stillPending: .pending
        case .revoked: .trust
        }
    }

    private static func exit(_ error: SCEPError) -> ExitCode {
        switch error {
        case .refused, .crlMissing, .validityNotExtended, .oldCertificate: .refused
        case .request, .passwordMissing: .usage
        default: .trust
        }
    }
}

/// Keeps the last line that was written to it.
private struct LastLine: Log {
    var text = Text()

    mutating func write(line: Span<UInt8>) { text = Text(line) }
}
