/// A value of JSON, or nothing.
struct Found {
    let value: Any?

    subscript(name: String) -> Found { Found(value: (value as? [String: Any])?[name]) }

    subscript(index: Int) -> Found {
        let list = value as? [Any] ?? []
        return Found(value: index < list.count ? list[index] : nil)
    }

    var text: String? { value as? String }
    var number: Int? { value as? Int }
    var count: Int { (value as? [Any])?.count ?? 0 }
    var items: [Found] { (0..<count).map { self[$0] } }

    /// The first object of a file.
    var object: Found { self["objects"][0] }

    /// How the check called `name` came out: `pass`, `fail` or `unknown`; nil if it was not made.
    func result(_ name: String) -> String? {
        self["checks"].items.first { $0["name"].text == name }?["result"].text
    }

    /// Names of checks that failed, here and in whatever is inside, in the order of the report.
    var failures: [String] {
        if let list = value as? [Any] { return list.flatMap { Found(value: $0).failures } }
        guard let object = value as? [String: Any] else { return [] }
        if object["result"] as? String == "fail" { return [object["name"] as? String ?? ""] }
        return object.keys.sorted().flatMap { self[$0].failures }
    }

    /// The value of the extension called `name`.
    func `extension`(_ name: String) -> String? {
        self["extensions"].items.first { $0["extension"].text == name }?["value"].text
    }
}
