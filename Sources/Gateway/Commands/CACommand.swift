import Agent
import DeviceCrypto
import PKIX
import SCEP

/// `scep ca`: fetches the CA's certificates, shows them, and saves them.
///
/// With a fingerprint, those that are not the CA's are left out, and a wrong CA is an error; without, nothing is verified.
func ca(_ settings: Settings, _ operands: [Text], _ progress: Progress, _ report: inout Report) throws(Failure) {
    if let fingerprint = settings[.fingerprint], Fingerprints(fingerprint.span) == nil {
        throw settings.refusal(.fingerprint)
    }
    var asking = try Asking(settings, operands)
    progress.say(Text("fetching the CA's certificates"))
    let body = try asking.ask("GetCACert", as: .getCACert)
    let fingerprint = settings[.fingerprint]
    var policy = try policy(settings)
    var kept: [UInt8]
    do throws(SCEPError) {
        let moment = asking.time
        var work = asking.work
        var room = work.mutableSpan
        if let fingerprint {
            kept = try trusted(&room, body, fingerprint, settings, &policy, moment)
        } else {
            let reply = try GetCACert.read(&room, body: body)
            kept = [UInt8](room.span.extracting(reply.certificates))
        }
    } catch {
        guard error != .fingerprintMismatch else { throw mismatch(asking, body) }
        throw Failure(.scep(.getCACert, error, text: body), asking.work.span, url: asking.url)
    }
    let certificates = IssuingPath.split(kept)
    report.field("url", text: asking.url)
    report.field("verified", isTrue: fingerprint != nil)
    var encryption = Text()
    if let certificate = try? CACertificates(kept.span).encryptionCertificate() {
        encryption = Text(certificate.encoding)
    }
    report.certificates("certificates", certificates) { certificate, report in
        report.field("role", certificate.extensions.isCA ? "CA" : "RA")
        report.field("encryptsTo", isTrue: encryption == Text(certificate.encoding))
    }
    if fingerprint == nil {
        progress.warn(Text("nothing was verified: compare a fingerprint with what the CA's operator says"))
    }
    try OutputFile.write(IssuingPath.pem(kept), settings, progress)
    kept = []
}

/// Says what came in place of the CA that was asked for.
private func mismatch(_ asking: borrowing Asking, _ body: Range<Int>) -> Failure {
    var message = Text("none of the CA's certificates has this fingerprint; theirs are")
    var work = asking.work
    var room = work.mutableSpan
    guard let reply = try? GetCACert.read(&room, body: body) else {
        return Failure(.scep(.getCACert, .fingerprintMismatch, text: body), asking.work.span, url: asking.url)
    }
    var isFirst = true
    for certificate in IssuingPath.split([UInt8](room.span.extracting(reply.certificates))) {
        message.append(isFirst ? " " : ", ")
        isFirst = false
        message.append(hex: Hash.digest(.sha256, of: certificate.span).bytes)
    }
    message.append("; compare them with what the CA's operator says")
    return Failure(.trust, "fingerprint-mismatch", message)
}

private func trusted(
    _ work: inout MutableSpan<UInt8>, _ body: Range<Int>, _ fingerprint: Text, _ settings: Settings,
    _ policy: inout Policy, _ moment: Moment
) throws(SCEPError) -> [UInt8] {
    guard let fingerprints = Fingerprints(fingerprint.span) else { throw .fingerprintMismatch }
    var kept = [UInt8](repeating: 0, count: 16_384)
    var room = kept.mutableSpan
    let count = try GetCACert.accept(
        &work, body: body, fingerprints: fingerprints, policy: &policy, moment: moment, into: &room)
    return [UInt8](room.span.extracting(first: count))
}
