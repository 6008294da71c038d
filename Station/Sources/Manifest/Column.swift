import Agent

/// What a manifest's column means.
enum Column: Equatable {
    /// Which device: the key of all.
    case serial
    case batch, profile, part, port, label
    /// A name of the device's configuration.
    case configuration(Configuration.Name)
    /// Carried through to the reports.
    case carried

    init?(_ name: String) {
        switch name {
        case "serial": self = .serial
        case "batch": self = .batch
        case "profile": self = .profile
        case "part": self = .part
        case "port": self = .port
        case "label": self = .label
        default:
            if name.hasPrefix("x-"), name.utf8.count > 2 {
                self = .carried
            } else if let word = Configuration.Name(name) {
                self = .configuration(word)
            } else {
                return nil
            }
        }
    }
}

extension Configuration.Name {
    /// All that there are.
    static let all = (0...UInt8.max).compactMap(Configuration.Name.init(rawValue:)).map { ($0, $0.word) }

    private static let byWord = Dictionary(uniqueKeysWithValues: all.map { ($1, $0) })

    init?(_ word: String) {
        guard let name = Self.byWord[word] else { return nil }
        self = name
    }

    /// As it stands in a configuration.
    var word: String {
        let text = text
        return String(unsafeUninitializedCapacity: text.count) { buffer in
            for index in text.indices { buffer[index] = text[index] }
            return text.count
        }
    }
}
