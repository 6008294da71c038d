import Foundation
import Mutation

/// Mutants that change nothing that could be noticed, each with its reason.
///
/// A file of entries that are divided by empty lines; lines that begin with `#` are passed over:
///
///     file: Sources/DER/BER.swift
///     line: while level > 0 {
///     change: level > 0 → level >= 1
///     why: levels are whole numbers
///
/// The change `*` is every change of the line.
public struct Equivalents: Sendable {
    public struct Malformed: Error, CustomStringConvertible {
        public let description: String
    }

    public private(set) var reasons: [Mutant.Key: String] = [:]

    public func contains(_ mutant: Mutant) -> Bool {
        reasons[mutant.key] != nil || reasons[Self.line(of: mutant)] != nil
    }

    private static func line(of mutant: Mutant) -> Mutant.Key {
        Mutant.Key(file: mutant.file, lineText: mutant.lineText, change: "*")
    }

    public init(_ text: String) throws {
        let lines = text.split(separator: "\n", omittingEmptySubsequences: false).filter { !$0.hasPrefix("#") }
        for entry in lines.split(whereSeparator: { $0.allSatisfy(\.isWhitespace) }) {
            var fields: [String: String] = [:]
            for line in entry {
                guard let colon = line.firstIndex(of: ":") else { throw Malformed(description: "no field: \(line)") }
                let name = String(line[..<colon])
                fields[name] = line[line.index(after: colon)...].trimmingCharacters(in: .whitespaces)
            }
            guard let file = fields["file"], let lineText = fields["line"], let change = fields["change"],
                let why = fields["why"], !why.isEmpty, fields.count == 4
            else {
                throw Malformed(description: "an entry has file, line, change and why: \(entry.joined(separator: " "))")
            }
            reasons[Mutant.Key(file: file, lineText: lineText, change: change)] = why
        }
    }

    /// The entries that no mutant of the repository is known by.
    public func unmatched(in root: URL) -> [Mutant.Key] {
        unmatched(
            by: Set(reasons.keys.map(\.file)).sorted().flatMap { path -> [Mutant] in
                guard let text = try? String(contentsOf: root.appendingPathComponent(path), encoding: .utf8) else {
                    return []
                }
                return SourceFile(path: path, text: text).planted(firstNumber: 1) { _ in false }.mutants
            })
    }

    /// The entries that none of `mutants` is known by.
    public func unmatched(by mutants: [Mutant]) -> [Mutant.Key] {
        Set(reasons.keys).subtracting(mutants.flatMap { [$0.key, Self.line(of: $0)] }).sorted()
    }
}
