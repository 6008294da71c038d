/// What one side says to an object.
enum Verdict: Equatable, Sendable {
    /// It was read and, where it is signed or encrypted, verified or opened; what was read, in words that both sides
    /// choose alike.
    case accepted(String)
    /// The word for why.
    case refused(String)

    var isAccepted: Bool { if case .accepted = self { true } else { false } }
}

/// An object that was right before something was done to it, and who checks it.
struct Sample: Sendable {
    enum Kind: String, CaseIterable, Sendable {
        case certificate, revocationList, signedData, envelopedData, privateKey
    }

    let kind: Kind
    let root: Element
    /// The name of the field that a path leads to.
    let field: @Sendable (Element.Path) -> String
    /// Signs the changed object again, where the change would only break its signature else.
    var signAgain: @Sendable (inout Element, Element.Path) throws -> Void = { _, _ in }
    let ours: @Sendable ([UInt8]) -> Verdict
    let theirs: @Sendable ([UInt8]) -> Verdict
}
