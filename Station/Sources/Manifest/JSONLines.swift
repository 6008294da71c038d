import Foundation

/// Reads NDJSON: an object of texts on each line.
struct JSONLines {
    private let bytes: [UInt8]
    private var position = 0
    private var line = 0

    init(_ bytes: [UInt8]) { self.bytes = bytes }

    mutating func next(_ report: (ManifestProblem) -> Void) -> ManifestRow? {
        while position < bytes.count {
            let start = position
            while position < bytes.count, bytes[position] != UInt8(ascii: "\n") { position += 1 }
            let text = bytes[start..<position]
            position += 1
            line += 1
            guard text.contains(where: { $0 != 0x20 && $0 != 0x09 && $0 != 0x0D }) else { continue }
            if let values = values(text, report) { return ManifestRow(line: line, values: values) }
        }
        return nil
    }

    private func values(_ text: ArraySlice<UInt8>, _ report: (ManifestProblem) -> Void) -> [String: String]? {
        let members: [String: Member]
        do {
            members = try JSONDecoder().decode([String: Member].self, from: Data(text))
        } catch DecodingError.typeMismatch {
            report(ManifestProblem(line, nil, "a line is one object of JSON: {\"serial\": \"…\", …}"))
            return nil
        } catch {
            report(ManifestProblem(line, nil, "this is no JSON: each line is one object, {\"serial\": \"…\", …}"))
            return nil
        }
        var values: [String: String] = [:]
        var isWhole = true
        for (name, member) in members.sorted(by: { $0.key < $1.key }) {
            switch member {
            case .text(let value):
                guard !value.isEmpty else { continue }
                if ManifestRows.text([UInt8](value.utf8)[...]) != nil {
                    values[name] = value
                } else {
                    report(ManifestProblem(line, name, ManifestRows.badText([UInt8](value.utf8)[...])))
                    isWhole = false
                }
            case .null: continue
            case .other:
                report(ManifestProblem(line, name, "values are texts: put it into quotation marks"))
                isWhole = false
            }
        }
        return isWhole ? values : nil
    }

    private enum Member: Decodable {
        case text(String), null, other

        init(from decoder: any Decoder) throws {
            let container = try decoder.singleValueContainer()
            if let text = try? container.decode(String.self) {
                self = .text(text)
            } else {
                self = container.decodeNil() ? .null : .other
            }
        }
    }
}
