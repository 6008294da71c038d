import Agent

extension Profile {
    /// The configuration of one device: the profile's names, and the row's, which stand against them.
    ///
    /// - Parameter row: all columns of the manifest's row that have a value.
    /// - Returns: the values by name; `missing` has the columns that an entry asks for and the row lacks.
    func values(for row: [String: String]) -> (
        values: [(Configuration.Name, String)], missing: [(Entry, String)]
    ) {
        var values: [(Configuration.Name, String)] = []
        var missing: [(Entry, String)] = []
        for entry in entries where row[entry.name.word] == nil {
            missing += entry.value.names.filter { row[$0] == nil }.map { (entry, $0) }
            values.append((entry.name, entry.value.filled { row[$0].map(entry.name.escaped) ?? "" }))
        }
        for (name, word) in Configuration.Name.all {
            if let value = row[word] { values.append((name, value)) }
        }
        return (values, missing)
    }
}

extension Configuration.Name {
    /// A text that stands within a value of this name as it is, whatever characters are in it.
    fileprivate func escaped(_ text: String) -> String {
        switch self {
        case .subject: Self.escapedForName(text)
        case .san: text.reduce(into: "") { $0 += ["\\", ","].contains($1) ? "\\\($1)" : "\($1)" }
        default: text
        }
    }

    /// RFC 4514, section 2.4.
    private static func escapedForName(_ text: String) -> String {
        let last = text.indices.last
        return text.indices.reduce(into: "") { result, index in
            let character = text[index]
            let isAtEdge =
                index == text.startIndex && (character == " " || character == "#") || index == last && character == " "
            result += isAtEdge || "\"+,;<>\\".contains(character) ? "\\\(character)" : "\(character)"
        }
    }
}
