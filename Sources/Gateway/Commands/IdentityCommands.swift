import Agent
import DER
import Output
import PKIX
import SCEP

// The commands that are one run of the agent each.

/// `scep enroll`
func enroll(_ settings: Settings, _ progress: inout Progress, _ report: inout Report) throws(Failure) {
    var session = try Session(settings)
    let isAgain = settings.isSet(.again)
    if !isAgain, try session.holds(.certificate) {
        progress.say(Text("there is a certificate already; scep enroll --again asks for another"))
    }
    try session.run(isAgain ? .enrol : nil, mayWait: false, &progress)
    try session.show(&report)
}

/// `scep renew`
func renew(_ settings: Settings, _ progress: inout Progress, _ report: inout Report) throws(Failure) {
    var session = try Session(settings)
    try session.needsIdentity()
    try session.run(.renew, mayWait: false, &progress)
    try session.show(&report)
}

/// `scep poll`
func poll(_ settings: Settings, _ progress: inout Progress, _ report: inout Report) throws(Failure) {
    var session = try Session(settings)
    guard try session.holds(.transaction) else {
        throw Failure(.usage, "nothing-pending", "there is no request under way; scep enroll begins one")
    }
    try session.run(.resume, mayWait: false, &progress)
    guard try !session.holds(.transaction) else {
        throw Failure(
            .usage, "request-differs",
            """
            the request under way was made with other settings (subject, names, key, or the fingerprint of another CA); \
            put them back, or begin anew: scep enroll --again
            """)
    }
    try session.show(&report)
}

/// `scep cancel`
func cancel(_ settings: Settings, _ progress: inout Progress, _ report: inout Report) throws(Failure) {
    var session = try Session(settings.withoutRequest)
    guard try session.holds(.transaction) else {
        throw Failure(.usage, "nothing-pending", "there is no request under way")
    }
    try session.run(.giveUp, mayWait: false, &progress)
    progress.say(Text("the request is given up here; the CA was not told, and may still issue its certificate"))
    try session.show(&report)
}

/// `scep agent`
func agent(_ settings: Settings, _ progress: inout Progress, _ report: inout Report) throws(Failure) {
    var session = try Session(settings)
    let stays = settings.isSet(.stay)
    try session.run(nil, mayWait: stays, defers: !stays, &progress)
    // What is left until its time may be the first enrolment.
    try session.needsIdentity()
    try session.show(&report)
}

/// `scep cert`
func cert(_ settings: Settings, _ progress: inout Progress, _ report: inout Report) throws(Failure) {
    var session = try Session(settings.withoutRequest)
    try session.needsIdentity()
    try session.run(.certificate, mayWait: false, &progress)
    report.field("known", isTrue: true)
    try session.show(&report)
    guard let certificate = try session.bytes(.certificate) else { return }
    try OutputFile.write(PEM.encode(certificates: certificate), settings, progress)
}

/// `scep crl`
func crl(_ settings: Settings, _ progress: inout Progress, _ report: inout Report) throws(Failure) {
    var session = try Session(settings.withoutRequest)
    try session.needsIdentity()
    do throws(Failure) {
        try session.run(.revocationList, mayWait: false, &progress)
    } catch {
        // The list of a certificate that is revoked is worth having, too.
        try save(session.revocationList, settings, progress)
        throw error
    }
    let list = session.revocationList
    var reader = DERReader(list.span)
    if let crl = try? CertificateRevocationList(&reader) {
        report.field("issuer", text: Text(name: crl.issuer))
        report.field("thisUpdate", time: crl.thisUpdate)
        if let nextUpdate = crl.nextUpdate { report.field("nextUpdate", time: nextUpdate) }
    }
    report.field("revoked", isTrue: false)
    try save(list, settings, progress)
}

private func save(_ list: [UInt8], _ settings: Settings, _ progress: Progress) throws(Failure) {
    guard !list.isEmpty else { return }
    try OutputFile.write(PEM.encode("X509 CRL", list.span), settings, progress)
}

/// `scep next-ca`
func nextCA(_ settings: Settings, _ progress: inout Progress, _ report: inout Report) throws(Failure) {
    var session = try Session(settings.withoutRequest)
    try session.needsIdentity()
    try session.run(.nextCA, mayWait: false, &progress)
    guard let next = try session.bytes(.nextCACertificates) else {
        throw Failure(
            .refused, "no-next-ca", "the CA has no next certificate to offer; ask again before its own expires")
    }
    report.certificates("nextCA", splitCertificates(next))
    try OutputFile.write(PEM.encode(certificates: next), settings, progress)
}

extension Settings {
    /// For a command that requests nothing, and has no need of a subject.
    fileprivate var withoutRequest: Settings {
        var settings = self
        if settings[.san] == nil { settings.setDefault(.subject, "CN=-") }
        return settings
    }
}

extension Session {
    /// Sees that there is a certificate.
    mutating func needsIdentity() throws(Failure) {
        guard try !holds(.certificate) else { return }
        throw Failure(.pending, "no-identity", "there is no certificate in this folder; scep enroll gets one")
    }

    /// Shows what there is now.
    mutating func show(_ report: inout Report) throws(Failure) {
        report.field("directory", text: workspace.path)
        guard let certificate = try bytes(.certificate), let parsed = try? Certificate(certificate.span) else { return }
        report.beginObject("certificate")
        report.certificate(parsed)
        report.endObject()
        if let due = nextAction { report.nextAction(due.goal, due.time) }
    }
}

extension Report {
    /// Adds what is due next, and when.
    mutating func nextAction(_ goal: Goal, _ time: Int64) {
        switch goal {
        case .takeOver: field("next", "take-over")
        case .nextCA: field("next", "next-ca")
        default: field("next", "renew")
        }
        field("nextTime", time: time)
    }
}
