import Foundation

/// An event line, read as Docs/Lifecycle.md describes it, as a fleet's tool would.
struct EventLine: Equatable {
    private(set) var fields: [String: String] = [:]
    /// In the order of the line.
    private(set) var names: [String] = []

    static let order = [
        "operation", "outcome", "error", "serial", "notAfter", "fingerprint", "transactionID", "next", "at", "in",
        "subject",
    ]

    /// Nil if `line` is none, or not as described.
    init?(_ line: String) {
        guard line.hasPrefix("event "), line.utf8.count <= 480 else { return nil }
        var rest = line.dropFirst(6)
        while !rest.isEmpty {
            guard let equals = rest.firstIndex(of: "=") else { return nil }
            let name = String(rest[..<equals])
            rest = rest[rest.index(after: equals)...]
            var value = ""
            if name == "subject" {
                guard rest.first == "\"", rest.last == "\"" else { return nil }
                value = String(rest.dropFirst().dropLast())
                rest = ""
            } else {
                value = String(rest.prefix { $0 != " " })
                rest = rest.dropFirst(value.count)
                guard rest.isEmpty || rest.first == " " && rest.count > 1 else { return nil }
                rest = rest.dropFirst()
            }
            guard !value.isEmpty, fields[name] == nil else { return nil }
            fields[name] = value
            names.append(name)
        }
        guard names == Self.order.filter(names.contains) else { return nil }
    }

    subscript(name: String) -> String? { fields[name] }
    var operation: String? { self["operation"] }
    var outcome: String? { self["outcome"] }
}
