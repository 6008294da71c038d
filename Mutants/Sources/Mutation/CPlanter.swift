/// Writes a C file with its mutants in it: by its statements, as a table of operators finds them in the text.
///
/// C's types are forgiving, so that an expression with a mutant stands whole in a branch of its own.
struct CPlanter {
    private(set) var planted = Planted()
    private let file: String
    private let firstNumber: Int
    private let isPlanted: (Int) -> Bool
    private let lines: [Substring]
    private let unbuilt: Set<Int>

    static func plant(_ source: String, file: String, firstNumber: Int, isPlanted: @escaping (Int) -> Bool) -> Planted {
        var planter = CPlanter(
            file: file, firstNumber: firstNumber, isPlanted: isPlanted,
            lines: source.split(separator: "\n", omittingEmptySubsequences: false))
        planter.planted.append("#include \"CMutant.h\"\n")
        for piece in CText.pieces(source) {
            switch piece.kind {
            case .verbatim: planter.planted.append(piece.text)
            case .statement: planter.emitStatement(piece.text, line: piece.line)
            case .condition: planter.emitExpression(piece.text, line: piece.line, isCondition: true)
            case .value: planter.emitExpression(piece.text, line: piece.line, isCondition: false)
            }
        }
        planter.planted.numberOccurrences()
        return planter.planted
    }

    private init(file: String, firstNumber: Int, isPlanted: @escaping (Int) -> Bool, lines: [Substring]) {
        self.file = file
        self.firstNumber = firstNumber
        self.isPlanted = isPlanted
        self.lines = lines
        unbuilt = CBranches.unbuilt(lines)
    }

    private mutating func claim(_ change: Change, _ line: Int) -> Int? {
        guard !unbuilt.contains(line) else { return nil }
        planted.mutants.append(
            Mutant(
                kind: change.kind, file: file, line: line, lineText: lines[line - 1].trimmed,
                original: change.original.onOneLine, replacement: change.replacement.onOneLine))
        let place = planted.mutants.count - 1
        return isPlanted(place) ? place : nil
    }

    /// A call or an assignment, without its semicolon.
    private mutating func emitStatement(_ text: String, line: Int) {
        let isAssignment = CText.isAssignment(text)
        var changes = [Change.leftOut(isAssignment ? .assignment : .call, text)]
        changes += COperators.changes(of: text)
        var close = ""
        var open: [Int] = []
        for change in changes {
            guard let place = claim(change, line) else { continue }
            open.append(planted.open(.mutant(place)))
            switch change.form {
            case .alternative(let other):
                planted.append("{ if (__mutant(\(firstNumber + place))) { \(other); } else { ")
            case .wrapped: planted.append("{ if (!__mutant(\(firstNumber + place))) { ")
            }
            close += " } }"
        }
        planted.append(text + ";" + close)
        for region in open.reversed() { planted.close(region) }
    }

    private mutating func emitExpression(_ text: String, line: Int, isCondition: Bool) {
        var changes = COperators.changes(of: text)
        if isCondition { changes.insert(.alternative(.condition, text, "!(\(text))"), at: 0) }
        var close = ""
        var open: [Int] = []
        for change in changes {
            guard let place = claim(change, line), case .alternative(let other) = change.form else { continue }
            open.append(planted.open(.mutant(place)))
            planted.append("(__mutant(\(firstNumber + place)) ? (\(other)) : (")
            close += "))"
        }
        planted.append(text + close)
        for region in open.reversed() { planted.close(region) }
    }
}
