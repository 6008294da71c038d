import SwiftSyntax

extension SyntaxProtocol {
    /// Whether it is what the build decides, and is true in every build that tests run in: false only on a small board.
    var isTrueInTests: Bool {
        ["Footprint.isUnconstrained", "Curve.isSupported", "TLSSupport.isAvailable"].contains(trimmedDescription)
    }

    /// Whether it is the contrary of such a constant.
    var isFalseInTests: Bool {
        guard let prefix = Syntax(self).as(PrefixOperatorExprSyntax.self), prefix.operator.text == "!" else {
            return false
        }
        return prefix.expression.isTrueInTests
    }

    /// Whether it is the way that only a small board takes, so that no test comes by.
    var isUnreachedInTests: Bool {
        guard let parent else { return false }
        if let statement = parent.as(GuardStmtSyntax.self) {
            return statement.body.id == Syntax(self).as(CodeBlockSyntax.self)?.id && statement.conditions.isTrueInTests
        }
        if let branch = parent.as(IfExprSyntax.self) {
            return branch.elseBody?.id == id && branch.conditions.isTrueInTests
        }
        if let ternary = parent.as(TernaryExprSyntax.self) {
            return ternary.elseExpression.id == Syntax(self).as(ExprSyntax.self)?.id && ternary.condition.isTrueInTests
        }
        return false
    }
}

extension ConditionElementListSyntax {
    fileprivate var isTrueInTests: Bool { count == 1 && first?.condition.isTrueInTests == true }
}
