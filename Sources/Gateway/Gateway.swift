import CLinux
import LinuxBoard
import Output

/// Runs the program.
///
/// - Parameters: as C's `main` has them.
/// - Returns: the exit code.
@unsafe public func run(_ count: Int32, _ arguments: UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>?) -> Int32 {
    Process.protect()
    linux_end_politely()
    guard let arguments = unsafe arguments, count > 1, let first = unsafe arguments[1] else {
        writeAll(Help.overview(), to: STDERR_FILENO)
        return ExitCode.usage.rawValue
    }
    let word = unsafe text(first)
    if word.equals("help"), count > 2, let next = unsafe arguments[2], let command = unsafe Command(text(next)) {
        return say(Help.of(command))
    }
    if word.equals("--help") || word.equals("-h") || word.equals("help") { return say(Help.overview()) }
    if word.equals("--version") || word.equals("-V") || word.equals("version") { return say(Version.line) }
    if word.equals("self-describe") { return say(Help.description()) }
    guard let command = Command(word) else {
        var message = Text("scep: error: there is no command '")
        message.append(printable: word.span)
        message.append("'; see: scep --help\n")
        writeAll(message, to: STDERR_FILENO)
        return ExitCode.usage.rawValue
    }
    var words: [Text] = []
    for index in 2..<max(Int(count), 2) {
        guard let argument = unsafe arguments[index] else { break }
        unsafe words.append(text(argument))
    }
    // Errors of the command line are JSON as well, where that is wanted.
    var isJSON = words.contains { $0.equals("--json") || $0.equals("-j") }
    do throws(Failure) {
        let line = try CommandLine(command, words)
        isJSON = line.settings.isSet(.json)
        if line.settings.isSet(.help) { return say(Help.of(command)) }
        return try dispatch(command, line, &isJSON)
    } catch {
        return complain(error, nil, isJSON)
    }
}

private func dispatch(_ command: Command, _ line: CommandLine, _ isJSON: inout Bool) throws(Failure) -> Int32 {
    var settings = line.settings
    try readConfiguration(&settings, operands: line.operands, command)
    isJSON = settings.isSet(.json)
    var progress = try Progress(settings)
    var report = Report(isJSON ? .json : .lines)
    do throws(Failure) {
        let code = try dispatch(command, settings, line.operands, &progress, &report)
        let text = report.finish()
        guard writeAll(text, to: STDOUT_FILENO) else {
            throw Failure(path: Text("standard output"), "cannot be written", error: linux_errno())
        }
        return code.rawValue
    } catch {
        return complain(error, progress, isJSON)
    }
}

private func readConfiguration(_ settings: inout Settings, operands: [Text], _ command: Command) throws(Failure) {
    let named = settings[.config]
    let path = named ?? ConfigurationFile.standard
    let isThere = unsafe withCString(path.terminated.span) { unsafe access($0, F_OK) } == 0
    if named != nil || isThere {
        settings.file = path
        try ConfigurationFile.read(InputFile.readText(path, limit: 1 << 16), into: &settings)
    }
    if command.operands == nil, let operand = operands.first {
        var message = Text("'")
        message.append(printable: operand.span)
        message.append("' is one word too many; see: scep ")
        message.append(command.name)
        message.append(" --help")
        throw Failure(.usage, "bad-operand", message)
    }
}

private func say(_ text: Text) -> Int32 {
    writeAll(text, to: STDOUT_FILENO) ? ExitCode.done.rawValue : ExitCode.storage.rawValue
}

private func complain(_ failure: Failure, _ progress: Progress?, _ isJSON: Bool) -> Int32 {
    if let progress {
        progress.complain(failure)
    } else {
        var line = Text("scep: error: ")
        line.append(printable: failure.message.span)
        line.append("\n")
        writeAll(line, to: STDERR_FILENO)
    }
    if isJSON {
        var report = Report(.json)
        report.error(failure)
        writeAll(report.finish(), to: STDOUT_FILENO)
    }
    return failure.exit.rawValue
}

extension Report {
    /// Adds why a command failed.
    mutating func error(_ failure: Failure) {
        beginObject("error")
        field("kind", text: failure.kind)
        field("message", text: failure.message)
        field("exitCode", number: Int(failure.exit.rawValue))
        endObject()
    }
}
