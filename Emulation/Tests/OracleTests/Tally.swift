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

    /// Has an object judged by both sides.
    ///
    /// - Parameter fields: those that were changed; none when it is as it was.
    mutating func count(_ specimen: Specimen, fields: [String], message: [UInt8]) {
        let (ours, theirs) = (specimen.ours(message), specimen.theirs(message))
        var isExplained = true
        switch (ours, theirs) {
        case (.accepted(let one), .accepted(let other)):
            bothAccept += 1
            isExplained = one == other || fields.contains { Reasons.otherResult[specimen.kind]?[$0] != nil }
        case (.refused, .refused):
            bothRefuse += 1
            isExplained = !fields.isEmpty
        case (.refused(let word), .accepted):
            strict[word, default: 0] += 1
            isExplained = !fields.isEmpty && Reasons.strict[specimen.kind]?[word] != nil
        case (.accepted, .refused):
            let reasons = Reasons.lenient[specimen.kind] ?? [:]
            let field = fields.first { reasons[$0] != nil }
            lenient[field ?? fields.joined(separator: ", "), default: 0] += 1
            isExplained = field != nil
        }
        guard !isExplained else { return }
        unexplained.append("\(specimen.kind) \(fields): we \(ours), OpenSSL \(theirs): \(hex(message))")
    }
}
