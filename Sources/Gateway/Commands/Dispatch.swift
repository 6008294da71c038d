import Agent
import Output

/// Carries out a command.
///
/// - Parameter report: gets what the command found out.
func dispatch(
    _ command: Command, _ settings: Settings, _ operands: [Text], _ progress: inout Progress, _ report: inout Report
) throws(Failure) -> ExitCode {
    switch command {
    case .caps: return try caps(settings, operands, progress, &report)
    case .ca: return try ca(settings, operands, progress, &report)
    case .enroll: try enroll(settings, &progress, &report)
    case .renew: try renew(settings, &progress, &report)
    case .poll: try poll(settings, &progress, &report)
    case .cancel: try cancel(settings, &progress, &report)
    case .cert: try cert(settings, &progress, &report)
    case .crl: try crl(settings, &progress, &report)
    case .nextCA: try nextCA(settings, &progress, &report)
    case .status: return try status(settings, progress, &report)
    case .inspect: return try inspect(settings, operands, &report)
    case .agent: try agent(settings, &progress, &report)
    }
    return .done
}
