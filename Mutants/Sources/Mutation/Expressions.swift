import SwiftSyntax

extension ExprSyntax {
    /// What is changed of an expression itself; its parts have changes of their own.
    var changes: [Change] {
        guard !isInPattern else { return [] }
        // The outermost first: whether it counts, then what it says, then how.
        return operandChanges + conditionChanges + resultChanges + ownChanges
    }

    private var ownChanges: [Change] {
        if let infix = self.as(InfixOperatorExprSyntax.self) { return infix.operatorChanges }
        if let prefix = self.as(PrefixOperatorExprSyntax.self), prefix.operator.text == "!" {
            return [.negated(.condition, prefix.trimmedDescription, prefix.expression.trimmedDescription)]
        }
        if let prefix = self.as(PrefixOperatorExprSyntax.self), prefix.operator.text == "-",
            let literal = prefix.expression.as(IntegerLiteralExprSyntax.self), let value = literal.value
        {
            return Change.constants(prefix, [-value - 1, -value + 1])
        }
        if let literal = self.as(BooleanLiteralExprSyntax.self) { return literal.valueChanges }
        if let literal = self.as(IntegerLiteralExprSyntax.self) { return literal.valueChanges }
        if let call = self.as(FunctionCallExprSyntax.self) { return call.isStatement ? [] : call.swappedArguments }
        return []
    }

    /// Without what says only that it throws, is unsafe or stands in parentheses.
    var core: ExprSyntax {
        if let attempt = self.as(TryExprSyntax.self), attempt.questionOrExclamationMark == nil {
            return attempt.expression.core
        }
        if let unsafe = self.as(UnsafeExprSyntax.self) { return unsafe.expression.core }
        if let tuple = self.as(TupleExprSyntax.self), tuple.elements.count == 1, let only = tuple.elements.first,
            only.label == nil
        {
            return only.expression.core
        }
        return self
    }

    /// Whether its contrary is a change of its own.
    var hasContrary: Bool {
        let core = core
        if core.is(BooleanLiteralExprSyntax.self) { return true }
        if let prefix = core.as(PrefixOperatorExprSyntax.self) { return prefix.operator.text == "!" }
        guard let infix = core.as(InfixOperatorExprSyntax.self) else { return false }
        return InfixOperatorExprSyntax.contraries[infix.name] != nil
    }

    /// Whether it is a pattern of `case`, or stands in one: what the compiler has to know.
    private var isInPattern: Bool { parent?.is(ExpressionPatternSyntax.self) ?? false }
}

extension InfixOperatorExprSyntax {
    static let contraries = [
        "==": "!=", "!=": "==", "<": ">=", ">=": "<", ">": "<=", "<=": ">", "===": "!==", "!==": "===",
    ]
    static let boundaries = ["<": "<=", "<=": "<", ">": ">=", ">=": ">"]
    static let arithmetic = [
        "+": "-", "-": "+", "&+": "&-", "&-": "&+", "*": "/", "/": "*", "%": "/", "&*": "&+", "|": "&", "&": "|",
        "^": "|",
        "<<": ">>", ">>": "<<", "&<<": "&>>", "&>>": "&<<",
    ]
    static let assignments = [
        "+=": "-=", "-=": "+=", "&+=": "&-=", "&-=": "&+=", "*=": "/=", "/=": "*=", "|=": "&=", "&=": "|=", "^=": "|=",
        "<<=": ">>=", ">>=": "<<=", "&<<=": "&>>=", "&>>=": "&<<=",
    ]

    /// The operator, without the blanks around it.
    var name: String { self.operator.trimmedDescription }

    func with(operator name: String) -> String {
        replacing(Syntax(self.operator), by: name)
    }

