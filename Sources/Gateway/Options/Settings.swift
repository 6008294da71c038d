import Output

/// What was set, and where: on the command line, else in the configuration file.
struct Settings {
    /// Where a value comes from.
    enum Origin {
        case commandLine
        /// In the configuration file; both count from 1.
        case file(line: Int, column: Int)
    }

    struct Setting {
        let value: Text
        let origin: Origin
    }

    /// The configuration file; empty if there is none.
    var file = Text()
    private var settings = [Setting?](repeating: nil, count: Option.allCases.count)

    subscript(_ option: Option) -> Text? { settings[Int(option.rawValue)]?.value }

    func origin(_ option: Option) -> Origin? { settings[Int(option.rawValue)]?.origin }

    /// Whether an option without a value is set.
    func isSet(_ option: Option) -> Bool { self[option]?.equals("yes") ?? false }

    /// - Returns: false when it was set in the same place before. What the command line says stands.
    mutating func set(_ option: Option, _ value: Text, from origin: Origin) -> Bool {
        switch (settings[Int(option.rawValue)]?.origin, origin) {
        case (.commandLine, .commandLine), (.file, .file): return false
        case (.commandLine, .file): return true
        case (nil, _), (.file, .commandLine):
            settings[Int(option.rawValue)] = Setting(value: value, origin: origin)
            return true
        }
    }

    /// Sets what a command has by default.
    mutating func setDefault(_ option: Option, _ value: StaticString) {
        guard self[option] == nil else { return }
        settings[Int(option.rawValue)] = Setting(value: Text(value), origin: .commandLine)
    }

    /// A number within bounds; what is not set is what the option's description says, or else the least.
    func number(_ option: Option, _ range: ClosedRange<Int>) throws(Failure) -> Int {
        guard let text = self[option] ?? option.description.standard.map({ Text($0) }) else { return range.lowerBound }
        guard text.allSatisfy({ UInt8(ascii: "0")...UInt8(ascii: "9") ~= $0 }) else {
            throw refusal(option, Text(": it is no number"))
        }
        guard let number = decimal(text), let value = Int(exactly: number), range.contains(value) else {
            throw refusal(option)
        }
        return value
    }

    /// What has to be set.
    func required(_ option: Option) throws(Failure) -> Text {
        if let value = self[option] { return value }
        var message = Text("--")
        message.append(option.description.name)
        message.append(" is missing")
        message.append(meaning: option)
        message.append(": give it")
        if option.isInConfiguration {
            message.append(", or set ")
            message.append(option.description.name)
            message.append(" in ")
            message.append(printable: (file.isEmpty ? ConfigurationFile.standard : file).span)
        }
        throw Failure(.usage, "option-missing", message)
    }

    /// That a value cannot be.
    ///
    /// - Parameter reason: what is wrong with it, where that is not plain from what the option is.
    func refusal(_ option: Option, _ reason: Text = []) -> Failure {
        var message = Text()
        if let origin = origin(option) { message.append(place(origin)) }
        if case .commandLine = origin(option) { message.append("--") }
        message.append(option.description.name)
        message.append(" cannot be '")
        let value = self[option] ?? []
        message.append(printable: value.span)
        message.append("'")
        message.append(meaning: option)
        message.append(reason)
        if find(" #", in: value) != nil { message.append("; a # behind a value is part of it") }
        return Failure(.usage, "bad-value", message)
    }

    /// `file:line:column: `; nothing for the command line.
    func place(_ origin: Origin) -> Text {
        guard case .file(let line, let column) = origin else { return [] }
        var text = Text()
        text.append(printable: file.span)
        text.append(":")
        text.append(decimal: line)
        text.append(":")
        text.append(decimal: column)
        text.append(": ")
        return text
    }
}

extension [UInt8] {
    /// Appends what an option is, in parentheses.
    fileprivate mutating func append(meaning option: Option) {
        append(" (")
        append(option.description.help)
        append(")")
    }
}
