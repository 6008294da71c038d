import Agent
import Output
import PKIX

/// `scep status`: what there is, without asking anybody.
///
/// - Returns: done; pending when there is no certificate; trust when it is revoked, has expired, or will within `min-days`; hook
///   when it is good and the hook failed.
func status(_ settings: Settings, _ progress: Progress, _ report: inout Report) throws(Failure) -> ExitCode {
    let minimum = try settings.number(.minDays, 0...10_000)
    let day: Int64 = 86_400
    var session = try Session(settings, isReading: true)
    var code = ExitCode.pending
    let last = StatusFile.read(in: session.workspace)
    report.field("directory", text: session.workspace.path)
    if let certificate = try session.bytes(.certificate), let parsed = try? Certificate(certificate.span) {
        let left = session.now.map { parsed.notAfter - $0 }
        let isValid = (left ?? 0) >= 0
        let isRevoked = last.map { $0.isRevoked(certificate) } ?? false
        code = isValid && !isRevoked && (left ?? .max) >= Int64(minimum) * day ? .done : .trust
        report.field("state", isRevoked ? "revoked" : isValid ? "valid" : "expired")
        if code == .trust, isValid, !isRevoked {
            progress.warn(Text("the certificate expires sooner than min-days says"))
        }
        if let left { report.field("daysLeft", number: Int(left >= 0 ? left / day : (left - day + 1) / day)) }
        report.beginObject("certificate")
        report.certificate(parsed)
        report.endObject()
    } else {
        let isPending = !(last?.transactionID.isEmpty ?? true)
        report.field("state", try session.holds(.transaction) ? isPending ? "pending" : "under-way" : "none")
    }
    try session.readNextAction()
    report.field("requestUnderWay", isTrue: try session.holds(.transaction))
    report.field("nextCAKnown", isTrue: try session.holds(.nextCACertificates))
    if let due = session.nextAction { report.nextAction(due.goal, due.time) }
    guard let last else { return code }
    report.field("lastRun", time: last.time)
    if !last.transactionID.isEmpty { report.field("transactionID", text: last.transactionID) }
    if !last.kind.isEmpty {
        report.beginObject("lastError")
        report.field("kind", text: last.kind)
        report.field("message", text: last.message)
        report.endObject()
    }
    if last.kind.equals("hook-failed") {
        report.field("nextAttempt", "hook")
        return code == .done ? .hook : code
    }
    if !last.next.isEmpty {
        report.field("nextAttempt", text: last.next)
        report.field("nextAttemptTime", time: last.nextTime)
    }
    return code
}