    var operatorChanges: [Change] {
        var changes: [Change] = []
        if let contrary = Self.contraries[name] {
            changes.append(.negated(.comparison, trimmedDescription, with(operator: contrary)))
        }
        if let boundary = Self.boundaries[name] {
            changes.append(.alternative(.boundary, trimmedDescription, with(operator: boundary)))
        }
        if let other = Self.arithmetic[name] {
            changes.append(.alternative(.arithmetic, trimmedDescription, with(operator: other)))
        }
        if name == "..<" || name == "..." {
            let end = rightOperand.trimmedDescription
            let less =
                rightOperand.is(DeclReferenceExprSyntax.self) || rightOperand.is(MemberAccessExprSyntax.self)
                    || rightOperand.is(IntegerLiteralExprSyntax.self) ? "\(end) - 1" : "(\(end)) - 1"
            changes.append(.alternative(.boundary, trimmedDescription, replacing(Syntax(rightOperand), by: less)))
        }
        return changes
    }
}

extension BooleanLiteralExprSyntax {
    fileprivate var valueChanges: [Change] {
        // The compiler has to see that such a loop does not end.
        guard parent?.parent?.parent?.is(WhileStmtSyntax.self) != true else { return [] }
        let other = literal.text == "true" ? "false" : "true"
        return [.negated(.constant, shown, shown(as: other))]
    }
}

extension IntegerLiteralExprSyntax {
    fileprivate var valueChanges: [Change] {
        // What has a sign is changed with it; what a buffer is filled with, before it is written, is not noticed.
        guard let value, !isInLongList, parent?.is(PrefixOperatorExprSyntax.self) != true, !isRepeated else {
            return []
        }
        return Change.constants(self, others(than: value).filter { $0 >= 0 })
    }

    /// One more and one less; but not what the change of a comparison's boundary is the same as.
    private func others(than value: Int) -> [Int] {
        guard let infix = parent?.as(InfixOperatorExprSyntax.self), infix.rightOperand.id == ExprSyntax(self).id else {
            return [value + 1, value - 1]
        }
        switch infix.name {
        case ">", "<=", "..<", "...": return [value + 1]
        case ">=", "<": return [value - 1]
        default: return [value + 1, value - 1]
        }
    }

    private var isRepeated: Bool { parent?.as(LabeledExprSyntax.self)?.label?.text == "repeating" }

    fileprivate var value: Int? {
        let digits = literal.text.filter { $0 != "_" }
        if digits.hasPrefix("0x") { return Int(digits.dropFirst(2), radix: 16) }
        if digits.hasPrefix("0b") { return Int(digits.dropFirst(2), radix: 2) }
        return Int(digits)
    }

    /// Whether it is in a table, of which the first, the middle and the last stand for all.
    private var isInLongList: Bool {
        guard let element = parent?.as(ArrayElementSyntax.self),
            let list = element.parent?.as(ArrayElementListSyntax.self)
        else { return false }
        let place = list.distance(from: list.startIndex, to: list.index(of: element) ?? list.startIndex)
        return ![0, list.count / 2, list.count - 1].contains(place)
    }
}

extension Change {
    fileprivate static func constants(_ expression: some ExprSyntaxProtocol, _ values: [Int]) -> [Change] {
        values.map { value in
            Change(
                kind: .constant, original: expression.shown, replacement: expression.shown(as: "\(value)"),
                form: .alternative("\(value)"))
        }
    }
}

extension ExprSyntaxProtocol {
    /// Itself with a little of what is around it, by which a person finds it.
    fileprivate var shown: String { context?.trimmedDescription ?? trimmedDescription }

    fileprivate func shown(as text: String) -> String { context?.replacing(Syntax(self), by: text) ?? text }

    private var context: Syntax? {
        var found: Syntax?
        var node = parent
        while let next = node, next.trimmedLength.utf8Length <= 60, !next.is(CodeBlockItemListSyntax.self) {
            if next.is(ExprSyntax.self) || next.is(StmtSyntax.self) || next.is(PatternBindingSyntax.self) {
                found = next
            }
            node = next.parent
        }
        return found
    }
}

extension SyntaxProtocol {
    /// Its text, with that of a part replaced.
    func replacing(_ part: Syntax, by text: String) -> String {
        let start = part.positionAfterSkippingLeadingTrivia.utf8Offset - positionAfterSkippingLeadingTrivia.utf8Offset
        let own = Array(trimmedDescription.utf8)
        return String(decoding: own[..<start], as: UTF8.self) + text
            + String(decoding: own[(start + part.trimmedLength.utf8Length)...], as: UTF8.self)
    }
}
