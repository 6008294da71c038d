/// One device's line of a manifest, as it stands there.
struct ManifestRow: Equatable {
    let line: Int
    /// By column; what is empty is left out.
    let values: [String: String]
}

/// Reads a manifest's lines, CSV or NDJSON.
///
/// What is wrong with a line is reported and the line passed over, so that all of it is known at once.
struct ManifestRows {
    private enum Form {
        case csv(CSVReader, header: [String])
        case json(JSONLines)
        case ended
    }

    private var form = Form.ended
    /// A CSV's columns; NDJSON has them line by line.
    private(set) var columns: [(line: Int, name: String)] = []
    private let bytes: [UInt8]

    /// - Parameter bytes: of the file.
    init(_ bytes: [UInt8]) { self.bytes = bytes }

    /// Finds out what the file is, and reads a CSV's header.
    mutating func readBeginning(_ report: (ManifestProblem) -> Void) {
        guard !bytes.starts(with: [0xFF, 0xFE]), !bytes.starts(with: [0xFE, 0xFF]) else {
            report(ManifestProblem(0, nil, "the file is UTF-16: save it as UTF-8"))
            return
        }
        let text = bytes.starts(with: [0xEF, 0xBB, 0xBF]) ? [UInt8](bytes.dropFirst(3)) : bytes
        let first = text.first { $0 != 0x20 && $0 != 0x09 && $0 != 0x0A && $0 != 0x0D }
        switch first {
        case nil: report(ManifestProblem(0, nil, "the file is empty"))
        case UInt8(ascii: "{"): form = .json(JSONLines(text))
        default:
            if let sentence = Self.foreignSeparator(text) { return report(ManifestProblem(1, nil, sentence)) }
            readHeader(CSVReader(text), report)
        }
    }

    mutating func next(_ report: (ManifestProblem) -> Void) -> ManifestRow? {
        switch form {
        case .ended: return nil
        case .json(var lines):
            let row = lines.next(report)
            form = .json(lines)
            return row
        case .csv(var reader, let header):
            while true {
                do throws(CSVError) {
                    guard let record = try reader.next() else { return nil }
                    guard let row = row(record, header, report) else { continue }
                    form = .csv(reader, header: header)
                    return row
                } catch {
                    report(
                        ManifestProblem(
                            error.line, error.field < header.count ? header[error.field] : nil, error.sentence))
                    form = .ended
                    return nil
                }
            }
        }
    }

    /// What spreadsheets write where a comma is no separator.
    ///
    /// - Returns: what is wrong; nil if nothing is.
    private static func foreignSeparator(_ text: [UInt8]) -> String? {
        let line = text.prefix { $0 != 0x0A && $0 != 0x0D }
        let words = String(decoding: line, as: UTF8.self)
        if words.lowercased().drop(while: { $0 == "\"" }).hasPrefix("sep=") {
            return
                "'\(words.prefix(8).map { $0 == "\t" ? "\\t" : "\($0)" }.joined())' is a line of Excel's own, and no header: take it out, and save the file with commas"
        }
        guard let separator = line.prefix(while: { $0 != UInt8(ascii: ",") }).first(where: { $0 == 0x3B || $0 == 0x09 })
        else { return nil }
        return
            "the columns are separated by \(separator == 0x09 ? "tabulators" : "semicolons"): save the file with commas"
    }

    private mutating func readHeader(_ reader: CSVReader, _ report: (ManifestProblem) -> Void) {
        var reader = reader
        do throws(CSVError) {
            guard let record = try reader.next() else { return }
            var header: [String] = []
            for (number, field) in record.fields.enumerated() {
                guard let name = Self.text(field) else {
                    report(
                        ManifestProblem(
                            record.line, nil,
                            "the name of column \(number + 1) is not UTF-8, or has a control character"))
                    return
                }
                header.append(name)
            }
            columns = header.map { (record.line, $0) }
            form = .csv(reader, header: header)
        } catch {
            report(ManifestProblem(error.line, nil, error.sentence))
        }
    }

    private func row(
        _ record: CSVReader.Record, _ header: [String], _ report: (ManifestProblem) -> Void
    ) -> ManifestRow? {
        // What spreadsheets leave behind the last line.
        guard record.fields.contains(where: { !$0.isEmpty }) else { return nil }
        guard record.fields.count == header.count else {
            report(
                ManifestProblem(
                    record.line, nil,
                    "\(record.fields.count) values for \(header.count) columns: a value with a comma in it stands in quotation marks"
                ))
            return nil
        }
        var values: [String: String] = [:]
        for (name, field) in zip(header, record.fields) where !field.isEmpty {
            guard let text = Self.text(field) else {
                report(ManifestProblem(record.line, name, Self.badText(field)))
                continue
            }
            values[name] = text
        }
        return ManifestRow(line: record.line, values: values)
    }

    /// Nil if it is not UTF-8, or has a control character: neither a name nor a value has one, and what shows them later need not
    /// take care of it.
    static func text(_ bytes: ArraySlice<UInt8>) -> String? {
        guard !bytes.contains(where: { $0 < 0x20 || $0 == 0x7F }) else { return nil }
        return String(validating: bytes, as: UTF8.self)
    }

    static func badText(_ bytes: ArraySlice<UInt8>) -> String {
        bytes.contains { $0 < 0x20 || $0 == 0x7F }
            ? "a line end or another control character within the value"
            : "the value is not UTF-8: save the file as UTF-8"
    }
}
