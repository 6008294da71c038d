/// What is wrong with a manifest or a profile, and where.
public struct ManifestProblem: Sendable, Hashable, CustomStringConvertible {
    /// The profile that is wrong; nil for the file that is read.
    public let profile: String?
    /// From 1; 0 for the file as a whole.
    public let line: Int
    /// The column's name, or a profile's word.
    public let column: String?
    /// What is wrong, and what to do.
    public let sentence: String

    init(_ line: Int, _ column: String? = nil, _ sentence: String, in profile: String? = nil) {
        self.profile = profile
        self.line = line
        self.column = column
        self.sentence = sentence
    }

    public var description: String {
        let place = [line > 0 ? "line \(line)" : nil, column.map { "column \($0)" }].compactMap(\.self)
        return place.isEmpty ? sentence : place.joined(separator: ", ") + ": " + sentence
    }
}
