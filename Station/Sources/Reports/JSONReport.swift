import Ledger

/// NDJSON: an object of canonical JSON a line, all values as they are.
struct JSONReport {
    private let report: Report
    private let out: (String) throws -> Void

    init(_ report: Report, _ out: @escaping (String) throws -> Void) {
        self.report = report
        self.out = out
    }

    func write() throws -> String? {
        let head = try report.read { _, reader in
            try reader.forEachDevice { try out(Self.object($0).description + "\n") }
        }
        return try report.checkpoint(at: head)
    }

    private static func object(_ device: DeviceRecord) -> JSON {
        var members: [String: JSON?] = [
            "serial": .text(device.serial), "batch": .text(device.batch), "state": .text(device.state),
            "attempts": .number(device.attempts), "tries": .number(device.tries),
            "profile": device.profile.map(JSON.text), "part": device.part.map(JSON.text),
            "label": device.label.map(JSON.text), "station": device.station.map(JSON.text),
            "port": device.port.map(JSON.text), "operator": device.person.map(JSON.text),
            "cause": device.cause.map(JSON.text), "sentence": device.sentence.map(JSON.text),
            "started_at": device.startedAt.map { .text("\($0)") },
            "finished_at": device.finishedAt.map { .text("\($0)") },
            "columns": .object(device.columns.mapValues(JSON.text)),
        ]
        if let verification = device.verification {
            members["verification"] = [
                "by": .text(verification.means), "station": .text(verification.station),
                "operator": .text(verification.person),
            ]
        }
        if let certificate = device.certificate {
            members["certificate"] = [
                "fingerprint": .text(certificate.fingerprint), "serial_number": .text(certificate.serialNumber),
                "subject": .text(certificate.subject), "issuer": .text(certificate.issuer),
                "not_before": .text(moment(certificate.notBefore)), "not_after": .text(moment(certificate.notAfter)),
                "status": .text(certificate.status), "der": .text(certificate.der),
            ]
        }
        return .object(members.compactMapValues { $0 })
    }
}
