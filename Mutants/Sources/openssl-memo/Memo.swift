import Glibc

struct Memo {
    let arguments: [String]
    private let program = "/usr/bin/openssl"

    init(arguments: [String]) {
        self.arguments = arguments
    }

    /// - Returns: the exit code.
    func answer() -> Int32 {
        // What serves or waits is not answered from memory.
        guard let folder = variable("OPENSSL_MEMO"), let run = variable("OPENSSL_MEMO_RUN"),
            !["s_server", "s_client", "version", "rand"].contains(arguments.first ?? "")
        else { return replace() }
        let input = Files.readAll(0)
        let name = Files.hexadecimal(digest(input))
        let entry = "\(folder)/\(name)-\(Files.count("\(run)/\(name)"))"
        if Files.read("\(entry)/status") == nil, !make(entry, input) { return 125 }
        return replay(entry)
    }

    private func variable(_ name: String) -> String? { getenv(name).map { String(cString: $0) } }

    private func replace() -> Int32 {
        var argv = ([program] + arguments).map { strdup($0) } + [nil]
        execv(program, &argv)
        return 127
    }

    /// Of the arguments, of the files that they name, and of standard input.
    private func digest(_ input: [UInt8]) -> UInt64 {
        var digest = Files.Digest()
        for argument in arguments {
            if let content = Files.read(argument) {
                digest.add([1])
                digest.add(content)
            } else if argument.hasPrefix("/"), isInFolder(argument) {
                // A file that it writes, in a folder with another name each time.
                digest.add([2])
                digest.add(Array((argument.split(separator: "/").last ?? "").utf8))
            } else {
                digest.add([3])
                digest.add(Array(argument.utf8))
            }
        }
        digest.add(input)
        return digest.value
    }

    /// Whether it is a path, and not a name such as `/O=Example/CN=sensor`.
    private func isInFolder(_ argument: String) -> Bool {
        let folder = argument[..<(argument.lastIndex(of: "/") ?? argument.startIndex)]
        var information = stat()
        return stat(folder.isEmpty ? "/" : String(folder), &information) == 0 && information.st_mode & S_IFMT == S_IFDIR
    }

    /// Runs openssl and keeps what it says and writes.
    private func make(_ entry: String, _ input: [UInt8]) -> Bool {
        let draft = "\(entry).\(getpid())"
        mkdir(draft, 0o700)
        guard Files.write(input, "\(draft)/stdin") else { return false }
        let before = arguments.map { Files.read($0) }
        guard let status = run(draft) else { return false }
        for (index, argument) in arguments.enumerated() {
            guard let after = Files.read(argument), after != before[index] else { continue }
            guard Files.write(after, "\(draft)/file\(index)") else { return false }
        }
        guard Files.write(Array("\(status)".utf8), "\(draft)/status") else { return false }
        // Another run may have been first: its answer counts.
        if rename(draft, entry) != 0 { Files.removeFolder(draft) }
        return true
    }

    private func run(_ draft: String) -> Int32? {
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        posix_spawn_file_actions_addopen(&actions, 0, "\(draft)/stdin", O_RDONLY, 0)
        posix_spawn_file_actions_addopen(&actions, 1, "\(draft)/stdout", O_WRONLY | O_CREAT, 0o600)
        posix_spawn_file_actions_addopen(&actions, 2, "\(draft)/stderr", O_WRONLY | O_CREAT, 0o600)
        var argv = ([program] + arguments).map { strdup($0) } + [nil]
        var process: pid_t = 0
        guard posix_spawn(&process, program, &actions, nil, &argv, environ) == 0 else { return nil }
        var status: Int32 = 0
        while waitpid(process, &status, 0) < 0, errno == EINTR {}
        // One that was killed is not remembered.
        return status & 0x7F == 0 ? status >> 8 & 0xFF : nil
    }

    private func replay(_ entry: String) -> Int32 {
        for (index, argument) in arguments.enumerated() {
            if let content = Files.read("\(entry)/file\(index)"), !Files.write(content, argument) { return 125 }
        }
        Files.writeAll(Files.read("\(entry)/stdout") ?? [], 1)
        Files.writeAll(Files.read("\(entry)/stderr") ?? [], 2)
        return Int32(String(decoding: Files.read("\(entry)/status") ?? [], as: UTF8.self)) ?? 125
    }
}
