import Mutation

/// The score of a module.
public struct Tally: Sendable {
    public let module: String
    public internal(set) var noticed = 0
    public internal(set) var hung = 0
    public internal(set) var survivors: [(mutant: Mutant, isReached: Bool)] = []
    public internal(set) var equivalent = 0
    public internal(set) var refused = 0

    /// What counts: neither equivalent nor refused by the compiler.
    public var count: Int { noticed + survivors.count }
    public var share: Double { count > 0 ? Double(noticed) / Double(count) : 1 }

    init(module: String) {
        self.module = module
    }

    mutating func count(_ mutants: [Int], _ fates: [Int: Fate], _ candidates: Candidates) {
        for index in mutants {
            guard let fate = fates[index] else { continue }
            if fate.isNoticed {
                noticed += 1
                hung += fate == .hung ? 1 : 0
            } else {
                survivors.append((candidates.mutants[index], fate == .survived))
            }
        }
    }

    public var line: String {
        let percentage = String((share * 1000).rounded(.down) / 10)
        let notReached = survivors.count { !$0.isReached }
        return "\(module): \(percentage) %, \(noticed) of \(count) noticed (\(hung) of them hung); "
            + "\(survivors.count) survived, \(notReached) of them not reached; \(equivalent) equivalent, "
            + "\(refused) do not compile"
    }
}
