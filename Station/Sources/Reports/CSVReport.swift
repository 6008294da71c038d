import Foundation
import Ledger

/// RFC 4180, with a header, in UTF-8.
///
/// A spreadsheet takes a cell that begins with `=`, `+`, `-` or `@` for a formula, which may run programs and fetch pages: such a
/// cell has an apostrophe in front. Control characters, line ends among them, stand there as `\u{…}`, so that a device is a line.
struct CSVReport {
    private let report: Report
    private let out: (String) throws -> Void

    init(_ report: Report, _ out: @escaping (String) throws -> Void) {
        self.report = report
        self.out = out
    }

    private static let header = [
        "serial", "state", "attempts", "tries", "station", "port", "operator", "cause", "sentence", "fingerprint",
        "serial_number", "subject", "not_before", "not_after", "label", "verified_by", "verified_station",
        "verified_operator",
    ]

    func write() throws -> String? {
        let head = try report.read { _, reader in
            let carried = try reader.carriedColumns()
            try row(Self.header + carried)
            try reader.forEachDevice { device in
                let certificate = device.certificate
                try row(
                    [
                        device.serial, device.state, "\(device.attempts)", "\(device.tries)", device.station,
                        device.port,
                        device.person, device.cause, device.sentence, certificate?.fingerprint,
                        certificate?.serialNumber, certificate?.subject, certificate.map { moment($0.notBefore) },
                        certificate.map { moment($0.notAfter) }, device.label, device.verification?.means,
                        device.verification?.station, device.verification?.person,
                    ] + carried.map { device.columns[$0] })
            }
        }
        return try report.checkpoint(at: head)
    }

    private func row(_ cells: [String?]) throws {
        try out(cells.map { Self.cell($0 ?? "") }.joined(separator: ",") + "\r\n")
    }

    static func cell(_ value: String) -> String {
        var text = printable(value)
        // Full-width forms are taken for the same by some.
        if let first = text.unicodeScalars.first(where: { $0 != " " && $0 != "\u{A0}" }),
            "=+-@＝＋－＠".unicodeScalars.contains(first)
        {
            text = "'" + text
        }
        guard text.contains(where: { $0 == "," || $0 == "\"" || $0 == " " || $0 == "'" }) else { return text }
        return "\"" + text.replacing("\"", with: "\"\"") + "\""
    }
}

/// RFC 3339, UTC.
///
/// - Parameter seconds: since 1970.
func moment(_ seconds: Int) -> String {
    Date(timeIntervalSince1970: Double(seconds)).formatted(Date.ISO8601FormatStyle())
}
