import Mutation

/// Which mutants are in the build, and why others are not.
struct Plan: Sendable {
    let candidates: Candidates
    /// Places in `candidates.mutants`.
    var planted: Set<Int>
    /// What the compiler refused.
    var refused: Set<Int> = []

    mutating func drop(_ indices: some Sequence<Int>) {
        for index in indices where planted.remove(index) != nil { refused.insert(index) }
    }

    func text(of file: Candidates.File) -> Planted {
        file.source.planted(firstNumber: Candidates.number(file.range.lowerBound)) { place in
            planted.contains(file.range.lowerBound + place)
        }
    }
}
