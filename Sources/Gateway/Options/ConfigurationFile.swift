import Output

/// The configuration file: lines `name = value`. Blank lines, and lines whose first character is `#`, are passed over;
/// blanks around a name and a value do not count. scep.conf(5) describes it.
enum ConfigurationFile {
    static var standard: Text { Text("/etc/scep/scep.conf") }

    /// Adds what the file sets.
    static func read(_ bytes: [UInt8], into settings: inout Settings) throws(Failure) {
        let lines = bytes.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false)
        for (index, line) in lines.enumerated() { try read(line, index + 1, &settings) }
    }

    private static func read(
        _ line: ArraySlice<UInt8>, _ number: Int, _ settings: inout Settings
    ) throws(Failure) {
        let content = line.drop(while: isBlank)
        guard let first = content.first, first != UInt8(ascii: "#") else { return }
        let equals = content.firstIndex(of: UInt8(ascii: "="))
        let word = Text(content[..<(equals ?? content.endIndex)]).trimmed
        let place = settings.place(.file(line: number, column: content.startIndex - line.startIndex + 1))
        guard let equals else {
            throw failure("no-value", place, "'", word, "' has no =; a line is: name = value")
        }
        guard let option = Option(word) else {
            throw failure("unknown-word", place, "there is no such word: '", word, "'; scep.conf(5) lists them")
        }
        guard option.isInConfiguration else {
            throw failure("unknown-word", place, "'", word, "' belongs on the command line alone: it is for one run")
        }
        let rest = content[(equals + 1)...].drop(while: isBlank)
        let value = Text(rest).trimmed
        guard !value.isEmpty else {
            throw failure("no-value", place, "'", word, "' has no value; take the line out, or put # before it")
        }
        let origin = Settings.Origin.file(line: number, column: rest.startIndex - line.startIndex + 1)
        if option.description.value == nil, !value.equals("yes"), !value.equals("no") {
            throw failure("bad-value", settings.place(origin), "'", word, "' is yes or no")
        }
        guard settings.set(option, value, from: origin) else {
            throw failure("doubled-word", place, "'", word, "' is set above already; take one of the lines out")
        }
    }

    private static func failure(
        _ kind: StaticString, _ place: Text, _ before: StaticString, _ word: Text, _ after: StaticString
    ) -> Failure {
        var message = place
        message.append(before)
        message.append(printable: word.span)
        message.append(after)
        return Failure(.usage, kind, message)
    }
}
