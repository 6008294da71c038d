import CLinux
import Output

/// The command line: a command, and behind it options and operands in any order.
///
/// A long option is written in full: the front of one could be meant for another, today or in a later version. Options with
/// a letter can stand together (`-jq`); a value is the next word, or stands behind `=` or the letter. `--` ends the options.
struct CommandLine {
    var settings = Settings()
    var operands: [Text] = []
    private let command: Command
    private var words: [Text]

    /// Reads what stands behind the command.
    init(_ command: Command, _ words: [Text]) throws(Failure) {
        self.command = command
        // The next one last.
        self.words = words.reversed()
        while let word = self.words.popLast() {
            if word.equals("--") {
                operands += self.words.reversed()
                break
            }
            if word.starts(with: "--") {
                try takeLong(word)
            } else if word.count > 1, word[0] == UInt8(ascii: "-") {
                try takeLetters(word)
            } else {
                operands.append(word)
            }
        }
    }

    private mutating func takeLong(_ word: Text) throws(Failure) {
        let equals = word.firstIndex(of: UInt8(ascii: "="))
        let name = Text(word[2..<(equals ?? word.count)])
        guard let option = Option(name), option.description.commands.contains(command) else { throw unknown(name) }
        try take(option, attached: equals.map { Text(word[($0 + 1)...]) })
    }

    private mutating func takeLetters(_ word: Text) throws(Failure) {
        for index in 1..<word.count {
            guard let option = Option(letter: word[index]), option.description.commands.contains(command) else {
                throw refusal("there is no option -", Text(word[index...index]), " of ")
            }
            guard option.description.value != nil else {
                try take(option, attached: nil)
                continue
            }
            return try take(option, attached: index + 1 < word.count ? Text(word[(index + 1)...]) : nil)
        }
    }

    private mutating func take(_ option: Option, attached: Text?) throws(Failure) {
        let name = Text(option.description.name)
        var value = Text("yes")
        if option.description.value != nil {
            guard let given = attached ?? words.popLast() else { throw refusal("--", name, " needs a value of ") }
            value = given
        } else if attached != nil {
            throw refusal("--", name, " takes no value of ")
        }
        guard settings.set(option, value, from: .commandLine) else {
            throw Failure(.usage, "option-doubled", Text("--") + name + Text(" is there twice"))
        }
    }

    /// That there is no such option, and which ones it may have been meant for.
    private func unknown(_ name: Text) -> Failure {
        var places = Text()
        if let option = Option(name) {
            places.append("; it is one of")
            var isFirst = true
            for other in Command.allCases where option.description.commands.contains(other) {
                places.append(isFirst ? " " : ", ")
                isFirst = false
                places.append(other.name)
            }
        }
        var isFirst = true
        for option in Option.allCases where option.description.commands.contains(command) {
            let other = Text(option.description.name)
            guard Self.isNear(name, other) else { continue }
            places.append(isFirst ? "; there is --" : ", --")
            isFirst = false
            places.append(other)
        }
        return refusal("there is no option --", name, " of ", places)
    }

    private func refusal(
        _ before: StaticString, _ word: Text, _ after: StaticString, _ places: Text = []
    ) -> Failure {
        var message = Text(before)
        message.append(printable: word.span)
        message.append(after)
        message.append(command.name)
        message.append(places)
        message.append("; see: scep ")
        message.append(command.name)
        message.append(" --help")
        return Failure(.usage, "bad-option", message)
    }

    /// Whether one begins with the other, or they differ in two letters at most.
    private static func isNear(_ word: Text, _ name: Text) -> Bool {
        guard !word.isEmpty, word.count < 64 else { return false }
        if name.starts(with: word) || word.starts(with: name) { return true }
        // Levenshtein's distance, row by row.
        var row = Array(0...name.count)
        for (line, byte) in word.enumerated() {
            var diagonal = row[0]
            row[0] = line + 1
            for column in name.indices {
                let above = row[column + 1]
                row[column + 1] = min(above + 1, row[column] + 1, diagonal + (byte == name[column] ? 0 : 1))
                diagonal = above
            }
        }
        return row[name.count] <= (name.count > 4 ? 2 : 1)
    }
}
