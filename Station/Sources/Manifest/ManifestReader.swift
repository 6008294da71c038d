import Agent
import Foundation
import Output

/// Goes through a manifest device by device, and tells all that is wrong with it.
///
/// It holds the file and the serials that it saw, not the devices: 100,000 of them take some tens of megabytes.
public final class ManifestReader {
    private var rows: ManifestRows
    private let profile: (String?) -> Profile?
    private let hasChallengeCommand: Bool
    private let tell: (ManifestProblem) -> Void
    /// What was told of profiles: once, and not for each device.
    private var told: Set<ManifestProblem> = []
    private var hasProblems = false
    private var lines: [String: Int] = [:]
    private var profiles: [String?: Profile?] = [:]
    /// Names of columns that are none, so that NDJSON tells each once.
    private var unknown: Set<String> = []
    /// Rows that were read, right or wrong.
    public private(set) var count = 0

    /// - Parameters:
    ///   - bytes: of the file.
    ///   - hasChallengeCommand: whether each device's challenge is fetched later.
    ///   - profile: gives the profile of a name, or of rows that name none; nil if there is none of that name, or it is bad, which
    ///     it reports itself. Asked once for each.
    ///   - report: is told what is wrong.
    public init(
        _ bytes: [UInt8], hasChallengeCommand: Bool = false, profile: @escaping (String?) -> Profile?,
        report: @escaping (ManifestProblem) -> Void
    ) {
        tell = report
        rows = ManifestRows(bytes)
        self.hasChallengeCommand = hasChallengeCommand
        self.profile = profile
        rows.readBeginning(self.report)
        checkHeader()
    }

    /// The next device that is right; nil at the end.
    public func next() -> ManifestDevice? {
        while let row = rows.next(report) {
            count += 1
            if let device = device(row) { return device }
        }
        if count == 0, !hasProblems {
            report(ManifestProblem(0, nil, "there are no devices in it: each has a line of its own behind the header"))
        }
        return nil
    }

    private func report(_ problem: ManifestProblem) {
        hasProblems = true
        tell(problem)
    }

    /// Reports what is wrong with a profile, if that was not told before.
    private func report(_ profile: Profile, _ line: Int, _ name: String, _ sentence: String) {
        let problem = ManifestProblem(line, name, sentence, in: profile.file)
        if told.insert(problem).inserted { report(problem) }
    }

    private func checkHeader() {
        var seen: Set<String> = []
        for (line, name) in rows.columns {
            check(column: name, line)
            if !seen.insert(name).inserted {
                report(ManifestProblem(line, name, "this column is there twice; take one out"))
            }
        }
        if let line = rows.columns.first?.line, !seen.contains("serial") {
            report(ManifestProblem(line, nil, "there is no column serial, which tells one device from another"))
        }
    }

    private func check(column name: String, _ line: Int) {
        guard Column(name) == nil, unknown.insert(name).inserted else { return }
        report(
            ManifestProblem(
                line, name,
                "there is no such column: names are serial, batch, profile, part, port, label, those of a device's configuration, and x-… for what the reports are to have"
            ))
    }

    private func device(_ row: ManifestRow) -> ManifestDevice? {
        if rows.columns.isEmpty { for name in row.values.keys.sorted() { check(column: name, row.line) } }
        guard let serial = row.values["serial"] else {
            report(ManifestProblem(row.line, "serial", "it is empty"))
            return nil
        }
        var isRight = true
        func wrong(_ column: String, _ sentence: String) {
            report(ManifestProblem(row.line, column, sentence))
            isRight = false
        }
        if let first = lines[serial] {
            wrong("serial", "'\(serial)' is on line \(first) already")
        } else {
            lines[serial] = row.line
        }
        if serial.utf8.count > 64 || serial.trimmed != serial {
            wrong("serial", "a serial has at most 64 bytes, and no blank at its beginning or end")
        }
        if !serial.hasOneSpelling {
            wrong(
                "serial",
                "it has a character that does not show, or another spelling that looks the same: write it anew")
        }
        for name in ["batch", "profile", "part", "port", "label"] where row.values[name]?.utf8.count ?? 0 > 128 {
            wrong(name, "it has more than 128 bytes")
        }
        guard let profile = loaded(row.values["profile"], row.line) else { return nil }
        let configured = profile.values(for: row.values)
        for (entry, column) in configured.missing {
            if mayHave(column) {
                wrong(column, "the profile's \(entry.name.word) has {\(column)} in it, and there is no value")
            } else {
                isRight = false
                report(profile, entry.line, entry.name.word, unknown(column))
            }
        }
        guard isRight else { return nil }
        let device = ManifestDevice(
            serial: serial, batch: row.values["batch"], profile: row.values["profile"], part: row.values["part"],
            port: row.values["port"], label: row.values["label"],
            configuration: configured.values.filter { $0.0 != .challenge }.map { ($0.0.word, $0.1) },
            challenge: configured.values.first { $0.0 == .challenge }?.1,
            carried: row.values.filter { $0.key.hasPrefix("x-") }, keyOrigin: profile.keyOrigin,
            partition: profile.partition)
        return check(device, configured.values, profile, row) ? device : nil
    }

