import Agent
import Bytes
import DeviceCrypto
import Inspection
import Output
import PKIX
import SCEP

/// `scep ca`: fetches the CA's certificates, says what the agent would make of each, and saves them.
///
/// With a fingerprint, those that are not the CA's are not saved; without, nothing is verified.
///
/// - Returns: what an enrolment would end with at this point, after all was said.
func ca(
    _ settings: Settings, _ operands: [Text], _ progress: Progress, _ report: inout Report
) throws(Failure) -> ExitCode {
    let fingerprint = settings[.fingerprint]
    if let fingerprint, Fingerprints(fingerprint.span) == nil { throw settings.refusal(.fingerprint) }
    let policy = try policy(settings)
    let canDecrypt = try canDecrypt(settings)
    var query = try CAQuery(settings, operands)
    progress.say(Text("fetching the CA's certificates"))
    let body = try query.ask("GetCACert", as: .getCACert)
    let certificates: [UInt8]
    do throws(SCEPError) {
        var work = query.work
        var buffer = work.mutableSpan
        var policy = policy
        let reply = try GetCACert.read(&buffer, body: body, policy: &policy)
        certificates = [UInt8](buffer.span.extracting(reply.certificates))
    } catch {
        let work = query.work
        throw query.failure(.scep(.getCACert, error, text: body), work.span)
    }
    let evaluator = CAEvaluator(
        certificates: certificates, fingerprint: fingerprint, canDecrypt: canDecrypt, policy: policy,
        moment: query.time)
    report.field("url", text: query.url)
    let evaluation = evaluator.describe(&report)
    var failure: Failure?
    switch evaluation.failure {
    case nil: break
    case .fingerprintMismatch?: failure = mismatch(certificates)
    case let error?: failure = Failure(.scep(.getCACert, error, text: 0..<0), Span(), url: query.url)
    }
    if fingerprint == nil {
        progress.warn(Text("nothing was verified: compare a fingerprint with what the CA's operator says"))
    }
    if failure == nil || fingerprint == nil {
        try OutputFile.write(
            PEM.encode(certificates: fingerprint == nil ? certificates : evaluation.trusted), settings, progress)
    }
    guard let failure else { return .done }
    progress.complain(failure)
    if settings.isSet(.json) { report.error(failure) }
    return failure.exit
}

/// Whether the key of the kind that is set can decrypt, as RSA keys do.
func canDecrypt(_ settings: Settings) throws(Failure) -> Bool {
    let kind = settings[.key] ?? Text("rsa2048")
    let isRSA = kind.equals("rsa2048") || kind.equals("rsa3072") || kind.equals("rsa4096")
    guard isRSA || kind.equals("p256") || kind.equals("p384") else { throw settings.refusal(.key) }
    return isRSA
}

/// The certificates of a reply to GetCACert, and what they are checked by.
struct CAEvaluator {
    let certificates: [UInt8]
    /// Nil: nothing is verified, and what would be is said.
    let fingerprint: Text?
    let canDecrypt: Bool
    let policy: Policy
    let moment: Moment

    /// Says what is made of each.
    ///
    /// - Returns: what is made of all; without a fingerprint, as if all were pinned.
    func describe(_ report: inout Report) -> Evaluation {
        let pins = fingerprint ?? Evaluation.pins(certificates)
        let evaluation = check(pins)
        // Who is encrypted to depends on who is pinned: what most of them follow from is most likely the CA.
        let singles = fingerprint == nil ? evaluation.items.map { check(Evaluation.pins($0.encoding)) } : []
        var likely = evaluation
        var count = 0
        for single in singles where single.failure == nil && single.trustedCount > count {
            (likely, count) = (single, single.trustedCount)
        }
        report.field("verified", isTrue: fingerprint != nil)
        report.beginList("certificates")
        for (index, item) in (fingerprint == nil ? likely : evaluation).items.enumerated() {
            report.beginItem()
            report.evaluation(of: item, isVerified: fingerprint != nil)
            if index < singles.count { report.field("ifPinned", text: words(singles[index])) }
            if let certificate = try? Certificate(item.encoding.span) {
                report.certificate(certificate)
            } else {
                report.field("unreadable", hex: item.encoding.span)
            }
            report.endItem()
        }
        report.endList()
        return evaluation
    }

    private func check(_ pins: Text) -> Evaluation {
        Evaluation(certificates, fingerprints: pins, canDecrypt: canDecrypt, policy: policy, moment: moment)
    }

    /// What would be if one alone were pinned; of a fingerprint, nobody knows yet whether it is the right one.
    private func words(_ single: Evaluation) -> Text {
        guard let failure = single.failure else {
            var text = Text("not verified; would trust ")
            text.append(decimal: single.trustedCount)
            text.append(" of ")
            text.append(decimal: single.items.count)
            if let recipient = try? Certificate(single.recipient.span) {
                text.append(", and encrypt to ")
                text.append(Text(name: recipient.subject))
            }
            return text
        }
        var text = Text("would be refused: ")
        text.append(failure)
        return text
    }
}

/// Says what came in place of the CA that was asked for.
private func mismatch(_ certificates: [UInt8]) -> Failure {
    var message = Text("none of the CA's certificates has this fingerprint; theirs are")
    var isFirst = true
    for certificate in splitCertificates(certificates) {
        message.append(isFirst ? " " : ", ")
        isFirst = false
        message.append(hex: Hash.digest(.sha256, of: certificate.span).bytes)
    }
    message.append("; compare them with what the CA's operator says")
    return Failure(.trust, "fingerprint-mismatch", message)
}
