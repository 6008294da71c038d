import CLinux
import LinuxBoard

/// The command line: a command, and behind it options and operands in any order.
struct CommandLine {
    var settings = Settings()
    var operands: [Text] = []

    /// Numbers that stand for long options, above those of letters.
    private static var base: Int32 { 256 }

    /// Reads what stands behind the command.
    ///
    /// - Parameters:
    ///   - count: of `arguments`, of which the first is passed over.
    ///   - arguments: as C's `main` has them; getopt_long brings them into another order.
    @unsafe init(
        _ command: Command, _ count: Int32, _ arguments: UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>
    ) throws(Failure) {
        var table = unsafe [option]()
        var letters = Text(":")
        for entry in Option.allCases {
            let description = entry.description
            guard description.commands.contains(command) else { continue }
            let hasValue = description.value != nil
            let name = unsafe UnsafeRawPointer(description.name.utf8Start).assumingMemoryBound(to: CChar.self)
            unsafe table.append(
                option(
                    name: name, has_arg: hasValue ? required_argument : no_argument, flag: nil,
                    val: Self.base + Int32(entry.rawValue)))
            guard description.letter != 0 else { continue }
            letters.append(description.letter)
            if hasValue { letters.append(":") }
        }
        unsafe table.append(option(name: nil, has_arg: 0, flag: nil, val: 0))
        letters.append(0)
        while let found = unsafe next(count, arguments, letters, table) {
            try unsafe take(found, command, arguments)
        }
        for index in Int(linux_option_index())..<max(Int(count), Int(linux_option_index())) {
            guard let argument = unsafe arguments[index] else { break }
            unsafe operands.append(text(argument))
        }
    }

    @unsafe private func next(
        _ count: Int32, _ arguments: UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>, _ letters: Text,
        _ table: [option]
    ) -> Int32? {
        let found = unsafe table.withUnsafeBufferPointer { table in
            unsafe withCString(letters.span) { unsafe linux_next_option(count, arguments, $0, table.baseAddress) }
        }
        return found < 0 ? nil : found
    }

    @unsafe private mutating func take(
        _ found: Int32, _ command: Command, _ arguments: UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>
    ) throws(Failure) {
        guard let entry = Self.entry(found) else {
            throw unsafe refusal(found, command, arguments)
        }
        var value = Text("yes")
        if entry.description.value != nil, let argument = unsafe linux_option_value() {
            value = unsafe text(argument)
        }
        guard settings.set(entry, value, from: .commandLine) else {
            var message = Text("--")
            message.append(entry.description.name)
            message.append(" is there twice")
            throw Failure(.usage, "option-doubled", message)
        }
    }

    private static func entry(_ found: Int32) -> Option? {
        if found >= base { return Option(rawValue: UInt8(found - base)) }
        // Of a long option that is unknown, getopt gives 0.
        for entry in Option.allCases where found != 0 && Int32(entry.description.letter) == found { return entry }
        return nil
    }

    @unsafe private func refusal(
        _ found: Int32, _ command: Command, _ arguments: UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>
    ) -> Failure {
        var message = Text()
        let letter = linux_unknown_option()
        if let option = Self.entry(letter), option.description.commands.contains(command) {
            message.append("--")
            message.append(option.description.name)
            message.append(found == Int32(UInt8(ascii: ":")) ? " needs a value" : " takes no value")
        } else {
            message.append("there is no option ")
            if letter > 0, letter < 256 {
                message.append("-")
                message.append(printable: [UInt8(letter)].span)
            } else if let argument = unsafe arguments[Int(linux_option_index()) - 1] {
                unsafe message.append(printable: text(argument).span)
            }
            message.append(" of ")
            message.append(command.name)
        }
        message.append("; see: scep ")
        message.append(command.name)
        message.append(" --help")
        return Failure(.usage, "bad-option", message)
    }
}