    private func loaded(_ name: String?, _ line: Int) -> Profile? {
        if let known = profiles[name] { return known }
        let loaded = profile(name)
        profiles[name] = .some(loaded)
        if loaded == nil {
            report(ManifestProblem(line, "profile", "there is no usable profile\(name.map { " '\($0)'" } ?? "")"))
        }
        return loaded
    }

    /// Whether a row may have such a column.
    private func mayHave(_ column: String) -> Bool {
        rows.columns.isEmpty ? Column(column) != nil : rows.columns.contains { $0.name == column }
    }

    private func unknown(_ column: String) -> String {
        "nothing is known as {\(column)}: "
            + (rows.columns.isEmpty
                ? "there is no such column"
                : "the manifest has \(rows.columns.map { "{\($0.name)}" }.joined(separator: ", "))")
    }

    /// Whether the device's client takes what it will be told.
    private func check(
        _ device: ManifestDevice, _ values: [(Configuration.Name, String)], _ profile: Profile, _ row: ManifestRow
    ) -> Bool {
        let line = row.line
        var isRight = true
        /// The profile's line that a value comes from; nil if it is the row's own.
        func entry(_ name: Configuration.Name) -> Profile.Entry? {
            row.values[name.word] == nil ? profile.entries.first { $0.name == name } : nil
        }
        for (name, value) in values {
            guard let field = name.requestField, let fault = field.fault(in: [UInt8](value.utf8)) else { continue }
            isRight = false
            // With a plain value it would be as wrong: then it is the profile that is.
            if let entry = entry(name), let fault = field.fault(in: [UInt8](entry.value.filled { _ in "x" }.utf8)) {
                let text = entry.value.filled { "{\($0)}" }
                report(profile, entry.line, name.word, text + String(decoding: fault, as: UTF8.self))
            } else {
                report(ManifestProblem(line, name.word, value + String(decoding: fault, as: UTF8.self)))
            }
        }
        if device.challenge != nil, hasChallengeCommand {
            report(ManifestProblem(line, "challenge", "there is a challenge-command too: one of them"))
            isRight = false
        }
        // One stands for what will be fetched.
        let text = device.text(challenge: hasChallengeCommand ? "x" : nil)
        do throws(ConfigurationError) {
            _ = try Configuration(text.span)
        } catch {
            isRight = false
            let sentence = error.sentence(of: values)
            guard let name = error.name else {
                report(ManifestProblem(line, nil, sentence))
                return false
            }
            if let entry = entry(name), entry.value.names.isEmpty {
                report(profile, entry.line, name.word, sentence)
            } else if error.kind == .missing, !rows.columns.isEmpty, !mayHave(name.word) {
                report(profile, 0, name.word, "it has no value, neither in the profile nor in a column of the manifest")
            } else {
                report(ManifestProblem(line, name.word, sentence))
            }
        }
        return isRight
    }
}

extension Configuration.Name {
    /// What a text of this name becomes in a request, if there is more to check of it than the configuration does.
    fileprivate var requestField: RequestField? {
        switch self {
        case .subject: .subject
        case .san: .subjectAltName
        case .keyUsage: .keyUsage
        case .extendedKeyUsage: .extendedKeyUsage
        case .template: .template
        default: nil
        }
    }
}

extension ConfigurationError {
    /// - Parameter values: what was configured; a challenge is not shown.
    fileprivate func sentence(of values: [(Configuration.Name, String)]) -> String {
        switch kind {
        case .missing: "it has no value, neither here nor in the profile"
        case .badValue where name == .challenge: "a challenge has at most 255 bytes"
        case .badValue: "the device's client does not take '\(values.first { $0.0 == name }?.1 ?? "")'"
        case .unknownName, .duplicate: "the device's client does not take this"
        }
    }
}

extension String {
    /// Whether it is as Unicode composes it (NFC), and nothing of it is hidden: so that two that look the same are the same.
    fileprivate var hasOneSpelling: Bool {
        guard precomposedStringWithCanonicalMapping.utf8.elementsEqual(utf8) else { return false }
        return unicodeScalars.allSatisfy { scalar in
            switch scalar.properties.generalCategory {
            case .control, .format, .surrogate, .privateUse, .unassigned, .lineSeparator, .paragraphSeparator: false
            case .spaceSeparator: scalar == " "
            default: true
            }
        }
    }
}
