/// An event line of the agent's, in its fields: see LIFECYCLE.md.
struct EventLine {
    private var fields: [(name: Text, value: Text)] = []

    /// - Returns: nil for a line of another kind.
    init?(_ line: Text) {
        guard line.starts(with: "event ") else { return nil }
        var start = 6
        while start < line.count {
            let equals = line[start...].firstIndex(of: UInt8(ascii: "=")) ?? line.count
            guard equals < line.count else { return }
            let isQuoted = equals + 1 < line.count && line[equals + 1] == UInt8(ascii: "\"")
            var value = Text()
            var end = equals + (isQuoted ? 2 : 1)
            while end < line.count, line[end] != (isQuoted ? UInt8(ascii: "\"") : UInt8(ascii: " ")) {
                // What follows a backslash is part of the value, as RFC 4514 writes it.
                if isQuoted, line[end] == UInt8(ascii: "\\"), end + 1 < line.count {
                    value.append(line[end])
                    end += 1
                }
                value.append(line[end])
                end += 1
            }
            fields.append((Text(line[start..<equals]), value))
            start = end + (isQuoted ? 2 : 1)
        }
    }

    /// A field's value; nil if it is not there.
    subscript(_ name: StaticString) -> Text? {
        for field in fields where field.name.equals(name) { return field.value }
        return nil
    }

    /// The fields as JSON, in one line.
    var json: [UInt8] {
        let names: [StaticString] = [
            "operation", "outcome", "error", "serial", "notAfter", "fingerprint", "transactionID", "next", "at",
        ]
        var report = Report(.json)
        for name in names {
            if let value = self[name] { report.field(name, text: value) }
        }
        if let seconds = self["in"].flatMap(decimal) { report.field("in", number: Int(seconds)) }
        if let subject = self["subject"] { report.field("subject", text: readable(subject)) }
        return report.finish()
    }
}
