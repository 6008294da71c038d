/// The name under which browsers reach a proxy in front of the dashboard: `line.example`, `line.example:8443`, `192.0.2.7`,
/// `[2001:db8::7]:8443`. A name beyond ASCII is written as browsers send it: `xn--…`.
public struct ProxyName: Sendable, Equatable, CustomStringConvertible {
    /// As browsers send it, in lower case, without the port, which names nobody.
    let host: String
    public let description: String

    public enum Fault: Error, Equatable, CustomStringConvertible {
        case url
        case notASCII
        case bareIPv6
        case port
        case notHost

        public var description: String {
            let what =
                switch self {
                case .url: "this is a URL, or has a path"
                case .notASCII: "a name beyond ASCII is written as browsers send it, xn--…"
                case .bareIPv6: "an IPv6 address stands in brackets"
                case .port: "the port is a number from 1 to 65535"
                case .notHost: "this is no name of a host"
                }
            return what + ": it is a name alone, as line.example, or with the proxy's port, line.example:8443"
        }
    }

    public init(_ text: String) throws(Fault) {
        guard text.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7F }) else {
            throw text.utf8.contains { $0 >= 0x80 } ? .notASCII : .notHost
        }
        guard !text.contains("/"), !text.lowercased().hasPrefix("https:"), !text.lowercased().hasPrefix("http:") else {
            throw .url
        }
        guard text.hasPrefix("[") || text.count(where: { $0 == ":" }) < 2 else { throw .bareIPv6 }
        let end: String.Index
        if text.hasPrefix("[") {
            guard let bracket = text.firstIndex(of: "]") else { throw .notHost }
            end = text.index(after: bracket)
            let address = text[text.index(after: text.startIndex)..<bracket]
            guard address.contains(":"), address.allSatisfy({ $0.isHexDigit || $0 == ":" || $0 == "." }) else {
                throw .notHost
            }
        } else {
            end = text.firstIndex(of: ":") ?? text.endIndex
            let labels = text[..<end].split(separator: ".", omittingEmptySubsequences: false)
            guard end > text.startIndex, labels.allSatisfy(Self.isLabel) else { throw .notHost }
        }
        if end < text.endIndex {
            guard text[end] == ":", let port = UInt16(text[text.index(after: end)...]), port > 0 else { throw .port }
        }
        host = text[..<end].lowercased()
        description = text
    }

    private static func isLabel(_ label: Substring) -> Bool {
        (1...63).contains(label.count) && label.first != "-" && label.last != "-"
            && label.allSatisfy { $0.isLetter || $0.isNumber || $0 == "-" || $0 == "_" }
    }
}
