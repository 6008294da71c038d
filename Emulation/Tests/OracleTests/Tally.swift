/// Who accepted what.
struct Tally {
    private(set) var bothAccept = 0
    private(set) var bothRefuse = 0
    /// Refused here only, by the word for why.
    private(set) var strict: [String: Int] = [:]
    /// Accepted here only, by the field that was changed.
    private(set) var lenient: [String: Int] = [:]
    /// What no table has a reason for: the message, in hexadecimal, and what both sides said.
    private(set) var unexplained: [String] = []

    /// Has an object checked by both sides.
    ///
    /// - Parameter fields: those that were changed; none when it is as it was.
    mutating func count(_ sample: Sample, fields: [String], message: [UInt8]) {
        let (ours, theirs) = (sample.ours(message), sample.theirs(message))
        var isExplained = true
        switch (ours, theirs) {
        case (.accepted(let one), .accepted(let other)):
            bothAccept += 1
            isExplained = one == other || fields.contains { Reasons.otherResult[sample.kind]?[$0] != nil }
        case (.refused, .refused):
            bothRefuse += 1
            isExplained = !fields.isEmpty
        case (.refused(let word), .accepted):
            strict[word, default: 0] += 1
            isExplained = !fields.isEmpty && Reasons.strict[sample.kind]?[word] != nil
        case (.accepted, .refused):
            let reasons = Reasons.lenient[sample.kind] ?? [:]
            let field = fields.first { reasons[$0] != nil }
            lenient[field ?? fields.joined(separator: ", "), default: 0] += 1
            isExplained = field != nil
        }
        guard !isExplained else { return }
        unexplained.append("\(sample.kind) \(fields): we \(ours), OpenSSL \(theirs): \(hex(message))")
    }
}
