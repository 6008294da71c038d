/// Holds scores against those that are committed.
public struct Check: Sendable {
    private let scores: Scores
    private let isSample: Bool

    /// How often a sample of what is as good as committed is told to be worse, for each module.
    public static let falseAlarm = 0.0001

    public init(scores: Scores, isSample: Bool) {
        self.scores = scores
        self.isSample = isSample
    }

    /// What speaks against a module; nothing if it is as good as its score.
    ///
    /// A sample may have more survivors than its share, by chance: it fails if so many or more were found once in
    /// 10,000 samples at most, by the binomial distribution; with ten modules, one sample in a thousand.
    public func failures(of tally: Tally) -> [String] {
        guard let share = scores.shares[tally.module] else { return [] }
        let found = tally.survivors.count
        let shown =
            "\(tally.module): \(found) of \(tally.count) mutants survived, and Mutants/scores has \(share * 100) %"
        guard isSample else { return tally.share < share ? [shown] : [] }
        let probability = Binomial.atLeast(found, of: tally.count, probability: 1 - share)
        return probability < Self.falseAlarm
            ? ["\(shown); chance makes a sample like this once in \(Int(1 / probability))"] : []
    }
}
