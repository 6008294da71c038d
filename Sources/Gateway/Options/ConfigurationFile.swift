import Output

/// The configuration file: lines `name = value`. Blank lines, and lines whose first character is `#`, are passed over;
/// blanks around a name and a value do not count. scep.conf(5) describes it.
enum ConfigurationFile {
    static var standard: Text { Text("/etc/scep/scep.conf") }

    /// Adds what the file sets.
    static func read(_ bytes: [UInt8], into settings: inout Settings) throws(Failure) {
        var line = 0
        var start = 0
        while start < bytes.count {
            var end = start
            while end < bytes.count, bytes[end] != UInt8(ascii: "\n") { end += 1 }
            line += 1
            try read(bytes, start..<end, line, &settings)
            start = end + 1
        }
    }

    private static func read(
        _ bytes: [UInt8], _ range: Range<Int>, _ line: Int, _ settings: inout Settings
    ) throws(Failure) {
        var start = range.lowerBound
        while start < range.upperBound, isBlank(bytes[start]) { start += 1 }
        guard start < range.upperBound, bytes[start] != UInt8(ascii: "#") else { return }
        var equals = start
        while equals < range.upperBound, bytes[equals] != UInt8(ascii: "=") { equals += 1 }
        let word = Text(bytes[start..<equals]).trimmed
        let place = settings.place(.file(line: line, column: start - range.lowerBound + 1))
        guard equals < range.upperBound else {
            throw failure("no-value", place, "'", word, "' has no =; a line is: name = value")
        }
        guard let option = Option(word) else {
            throw failure("unknown-word", place, "there is no such word: '", word, "'; scep.conf(5) lists them")
        }
        guard option.isInConfiguration else {
            throw failure("unknown-word", place, "'", word, "' belongs on the command line alone: it is for one run")
        }
        var valueStart = equals + 1
        while valueStart < range.upperBound, isBlank(bytes[valueStart]) { valueStart += 1 }
        let value = Text(bytes[valueStart..<range.upperBound]).trimmed
        guard !value.isEmpty else {
            throw failure("no-value", place, "'", word, "' has no value; take the line out, or put # before it")
        }
        let origin = Settings.Origin.file(line: line, column: valueStart - range.lowerBound + 1)
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
