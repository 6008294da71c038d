import SwiftSyntax

extension CodeBlockItemSyntax {
    /// What is changed of a statement as a whole: a call or an assignment that is left out, arguments that change places.
    var changes: [Change] {
        guard case .expr(let expression) = item, !isValue else { return [] }
        let core = expression.core
        if let call = core.as(FunctionCallExprSyntax.self) {
            guard !call.isPrecondition else { return [] }
            let swapped = call.swappedArguments.map { change in
                let text = expression.replacing(Syntax(call), by: change.replacement)
                return Change(
                    kind: change.kind, original: change.original, replacement: change.replacement,
                    form: .alternative(text))
            }
            return (call.isOfInitializer ? [] : [.leftOut(.call, expression.trimmedDescription)]) + swapped
        }
        guard let infix = core.as(InfixOperatorExprSyntax.self) else { return [] }
        if infix.operator.is(AssignmentExprSyntax.self) {
            return mustAssign(infix.leftOperand) ? [] : [.leftOut(.assignment, expression.trimmedDescription)]
        }
        guard let other = InfixOperatorExprSyntax.assignments[infix.name] else { return [] }
        let text = expression.replacing(Syntax(infix), by: infix.with(operator: other))
        return [
            .leftOut(.assignment, expression.trimmedDescription),
            .alternative(.arithmetic, expression.trimmedDescription, text),
        ]
    }

    /// Whether it is what a body returns, or a branch of what is returned or assigned.
    private var isValue: Bool {
        guard let list = parent?.as(CodeBlockItemListSyntax.self), list.count == 1 else { return false }
        guard let around = list.parent else { return false }
        if around.is(ClosureExprSyntax.self) { return true }
        if around.is(AccessorBlockSyntax.self) { return true }
        if around.as(CodeBlockSyntax.self)?.isFunctionBody == true { return enclosingFunction?.returnsValue ?? true }
        // A branch: what the whole is.
        var node = around.parent
        while let next = node {
            if next.is(IfExprSyntax.self) || next.is(SwitchExprSyntax.self) {
                guard let parent = next.parent else { return true }
                if parent.is(IfExprSyntax.self) {
                    node = parent
                    continue
                }
                if let statement = parent.as(ExpressionStmtSyntax.self) {
                    guard let item = statement.parent?.as(CodeBlockItemSyntax.self) else { return true }
                    return item.isValue
                }
                if let item = parent.as(CodeBlockItemSyntax.self) { return item.isValue }
                return true
            }
            guard next.is(SwitchCaseSyntax.self) || next.is(SwitchCaseListSyntax.self) || next.is(CodeBlockSyntax.self)
            else { return false }
            node = next.parent
        }
        return false
    }

    /// Whether the compiler wants the assignment: of what has no value yet.
    private func mustAssign(_ target: ExprSyntax) -> Bool {
        if case .initializer? = enclosingFunction { return true }
        guard let name = target.as(DeclReferenceExprSyntax.self)?.baseName.text else { return false }
        var node = parent
        while let next = node {
            if let list = next.as(CodeBlockItemListSyntax.self), list.contains(where: { $0.declaresWithoutValue(name) })
            {
                return true
            }
            node = next.parent
        }
        return false
    }

    private func declaresWithoutValue(_ name: String) -> Bool {
        guard case .decl(let declaration) = item, let variable = declaration.as(VariableDeclSyntax.self) else {
            return false
        }
        return variable.bindings.contains {
            $0.initializer == nil && $0.accessorBlock == nil && $0.pattern.trimmedDescription == name
        }
    }
}
