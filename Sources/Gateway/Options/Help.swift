import Output

/// What `--help` says, and `scep self-describe`, which manual pages, completion and the sample configuration are made
/// from.
enum Help {
    static func overview() -> Text {
        var text = Text("usage: scep COMMAND [OPTION]...\n\n")
        text.append("Gets an X.509 certificate from a CA by SCEP (RFC 8894), keeps it, and renews it.\n\ncommands:\n")
        for command in Command.allCases {
            append(&text, indented: Text(command.name), command.summary)
        }
        text.append("\noptions of a command: scep COMMAND --help\n")
        text.append("configuration: /etc/scep/scep.conf, described in scep.conf(5)\n")
        text.append(exitCodes)
        return text
    }

    static func of(_ command: Command) -> Text {
        var text = Text("usage: scep ")
        text.append(command.name)
        text.append(" [OPTION]...")
        if let operands = command.operands {
            text.append(" ")
            text.append(operands)
        }
        text.append("\n\n")
        text.append(command.summary)
        text.append("\n\noptions:\n")
        for option in Option.allCases where option.description.commands.contains(command) {
            append(&text, indented: left(option.description), option.description.help, option.description.standard)
        }
        text.append("\nAll can be set in the configuration, as `name = value` (scep.conf(5)), but for")
        for option in Option.allCases where option.description.commands.contains(command) && !option.isInConfiguration {
            text.append(" ")
            text.append(option.description.name)
            if option != .help { text.append(",") }
        }
        text.append(".\n")
        text.append(exitCodes)
        return text
    }

    private static let exitCodes: StaticString = """

        exit codes: 0 done, 1 usage, 2 network, 3 trust, 4 refused by the CA, 5 pending,
        6 storage or keys, 7 internal, 8 the certificate is there and the hook failed

        """

    private static func left(_ description: Option.Description) -> Text {
        var text = Text()
        if description.letter != 0 {
            text.append("-")
            text.append(description.letter)
            text.append(", ")
        } else {
            text.append("    ")
        }
        text.append("--")
        text.append(description.name)
        if let value = description.value {
            text.append(" ")
            text.append(value)
        }
        return text
    }

    /// Two columns; a long left one has a line of its own. The right one goes on below itself.
    private static func append(
        _ text: inout Text, indented left: Text, _ right: StaticString, _ standard: StaticString? = nil
    ) {
        let column = 34
        var words = Text(right)
        if let standard {
            words.append(" [")
            words.append(standard)
            words.append("]")
        }
        text.append("  ")
        text.append(left)
        var position = left.count + 2
        if position >= column {
            text.append("\n")
            position = 0
        }
        for line in lines(of: words, width: 100 - column) {
            for _ in position..<column { text.append(UInt8(ascii: " ")) }
            text.append(contentsOf: line)
            text.append("\n")
            position = 0
        }
    }

    /// The words in as few lines as they go into, of so many bytes at most; a word that is longer has a line of its own.
    static func lines(of words: Text, width: Int) -> [Text] {
        var lines: [Text] = []
        for word in words.split(separator: UInt8(ascii: " ")) {
            if let last = lines.popLast() {
                let longer = last + Text(" ") + word
                lines += longer.count <= width ? [longer] : [last, Text(word)]
            } else {
                lines.append(Text(word))
            }
        }
        return lines
    }

    /// One line for each command and option, fields separated by tabs.
    static func description() -> Text {
        var text = Text()
        for command in Command.allCases {
            text.append("command\t")
            text.append(command.name)
            text.append("\t")
            text.append(command.operands ?? "-")
            text.append("\t")
            text.append(command.summary)
            text.append("\n")
        }
        for option in Option.allCases {
            let description = option.description
            text.append("option\t")
            text.append(description.name)
            text.append("\t")
            text.append(description.letter == 0 ? UInt8(ascii: "-") : description.letter)
            text.append("\t")
            text.append(description.value ?? "-")
            text.append("\t")
            var isFirst = true
            for command in Command.allCases where description.commands.contains(command) {
                if !isFirst { text.append(",") }
                isFirst = false
                text.append(command.name)
            }
            text.append("\t")
            text.append(option.isInConfiguration ? "yes" : "no")
            text.append("\t")
            text.append(description.standard ?? "-")
            text.append("\t")
            text.append(description.help)
            text.append("\n")
        }
        return text
    }
}
