import SwiftOperators
import SwiftParser
import SwiftSyntax

/// Writes a Swift file with its mutants in it, each behind a switch.
///
/// A mutant's own text holds no other mutant: only what is written where no mutant of the expression is alive does. So the
/// text grows with the depth of an expression, and not by a power of it. Every candidate is counted, planted or not, so that
/// a mutant keeps its place among its file's when others are left out.
struct Planter {
    private(set) var planted = Planted()
    private let file: String
    private let firstNumber: Int
    private let isPlanted: (Int) -> Bool
    private let lines: [Substring]
    private let positions: SourceLocationConverter
    /// Whether the next token's leading trivia was written already.
    private var hasWrittenTrivia = false

    /// - Parameters:
    ///   - firstNumber: the switch of the file's first candidate.
    ///   - isPlanted: whether a candidate is, by its place among its file's.
    static func plant(_ source: String, file: String, firstNumber: Int, isPlanted: @escaping (Int) -> Bool) -> Planted {
        let parsed = Parser.parse(source: source)
        // An operator of the source's own stays unfolded, and its operands are passed over.
        let tree = OperatorTable.standardOperators.foldAll(parsed) { _ in }
        var planter = Planter(
            file: file, firstNumber: firstNumber, isPlanted: isPlanted,
            lines: source.split(separator: "\n", omittingEmptySubsequences: false),
            positions: SourceLocationConverter(fileName: file, tree: parsed))
        planter.planted.append("import CMutant\n")
        planter.emit(tree)
        planter.planted.numberOccurrences()
        return planter.planted
    }

    private init(
        file: String, firstNumber: Int, isPlanted: @escaping (Int) -> Bool, lines: [Substring],
        positions: SourceLocationConverter
    ) {
        self.file = file
        self.firstNumber = firstNumber
        self.isPlanted = isPlanted
        self.lines = lines
        self.positions = positions
    }

    // MARK: Candidates

    /// Notes a candidate.
    ///
    /// - Returns: its place, if it is to be planted.
    private mutating func claim(_ change: Change, at node: Syntax) -> Int? {
        let line = positions.location(for: node.positionAfterSkippingLeadingTrivia).line
        planted.mutants.append(
            Mutant(
                kind: change.kind, file: file, line: line,
                lineText: line <= lines.count ? lines[line - 1].trimmed : "",
                original: change.original.onOneLine, replacement: change.replacement.onOneLine))
        let place = planted.mutants.count - 1
        return isPlanted(place) ? place : nil
    }

    private func number(_ place: Int) -> Int { firstNumber + place }

    // MARK: Text

    private mutating func emit(_ node: some SyntaxProtocol) {
        let node = Syntax(node)
        if let token = node.as(TokenSyntax.self) { return emitVerbatim(Syntax(token)) }
        guard !node.isFixed else { return emitVerbatim(node) }
        if let item = node.as(CodeBlockItemSyntax.self) { return emit(item) }
        if let element = node.as(ConditionElementSyntax.self), let change = element.bindingChange {
            return emit(element, change)
        }
        if let body = node.as(CodeBlockSyntax.self), body.isFunctionBody { return emitBody(body) }
        if let expression = node.as(ExprSyntax.self) { return emit(expression) }
        emitChildren(node)
    }

    private mutating func emitVerbatim(_ node: Syntax) {
        if hasWrittenTrivia {
            planted.append(String(node.description.dropFirst(node.leadingTrivia.description.count)))
            hasWrittenTrivia = node.description.isEmpty
        } else {
            planted.append(node.description)
        }
    }

    private mutating func emitChildren(_ node: Syntax) {
        for child in node.children(viewMode: .sourceAccurate) { emit(child) }
    }

    private mutating func emitLeadingTrivia(_ node: Syntax) {
        guard !hasWrittenTrivia else { return }
        planted.append(node.leadingTrivia.description)
        hasWrittenTrivia = true
    }

    private mutating func emit(_ expression: ExprSyntax) {
        let node = Syntax(expression)
        var open: [Int] = []
        var close = ""
        for change in expression.changes {
            guard let place = claim(change, at: node) else { continue }
            emitLeadingTrivia(node)
            open.append(planted.open(.mutant(place)))
            switch change.form {
            case .alternative(let text): planted.append("(__mutant(\(number(place))) ? \(text) : ")
            case .wrapped(let function): planted.append("\(function)(\(number(place)), ")
            }
            close += ")"
        }
        emitChildren(node)
        append(close, before: node.trailingTrivia)
        for region in open.reversed() { planted.close(region) }
    }

    /// Closes before blanks that were written already: an operator behind them has to stand free.
    private mutating func append(_ close: String, before trivia: Trivia) {
        guard !close.isEmpty else { return }
        let blanks = trivia.description
        planted.text.removeLast(blanks.utf8.count)
        planted.append(close + blanks)
    }

    private mutating func emit(_ element: ConditionElementSyntax, _ change: Change) {
        let place = claim(change, at: Syntax(element))
        emit(element.condition)
        if let place {
            let region = planted.open(.mutant(place))
            append(", !__mutant(\(number(place)))", before: element.condition.trailingTrivia)
            planted.close(region)
        }
        if let comma = element.trailingComma { emit(comma) }
    }

    private mutating func emit(_ item: CodeBlockItemSyntax) {
        let statement = planted.open(.statement)
        defer { planted.close(statement) }
        let node = Syntax(item)
        var open: [Int] = []
        var close = ""
        for change in item.changes {
            guard let place = claim(change, at: node) else { continue }
            emitLeadingTrivia(node)
            open.append(planted.open(.mutant(place)))
            switch change.form {
            case .alternative(let text):
                planted.append("if __mutant(\(number(place))) { \(text) } else { ")
            case .wrapped: planted.append("if !__mutant(\(number(place))) { ")
            }
            close += " }"
        }
        emitChildren(node)
        append(close, before: node.trailingTrivia)
        for region in open.reversed() { planted.close(region) }
    }

    private mutating func emitBody(_ body: CodeBlockSyntax) {
        let function = planted.open(.function)
        emit(body.leftBrace)
        if let change = body.earlyReturn, let place = claim(change, at: Syntax(body)) {
            let region = planted.open(.mutant(place))
            planted.append(" if __mutant(\(number(place))) { return }; ")
            planted.close(region)
        }
        emit(body.statements)
        emit(body.rightBrace)
        planted.close(function)
    }
}

extension Planted {
    /// Tells those apart that say the same of one line.
    mutating func numberOccurrences() {
        var seen: [Mutant.Key: Int] = [:]
        var lastLine = 0
        for index in mutants.indices {
            if mutants[index].line != lastLine { seen = [:] }
            lastLine = mutants[index].line
            let count = (seen[mutants[index].key] ?? 0) + 1
            seen[mutants[index].key] = count
            mutants[index].occurrence = count
        }
    }
}

extension StringProtocol {
    var trimmed: String {
        let front = drop { $0.isWhitespace }
        guard let last = front.lastIndex(where: { !$0.isWhitespace }) else { return "" }
        return String(front[...last])
    }

    /// With one blank for every run of them.
    var onOneLine: String { split(whereSeparator: \.isWhitespace).joined(separator: " ") }
}
