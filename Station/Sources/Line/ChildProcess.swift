import Foundation

/// A program that runs, in a process group of its own, with nothing at its standard input and a pipe at each of its outputs.
///
/// By hand, since Foundation takes a program for running as long as anything that it started has a pipe of Foundation's open: a hook
/// that starts a daemon would keep its device waiting for that.
struct ChildProcess: ~Copyable {
    private let pid: pid_t
    /// What it writes to standard output, and to standard error.
    let outputs: [Int32]
    private var status: Int32?

    struct NotStarted: Error, CustomStringConvertible {
        let description: String
    }

    init(_ program: String, _ arguments: [String], environment: [String: String]) throws(NotStarted) {
        var (ours, theirs): ([Int32], [Int32]) = ([], [])
        defer { theirs.forEach { close($0) } }
        for _ in 0..<2 {
            var ends: [Int32] = [-1, -1]
            guard pipe(&ends) == 0 else {
                ours.forEach { close($0) }
                throw NotStarted(description: String(cString: strerror(errno)))
            }
            for end in ends { _ = fcntl(end, F_SETFD, FD_CLOEXEC) }
            ours.append(ends[0])
            theirs.append(ends[1])
        }
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0)
        posix_spawn_file_actions_adddup2(&actions, theirs[0], STDOUT_FILENO)
        posix_spawn_file_actions_adddup2(&actions, theirs[1], STDERR_FILENO)
        // Whatever else is open here is none of its business.
        for descriptor in Self.openDescriptors where descriptor > STDERR_FILENO {
            posix_spawn_file_actions_addclose(&actions, descriptor)
        }
        var attributes = posix_spawnattr_t()
        posix_spawnattr_init(&attributes)
        defer { posix_spawnattr_destroy(&attributes) }
        var signals = sigset_t()
        sigemptyset(&signals)
        posix_spawnattr_setsigmask(&attributes, &signals)
        for number in [SIGPIPE, SIGINT, SIGTERM, SIGXFSZ] { sigaddset(&signals, number) }
        posix_spawnattr_setsigdefault(&attributes, &signals)
        posix_spawnattr_setpgroup(&attributes, 0)
        posix_spawnattr_setflags(
            &attributes, Int16(POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSIGMASK))
        var words: [UnsafeMutablePointer<CChar>?] = ([program] + arguments).map { strdup($0) } + [nil]
        var pairs: [UnsafeMutablePointer<CChar>?] = environment.map { strdup("\($0.key)=\($0.value)") } + [nil]
        defer { (words + pairs).forEach { free($0) } }
        var started: pid_t = 0
        let error = posix_spawn(&started, program, &actions, &attributes, &words, &pairs)
        guard error == 0 else {
            ours.forEach { close($0) }
            throw NotStarted(description: String(cString: strerror(error)))
        }
        pid = started
        outputs = ours
    }

    deinit {
        outputs.forEach { close($0) }
        if status == nil {
            kill(-pid, SIGKILL)
            waitpid(pid, nil, 0)
        }
    }

    private static var openDescriptors: [Int32] {
        ((try? FileManager.default.contentsOfDirectory(atPath: "/proc/self/fd")) ?? []).compactMap { Int32($0) }
    }

    /// - Returns: its exit code, or 128 and the signal that ended it; nil while it runs.
    mutating func exitCode() -> Int32? {
        if status == nil {
            var ended: Int32 = 0
            if waitpid(pid, &ended, WNOHANG) == pid {
                status = ended & 0x7F == 0 ? (ended >> 8) & 0xFF : 128 + (ended & 0x7F)
            }
        }
        return status
    }

    /// Ends it, and what it started in its group, if it runs.
    mutating func end() -> Int32 {
        if let code = exitCode() { return code }
        kill(-pid, SIGKILL)
        waitpid(pid, nil, 0)
        status = 128 + SIGKILL
        return 128 + SIGKILL
    }
}
