/// What a mutant changes, and how it is written.
struct Change {
    enum Form {
        /// Other text in place of the original.
        case alternative(String)
        /// A function of CMutant around the original; for a statement, nothing in place of it.
        case wrapped(String)
    }

    let kind: Mutant.Kind
    let original: String
    let replacement: String
    let form: Form

    static func alternative(_ kind: Mutant.Kind, _ original: String, _ replacement: String) -> Change {
        Change(kind: kind, original: original, replacement: replacement, form: .alternative(replacement))
    }

    static func negated(_ kind: Mutant.Kind, _ original: String, _ replacement: String) -> Change {
        Change(kind: kind, original: original, replacement: replacement, form: .wrapped("__negated"))
    }

    static func leftOut(_ kind: Mutant.Kind, _ original: String) -> Change {
        Change(kind: kind, original: original, replacement: "left out", form: .wrapped(""))
    }
}
