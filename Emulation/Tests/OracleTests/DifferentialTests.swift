import Testing

/// Objects that OpenSSL made, and something done to them: what is accepted here, OpenSSL accepts, and reads alike; what
/// is refused here alone has a reason (``Reasons``).
@Suite struct DifferentialTests {
    /// How many of a thousand messages are of a kind, by what checking one takes.
    private static let shares: [Sample.Kind: Int] = [
        .certificate: 450, .revocationList: 200, .signedData: 220, .envelopedData: 100, .privateKey: 30,
    ]

    @Test(arguments: Sample.Kind.allCases)
    func `both sides agree, or there is a reason`(_ kind: Sample.Kind) throws {
        var generator = Trial.generator(kind.rawValue)
        let samples = try Samples.shared.get()
        var tally = Tally()
        let count = Trial.count * (Self.shares[kind] ?? 0) / 1000
        for _ in 0..<count {
            let sample = try samples.make(kind, using: &generator)
            var root = sample.root
            let mayBeBER = kind == .signedData || kind == .envelopedData
            if mayBeBER, Int.random(in: 0..<3, using: &generator) == 0 { root = root.inBER(&generator) }
            var fields: [String] = []
            for _ in 0..<[0, 1, 1, 1, 1, 1, 1, 2][Int.random(in: 0..<8, using: &generator)] {
                guard let path = Mutation.apply(to: &root, using: &generator) else { continue }
                fields.append(sample.field(path))
                if Int.random(in: 0..<5, using: &generator) > 0 { try sample.signAgain(&root, path) }
            }
            tally.count(sample, fields: fields, message: root.encoding)
        }
        tally.print(kind, count)
        #expect(tally.unexplained.isEmpty, "seed \(Trial.seed)")
        for text in tally.unexplained.prefix(10) { Issue.record("\(text)") }
    }
}

extension Tally {
    fileprivate func print(_ kind: Sample.Kind, _ count: Int) {
        func sum(_ cell: [String: Int]) -> Int { cell.values.reduce(0, +) }
        func list(_ cell: [String: Int]) -> String {
            cell.sorted { ($1.value, $0.key) < ($0.value, $1.key) }.map { "\($0.key) \($0.value)" }
                .joined(separator: ", ")
        }
        Swift.print(
            """
            oracles: \(kind.rawValue), \(count) messages of seed \(Trial.seed): both accept \(bothAccept), \
            both refuse \(bothRefuse)
            oracles: \(kind.rawValue), refused here only: \(sum(strict)): \(list(strict))
            oracles: \(kind.rawValue), accepted here only: \(sum(lenient)): \(list(lenient))
            """)
    }
}
