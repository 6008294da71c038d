import CLinux
import LinuxBoard

/// What came of the last run, in the file `status`: lines `name=value`. For `scep status`, and for nothing else: what the
/// agent has to remember is in its store.
struct StatusFile {
    /// When the run ended, in seconds since 1970.
    var time: Int64 = 0
    /// Of the last failure; empty when the run did all that was due.
    var kind = Text()
    var message = Text()
    /// The field `next` of the last event, and what follows it.
    var next = Text()

    static func read(in workspace: Workspace) -> StatusFile? {
        guard let bytes = try? InputFile.read(workspace.path + Text("/status"), limit: 4096) else { return nil }
        var status = StatusFile()
        for line in bytes.split(separator: UInt8(ascii: "\n")) {
            guard let equals = line.firstIndex(of: UInt8(ascii: "=")) else { continue }
            let (name, value) = (Text(line[..<equals]), Text(line[(equals + 1)...]))
            if name.equals("time") { status.time = decimal(value) ?? 0 }
            if name.equals("kind") { status.kind = value }
            if name.equals("message") { status.message = value }
            if name.equals("next") { status.next = value }
        }
        return status
    }

    func write(in workspace: Workspace) throws(Failure) {
        var text = Text("time=")
        text.append(decimal: time)
        text.append("\nkind=")
        text.append(kind)
        text.append("\nmessage=")
        text.append(printable: message.span)
        text.append("\nnext=")
        text.append(printable: next.span)
        text.append("\n")
        try workspace.replace("status", with: text)
    }
}

/// The number that a text is; nil for any other text, and for more than 18 digits.
func decimal(_ text: Text) -> Int64? {
    guard !text.isEmpty, text.count <= 18 else { return nil }
    var number: Int64 = 0
    for byte in text {
        let digit = byte &- UInt8(ascii: "0")
        guard digit <= 9 else { return nil }
        number = 10 * number + Int64(digit)
    }
    return number
}
