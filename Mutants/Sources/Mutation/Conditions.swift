import SwiftSyntax

extension ExprSyntax {
    /// A condition that says the contrary, or that is left out.
    var conditionChanges: [Change] {
        guard let role = conditionRole else { return [] }
        let text = trimmedDescription
        var changes: [Change] = []
        if role.canBeLeftOut, !isTrueInTests {
            changes.append(Change(kind: .operand, original: text, replacement: "true", form: .wrapped("__true")))
        }
        if !hasContrary { changes.append(.negated(.condition, text, "!(\(text))")) }
        return changes
    }

    private enum ConditionRole {
        /// Of a guard, or one of several.
        case oneOfSeveral
        case single

        var canBeLeftOut: Bool { self == .oneOfSeveral }
    }

    private var conditionRole: ConditionRole? {
        guard let parent else { return nil }
        if let ternary = parent.as(TernaryExprSyntax.self) { return ternary.condition.id == id ? .single : nil }
        if let loop = parent.as(RepeatStmtSyntax.self) { return loop.condition.id == id ? .single : nil }
        if let clause = parent.as(WhereClauseSyntax.self) { return clause.condition.id == id ? .oneOfSeveral : nil }
        guard parent.is(ConditionElementSyntax.self), let list = parent.parent?.as(ConditionElementListSyntax.self)
        else {
            return nil
        }
        if list.parent?.is(WhileStmtSyntax.self) == true, core.is(BooleanLiteralExprSyntax.self) { return nil }
        return list.count > 1 || list.parent?.is(GuardStmtSyntax.self) == true ? .oneOfSeveral : .single
    }

    /// An operand of `&&` or `||` that is left out.
    var operandChanges: [Change] {
        guard let infix = parent?.as(InfixOperatorExprSyntax.self), infix.name == "&&" || infix.name == "||",
            infix.operator.id != id, self.as(InfixOperatorExprSyntax.self)?.name != infix.name
        else { return [] }
        let other = infix.leftOperand.id == id ? infix.rightOperand : infix.leftOperand
        // What says nothing, or beside what decides alone.
        guard infix.name == "&&" ? !isTrueInTests : !isFalseInTests && !other.isTrueInTests else { return [] }
        return [
            Change(
                kind: .operand, original: infix.trimmedDescription, replacement: other.trimmedDescription,
                form: .wrapped(infix.name == "&&" ? "__true" : "__false"))
        ]
    }

    /// A Bool that a function or a property returns.
    var resultChanges: [Change] {
        guard !hasContrary, isReturned, let function = enclosingFunction, function.returnsBool else { return [] }
        return [.negated(.result, trimmedDescription, "!(\(trimmedDescription))")]
    }

    private var isReturned: Bool {
        if parent?.is(ReturnStmtSyntax.self) == true { return true }
        guard let item = parent?.as(CodeBlockItemSyntax.self), let list = item.parent?.as(CodeBlockItemListSyntax.self),
            list.count == 1, !self.is(IfExprSyntax.self), !self.is(SwitchExprSyntax.self)
        else { return false }
        return list.parent?.as(CodeBlockSyntax.self)?.isFunctionBody == true
            || list.parent?.is(AccessorBlockSyntax.self) == true
    }
}

extension ConditionElementSyntax {
    /// A binding that is never made, and its branch never taken. A guard that always leaves would be noticed by all.
    var bindingChange: Change? {
        guard condition.is(OptionalBindingConditionSyntax.self) || condition.is(MatchingPatternConditionSyntax.self),
            parent?.parent?.is(GuardStmtSyntax.self) == false
        else { return nil }
        return Change(
            kind: .condition, original: condition.trimmedDescription, replacement: "never", form: .wrapped(""))
    }
}
