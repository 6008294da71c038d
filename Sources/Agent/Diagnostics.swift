import Board

/// Writes the last line of a run: `done`, or `error <kind>: <what happened>; <what to do>`.
///
/// - Parameters:
///   - error: what ``Agent/run(configuration:transport:clock:store:log:random:work:traffic:)`` threw, if it did.
///   - work: the work buffer, in which the far side's words stand.
public func logResult<L: Log & ~Copyable>(_ error: AgentError?, work: Span<UInt8>, log: inout L) {
    var line = Line()
    if let error {
        line.append("error ")
        line.append(error.text(work), work)
    } else {
        line.append("done")
    }
    log.write(line: line.span)
}
