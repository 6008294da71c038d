import CLinux
import LinuxBoard
import Output

/// The operator's program that is run after each change, so that whoever uses the certificate takes up the new one.
///
/// It is run until it has run well once for each change: the file `hook` has the name of the folder that it was last run for.
struct Hook {
    let program: Text
    /// In seconds.
    let timeout: Int

    init?(_ settings: Settings) throws(Failure) {
        guard let program = settings[.hook] else { return nil }
        self.program = program
        timeout = try settings.number(.hookTimeout, 1...3600)
    }

    /// Warns of a program that cannot be run, while there is time to mend that: a certificate does not wait for it.
    func warnIfMissing(_ progress: Progress) {
        guard unsafe withCString(program.terminated.span, { unsafe access($0, X_OK) }) != 0 else { return }
        progress.warn(Text("the hook ") + program + Text(" cannot be run: ") + Text(systemMessage(linux_errno())))
    }

    /// Runs the program if it is not known to have run well for what is published now.
    func runIfDue(_ workspace: Workspace, _ progress: Progress) throws(Failure) {
        guard let current = PublishedFiles.current(in: workspace), Self.isWhole(workspace) else { return }
        let done = try? InputFile.read(workspace.path + Text("/hook"))
        guard done != current else { return }
        progress.say(Text("running ") + program)
        let event = try InputFile.read(workspace.path + Text("/current/event"))
        try run(event, workspace)
        try workspace.replace("hook", with: current)
    }

    /// Whether all is there that the program is told of.
    private static func isWhole(_ workspace: Workspace) -> Bool {
        let names: [StaticString] = ["cert.pem", "fullchain.pem", "chain.pem", "ca.pem", "event"]
        for name in names where !isThere(name, workspace) { return false }
        return isThere("key.pem", workspace) || isThere("key.uri", workspace)
    }

    private static func isThere(_ name: StaticString, _ workspace: Workspace) -> Bool {
        let path = workspace.path + Text("/current/") + Text(name)
        guard let file = Descriptor(path: path.terminated.span, O_RDONLY | O_NONBLOCK, followsLinks: true) else {
            return false
        }
        defer { file.close() }
        guard let status = file.status, status.st_size > 0 else { return false }
        return true
    }

    private func run(_ event: Text, _ workspace: Workspace) throws(Failure) {
        var environment: [Text] = []
        for line in event.split(separator: UInt8(ascii: "\n")) { environment.append(Text(line)) }
        let current = workspace.path + Text("/current")
        environment.append(Text("SCEP_DIRECTORY=") + current)
        environment.append(Text("SCEP_CERTIFICATE=") + current + Text("/cert.pem"))
        environment.append(Text("SCEP_FULLCHAIN=") + current + Text("/fullchain.pem"))
        environment.append(Text("SCEP_CHAIN=") + current + Text("/chain.pem"))
        environment.append(Text("SCEP_CA=") + current + Text("/ca.pem"))
        // Of a key on a token there is no file.
        if Self.isThere("key.pem", workspace) {
            environment.append(Text("SCEP_KEY=") + current + Text("/key.pem"))
        } else {
            let uri = try InputFile.read(current + Text("/key.uri"))
            environment.append(Text("SCEP_KEY_URI=") + uri.trimmed)
        }
        environment.append(Text("PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"))
        let arguments = [program, Text(event.split(separator: UInt8(ascii: "\n")).first ?? [])]
        let status = unsafe withPointers(arguments) { arguments in
            unsafe withPointers(environment) { environment in
                unsafe linux_run(arguments, environment, Int32(timeout))
            }
        }
        guard status != 0 else { return }
        var message = Text("the certificate is there, but the hook ")
        message.append(printable: program.span)
        switch status {
        case LINUX_NOT_STARTED:
            message.append(" could not be started: ")
            message.append(systemMessage(linux_errno()))
            if program.contains(UInt8(ascii: " ")) {
                message.append(" (it is the path of a program, without arguments)")
            }
        case LINUX_TIMED_OUT:
            message.append(" was ended after ")
            message.append(decimal: timeout)
            message.append(" s; hook-timeout gives it longer")
        case 256...:
            message.append(" was ended by signal ")
            message.append(decimal: Int(status) - 256)
        default:
            message.append(" ended with exit code ")
            message.append(decimal: Int(status))
        }
        message.append("; it is run again by the next run")
        throw Failure(.hook, "hook-failed", message)
    }
}

/// Lends texts as C has a list of them, ended by a null.
@unsafe private func withPointers<Result>(
    _ texts: [Text], _ body: (UnsafePointer<UnsafeMutablePointer<CChar>?>) -> Result
) -> Result {
    var all: [CChar] = []
    var starts: [Int] = []
    for text in texts {
        starts.append(all.count)
        for byte in text.terminated { all.append(CChar(bitPattern: byte)) }
    }
    return unsafe all.withUnsafeMutableBufferPointer { bytes in
        var pointers = unsafe [UnsafeMutablePointer<CChar>?]()
        for start in starts { unsafe pointers.append(bytes.baseAddress?.advanced(by: start)) }
        unsafe pointers.append(nil)
        return unsafe pointers.withUnsafeBufferPointer { unsafe body($0.baseAddress.unsafelyUnwrapped) }
    }
}
