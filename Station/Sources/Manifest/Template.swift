/// A text with `{name}` in it, for which something else is put in: a profile's values, the arguments of programs. A brace that is meant
/// is doubled.
public struct Template: Sendable, Equatable {
    /// It, in pieces.
    enum Piece: Equatable, Sendable {
        case text(String)
        case name(String)
    }

    let pieces: [Piece]

    /// - Returns: nil if a brace stands alone.
    public init?(_ text: String) {
        var pieces: [Piece] = []
        var part = ""
        var rest = text[...]
        while let character = rest.popFirst() {
            switch character {
            case "{" where rest.first == "{", "}" where rest.first == "}":
                part.append(character)
                rest.removeFirst()
            case "{":
                guard let end = rest.firstIndex(of: "}"), end > rest.startIndex else { return nil }
                let name = String(rest[..<end])
                guard !name.contains("{") else { return nil }
                if !part.isEmpty { pieces.append(.text(part)) }
                part = ""
                pieces.append(.name(name))
                rest = rest[rest.index(after: end)...]
            case "}": return nil
            default: part.append(character)
            }
        }
        if !part.isEmpty { pieces.append(.text(part)) }
        self.pieces = pieces
    }

    /// What is to be put in, in order.
    public var names: [String] {
        pieces.compactMap { if case .name(let name) = $0 { name } else { nil } }
    }

    /// What is wrong where a brace stands alone.
    public static let fault = "a brace { is closed by }, with a name in between; one that is meant is written {{ or }}"

    /// - Parameter value: of a name.
    public func filled(_ value: (String) -> String) -> String {
        pieces.reduce(into: "") { text, piece in
            switch piece {
            case .text(let part): text += part
            case .name(let name): text += value(name)
            }
        }
    }
}
