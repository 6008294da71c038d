import SwiftSyntax

extension FunctionCallExprSyntax {
    /// Whether it stands alone, so that its arguments change places with the whole statement.
    var isStatement: Bool {
        var node = parent
        while let next = node, next.is(TryExprSyntax.self) || next.is(UnsafeExprSyntax.self) { node = next.parent }
        guard let item = node?.as(CodeBlockItemSyntax.self) else { return false }
        return !item.changes.isEmpty
    }

    /// Whether it checks what the caller promised, which no test can break and go on.
    var isPrecondition: Bool {
        guard let name = calledExpression.as(DeclReferenceExprSyntax.self)?.baseName.text else { return false }
        return ["precondition", "preconditionFailure", "assert", "assertionFailure", "fatalError"].contains(name)
    }

    /// Whether it is `self.init` or `super.init`, which an initializer cannot do without.
    var isOfInitializer: Bool {
        calledExpression.as(MemberAccessExprSyntax.self)?.declName.baseName.text == "init"
    }

    /// Whether it makes no difference which argument comes first.
    private var isSymmetric: Bool {
        ["min", "max", "swap", "areEqual", "areNamesEqual", "constantTimeEqual", "isWord"]
            .contains(calledExpression.trimmedDescription)
    }

    /// Neighbours that change places. The compiler checks whether they are of one type.
    var swappedArguments: [Change] {
        let arguments = Array(arguments)
        guard arguments.count > 1, !isSymmetric else { return [] }
        return arguments.indices.dropLast().compactMap { index in
            let (first, second) = (arguments[index].expression, arguments[index + 1].expression)
            guard let shape = first.argumentShape, shape == second.argumentShape,
                first.trimmedDescription != second.trimmedDescription
            else { return nil }
            let start = positionAfterSkippingLeadingTrivia.utf8Offset
            let own = Array(trimmedDescription.utf8)
            func text(_ from: Int, _ to: Int) -> String { String(decoding: own[from..<to], as: UTF8.self) }
            let (one, two) = (first.trimmedRange(from: start), second.trimmedRange(from: start))
            let swapped =
                text(0, one.lowerBound) + second.trimmedDescription + text(one.upperBound, two.lowerBound)
                + first.trimmedDescription + text(two.upperBound, own.count)
            return .alternative(.swapped, trimmedDescription, swapped)
        }
    }
}

extension ExprSyntax {
    fileprivate enum ArgumentShape { case value, number, reference }

    /// Only arguments of one shape can be of one type; those of a shape of its own are not exchanged.
    fileprivate var argumentShape: ArgumentShape? {
        switch kind {
        case .integerLiteralExpr: .number
        case .inOutExpr: .reference
        case .declReferenceExpr, .functionCallExpr, .subscriptCallExpr, .infixOperatorExpr, .forceUnwrapExpr,
            .optionalChainingExpr:
            .value
        case .memberAccessExpr: self.as(MemberAccessExprSyntax.self)?.base == nil ? nil : .value
        default: nil
        }
    }

    fileprivate func trimmedRange(from start: Int) -> Range<Int> {
        let first = positionAfterSkippingLeadingTrivia.utf8Offset - start
        return first..<(first + trimmedLength.utf8Length)
    }
}
