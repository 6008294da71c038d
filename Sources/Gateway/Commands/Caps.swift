import Agent
import Bytes
import CMS
import DeviceCrypto
import Output
import SCEP

/// `scep caps`: asks the CA what it can do.
///
/// - Returns: ``ExitCode/trust`` if that is too little, after all was said.
func caps(
    _ settings: Settings, _ operands: [Text], _ progress: Progress, _ report: inout Report
) throws(Failure) -> ExitCode {
    var query = try CAQuery(settings, operands)
    progress.say(Text("asking the CA what it can do"))
    let body = try query.ask("GetCACaps", as: .getCACaps)
    let text = Text(query.work[body])
    let capabilities = Capabilities(text.span)
    report.field("url", text: query.url)
    report.beginList("capabilities")
    for line in text.split(separator: UInt8(ascii: "\n"), maxSplits: 64) {
        let word = Text(line).trimmed
        if !word.isEmpty { report.item(word.span) }
    }
    report.endList()
    report.field("post", isTrue: capabilities.contains(.postPKIOperation))
    report.field("renewal", isTrue: capabilities.contains(.renewal))
    report.field("nextCA", isTrue: capabilities.contains(.getNextCACert))
    var policy = try policy(settings)
    do throws(SCEPError) {
        let algorithms = try Algorithms(capabilities, &policy)
        report.field("digest", algorithms.digest.name)
        report.field("cipher", algorithms.cipher.name)
    } catch {
        let reason = capabilities == Capabilities() ? .noCapabilities : error
        let failure = Failure(.scep(.getCACaps, reason, text: body), query.work.span, url: query.url)
        guard capabilities != Capabilities() || failure.exit != .network else { throw failure }
        progress.complain(failure)
        report.error(failure)
        return failure.exit
    }
    return .done
}

/// The policy that `allow` leaves.
func policy(_ settings: Settings) throws(Failure) -> Policy {
    guard let words = settings[.allow] else { return Policy() }
    guard let policy = Policy(allowing: words.span) else { throw settings.refusal(.allow) }
    return policy
}
