import SwiftSyntax

/// What a body belongs to.
enum Function {
    case function(FunctionDeclSyntax)
    case initializer
    case getter(type: String)
    case procedure(name: String)
    case closure

    var returnsBool: Bool { result == "Bool" }

    /// Whether its body's only expression is what it returns.
    var returnsValue: Bool {
        switch self {
        case .closure: true
        default: result != nil
        }
    }

    private var result: String? {
        switch self {
        case .function(let declaration): declaration.signature.returnClause?.type.trimmedDescription
        case .getter(let type): type
        case .initializer, .procedure, .closure: nil
        }
    }
}

extension SyntaxProtocol {
    /// The function, accessor or closure that it stands in.
    var enclosingFunction: Function? {
        var node = parent
        while let next = node {
            if next.is(ClosureExprSyntax.self) { return .closure }
            if let declaration = next.as(FunctionDeclSyntax.self) { return .function(declaration) }
            if next.is(InitializerDeclSyntax.self) { return .initializer }
            if let accessor = next.as(AccessorDeclSyntax.self) {
                let name = accessor.accessorSpecifier.text
                return name == "get" ? .getter(type: accessor.typeOfProperty) : .procedure(name: name)
            }
            if let block = next.as(AccessorBlockSyntax.self), block.accessors.is(CodeBlockItemListSyntax.self) {
                return .getter(type: block.typeOfProperty)
            }
            if next.is(MemberBlockSyntax.self) { return nil }
            node = next.parent
        }
        return nil
    }

    fileprivate var typeOfProperty: String {
        var node = parent
        while let next = node {
            if let binding = next.as(PatternBindingSyntax.self) {
                return binding.typeAnnotation?.type.trimmedDescription ?? ""
            }
            if let subscription = next.as(SubscriptDeclSyntax.self) {
                return subscription.returnClause.type.trimmedDescription
            }
            node = next.parent
        }
        return ""
    }
}

extension CodeBlockSyntax {
    /// Whether it is the whole body of a function or an accessor.
    var isFunctionBody: Bool {
        guard let parent else { return false }
        return parent.is(FunctionDeclSyntax.self) || parent.is(InitializerDeclSyntax.self)
            || parent.is(AccessorDeclSyntax.self)
            || parent.is(DeinitializerDeclSyntax.self)
    }

    /// A body that is skipped; one of a single statement is a call left out.
    var earlyReturn: Change? {
        guard statements.count > 1, let declaration = parent?.as(FunctionDeclSyntax.self),
            declaration.signature.returnClause == nil
        else { return nil }
        return Change(
            kind: .earlyReturn, original: "\(declaration.name.text)(…)", replacement: "returns at once",
            form: .wrapped(""))
    }
}

extension Syntax {
    /// Whether nothing in it is changed: what the compiler has to know, and what is no code.
    var isFixed: Bool {
        guard !isUnreachedInTests else { return true }
        return switch kind {
        case .attributeList, .attribute, .genericArgumentClause, .genericParameterClause, .stringLiteralExpr,
            .macroExpansionExpr, .macroExpansionDecl, .enumCaseDecl, .switchCaseItem, .ifConfigDecl, .keyPathExpr,
            .importDecl,
            .operatorDecl, .precedenceGroupDecl, .typeAliasDecl:
            // Of a case, what follows `where` is a condition like others.
            kind != .switchCaseItem || self.as(SwitchCaseItemSyntax.self)?.whereClause == nil
        case .initializerClause: parent?.is(FunctionParameterSyntax.self) == true
        case .functionCallExpr: self.as(FunctionCallExprSyntax.self)?.isPrecondition == true
        default: self.is(TypeSyntax.self) || self.is(PatternSyntax.self)
        }
    }
}
