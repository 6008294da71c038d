import Agent

/// What the devices of a kind have in common: a file in the form of `scep.conf`, lines `name = value`, in whose values `{column}`
/// stands for what the manifest has there. A brace that is meant is doubled.
///
/// Names are those of the device's configuration, and these:
///
/// | name | value |
/// |---|---|
/// | `key-origin` | `device` (default): the device makes its key, and runs its own client; `station`: the station makes it |
/// | `partition-size`, `sector-size`, `page-size` | of the identity partition, in bytes: default 61440, 1024, 4 |
/// | `erased` | what an erased byte reads as: `FF` (default) or `00` |
/// | `snapshot-capacity` | the `capacity` that the firmware gives its `NORSnapshots`: default 12288, of an agent with 3 KiB for the CA's certificates |
public struct Profile: Sendable {
    public enum KeyOrigin: String, Sendable {
        case device, station
    }

    /// The identity partition's shape, in bytes.
    public struct Partition: Sendable, Equatable {
        public var size = 61_440
        public var sectorSize = 1_024
        public var pageSize = 4
        public var erasedValue: UInt8 = 0xFF
        public var snapshotCapacity = 12_288
    }

    struct Entry: Sendable {
        let name: Configuration.Name
        let line: Int
        let value: Template
    }

    /// How problems name it: its file.
    public let file: String?
    public private(set) var keyOrigin = KeyOrigin.device
    public private(set) var partition = Partition()
    private(set) var entries: [Entry] = []

    /// No profile: all comes from the manifest.
    public init() { file = nil }

    /// - Parameters:
    ///   - bytes: of the file.
    ///   - file: its name.
    ///   - report: is told all that is wrong.
    public init(_ bytes: [UInt8], file: String? = nil, report: (ManifestProblem) -> Void) {
        self.file = file
        let text = bytes.starts(with: [0xEF, 0xBB, 0xBF]) ? bytes.dropFirst(3) : bytes[...]
        var seen: Set<String> = []
        for (index, line) in text.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false).enumerated() {
            let number = index + 1
            let content = line.last == UInt8(ascii: "\r") ? line.dropLast() : line
            guard let words = ManifestRows.text(content)?.trimmed else {
                report(ManifestProblem(number, nil, ManifestRows.badText(content), in: file))
                continue
            }
            guard !words.isEmpty, !words.hasPrefix("#") else { continue }
            guard let equals = words.firstIndex(of: "=") else {
                report(ManifestProblem(number, nil, "a line is: name = value", in: file))
                continue
            }
            let name = words[..<equals].trimmed
            let value = words[words.index(after: equals)...].trimmed
            guard seen.insert(name).inserted else {
                report(ManifestProblem(number, name, "it is set above already; take one of the lines out", in: file))
                continue
            }
            guard !value.isEmpty else {
                report(
                    ManifestProblem(number, name, "it has no value; take the line out, or put # before it", in: file))
                continue
            }
            if let sentence = set(name, value, number) { report(ManifestProblem(number, name, sentence, in: file)) }
        }
        if 2_048 % partition.pageSize != 0 {
            report(ManifestProblem(0, "page-size", "a page is 1, 2, 4, … 2048 bytes", in: file))
        }
        if partition.sectorSize % partition.pageSize != 0 || partition.size % partition.sectorSize != 0 {
            report(
                ManifestProblem(
                    0, "partition-size", "the partition is no whole number of sectors, or a sector none of pages",
                    in: file))
        }
    }

    /// - Returns: what is wrong; nil if nothing is.
    private mutating func set(_ name: String, _ value: String, _ line: Int) -> String? {
        switch name {
        case "key-origin":
            guard let origin = KeyOrigin(rawValue: value) else { return "it is device or station" }
            keyOrigin = origin
        case "partition-size": return Self.read(value, 1_024...16_777_216, into: &partition.size)
        case "sector-size": return Self.read(value, 64...1_048_576, into: &partition.sectorSize)
        case "page-size": return Self.read(value, 1...2_048, into: &partition.pageSize)
        case "snapshot-capacity": return Self.read(value, 1_024...65_535, into: &partition.snapshotCapacity)
        case "erased":
            switch value.uppercased() {
            case "FF": partition.erasedValue = 0xFF
            case "00": partition.erasedValue = 0
            default: return "it is FF or 00"
            }
        default:
            guard let word = Configuration.Name(name) else {
                return
                    "there is no such name; a device's configuration has \(Configuration.Name.all.map(\.1).joined(separator: ", "))"
            }
            guard let template = Template(value) else { return Template.fault }
            entries.append(Entry(name: word, line: line, value: template))
        }
        return nil
    }

    private static func read(_ text: String, _ range: ClosedRange<Int>, into value: inout Int) -> String? {
        guard let number = Int(text), range.contains(number) else {
            return "it is a number from \(range.lowerBound) to \(range.upperBound)"
        }
        value = number
        return nil
    }
}

extension StringProtocol {
    /// Without blanks and tabulators around it.
    var trimmed: String {
        var part = self[...]
        while let first = part.first, first == " " || first == "\t" { part = part.dropFirst() }
        while let last = part.last, last == " " || last == "\t" { part = part.dropLast() }
        return String(part)
    }
}
