import DeviceCrypto
import Foundation
import Ledger
import Signing

/// NDJSON of which each line is a JWS in its flattened JSON form (RFC 7515, section 7.2.2), signed with ES256 by the station's key.
///
/// A line for each device that has a certificate and is delivered or verified; the last line has the batch's totals, the checkpoint
/// of the audit trail, and SHA-256 of all lines before it: none of them is taken out, or put in, unseen. The two kinds are told apart
/// by `typ`, which is signed, too.
struct SignedReport {
    private let report: Report
    private let out: (String) throws -> Void

    init(_ report: Report, _ out: @escaping (String) throws -> Void) {
        self.report = report
        self.out = out
    }

    func write() throws -> String? {
        var count = 0
        var figures: BatchFigures?
        var hash = Hash(.sha256)
        let head = try report.read { known, reader in
            figures = known
            try reader.forEachDevice { device in
                guard let payload = try payload(device) else { return }
                let line = try sign(payload, "scep-station-device")
                hash.update([UInt8](line.utf8).span)
                count += 1
                try out(line)
            }
        }
        guard let figures else { return nil }
        let checkpoint = try report.checkpoint(at: head)
        let totals: [String: JSON?] = [
            "batch": .text(report.batch), "station": .text(report.actor.station),
            "operator": .text(report.actor.person),
            "at": .text("\(Timestamp.now)"), "lines": .number(count), "sha256": .text(hexadecimal(hash.finish().bytes)),
            "planned": .number(figures.planned), "verified": .number(figures.verified),
            "first_pass": .number(figures.firstPass), "states": .object(figures.states.mapValues(JSON.number)),
            "checkpoint": checkpoint.map(JSON.text),
        ]
        try out(sign(.object(totals.compactMapValues { $0 }), "scep-station-batch"))
        return checkpoint
    }

    /// Nil for a device that has no certificate to be registered.
    private func payload(_ device: DeviceRecord) throws -> JSON? {
        guard let certificate = device.certificate, certificate.status == "live",
            device.state == AttemptState.verified.rawValue || device.state == AttemptState.delivered.rawValue
        else { return nil }
        guard let der = Data(base64Encoded: certificate.der).map({ [UInt8]($0) }) else {
            throw LedgerError.damaged("the certificate of \(device.serial) is no base64")
        }
        let chain = try report.chain.issuers(of: der, serial: device.serial, issuer: certificate.issuer)
        let members: [String: JSON?] = [
            "serial": .text(device.serial), "batch": .text(device.batch), "state": .text(device.state),
            "station": device.station.map(JSON.text), "fingerprint": .text(certificate.fingerprint),
            "public_key": publicJWK(of: der),
            "x5c": .array([.text(certificate.der)] + chain.map { .text(Data($0).base64EncodedString()) }),
        ]
        return .object(members.compactMapValues { $0 })
    }

    private func sign(_ payload: JSON, _ type: String) throws -> String {
        let parts = try report.key.sign(payload.encoding, header: ",\"typ\":\"\(type)\"").split(separator: ".")
        let jws: JSON = [
            "protected": .text(String(parts[0])), "payload": .text(String(parts[1])),
            "signature": .text(String(parts[2])),
        ]
        return jws.description + "\n"
    }
}
