import Foundation
import Glibc
import Synchronization

/// A program with its children in a process group of its own, which ends with it.
struct Command: Sendable {
    var arguments: [String]
    var directory: String
    var environment: [String: String] = [:]
    var limits = Limits()

    struct Limits: Sendable {
        /// Seconds of processor time for each process: how a loop without an end is found on a busy machine too.
        var processor = 3600
        /// Seconds, for one that waits for ever.
        var time = 3600.0
        /// KiB that a process may address, for one that fills them.
        var memory: Int?
    }

    enum End: Equatable, Sendable {
        case exit(Int32)
        case signal(Int32)
        /// Was ended since it took too long.
        case late
        /// Was ended since it said what ``run(until:)`` waits for.
        case stopped
    }

    struct Outcome: Sendable {
        let end: End
        /// Standard output and standard error.
        let output: String
        /// Seconds that the program, and those it waited for, had of the processor: the same on a busy machine.
        let processor: Double
    }

    struct NotStarted: Error, CustomStringConvertible {
        let description: String
    }

    /// - Parameter isEnough: whether the program is ended after this line.
    func run(until isEnough: (Substring) -> Bool = { _ in false }) throws -> Outcome {
        let (process, pipe) = try Self.oneByOne.withLock { _ in try startWithPipe() }
        Self.running.withLock { _ = $0.insert(process) }
        defer {
            Self.running.withLock { _ = $0.remove(process) }
            close(pipe)
        }
        let (output, wasEnded) = read(pipe, of: process, until: isEnough)
        kill(-process, SIGKILL)
        var status: Int32 = 0
        var usage = rusage()
        while wait4(process, &status, 0, &usage) < 0, errno == EINTR {}
        let end: End = wasEnded ?? (status & 0x7F == 0 ? .exit(status >> 8 & 0xFF) : .signal(status & 0x7F))
        return Outcome(end: end, output: output, processor: seconds(usage.ru_utime) + seconds(usage.ru_stime))
    }

    private func seconds(_ time: timeval) -> Double { Double(time.tv_sec) + Double(time.tv_usec) / 1e6 }

    /// Programs that run. A signal from the terminal does not reach their groups.
    private static let running = Mutex<Set<pid_t>>([])

    static func endAll() {
        running.withLock { for process in $0 { kill(-process, SIGKILL) } }
    }

    /// Another program that starts meanwhile would hold the pipe open.
    private static let oneByOne = Mutex(())

    private func startWithPipe() throws -> (process: pid_t, output: Int32) {
        var ends: [Int32] = [0, 0]
        guard pipe(&ends) == 0 else { throw NotStarted(description: "no pipe: \(String(cString: strerror(errno)))") }
        defer { close(ends[1]) }
        for end in ends { _ = fcntl(end, F_SETFD, FD_CLOEXEC) }
        do {
            return (try start(output: ends[1]), ends[0])
        } catch {
            close(ends[0])
            throw error
        }
    }

    private func start(output: Int32) throws -> pid_t {
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0)
        posix_spawn_file_actions_adddup2(&actions, output, 1)
        posix_spawn_file_actions_adddup2(&actions, output, 2)
        var attributes = posix_spawnattr_t()
        posix_spawnattr_init(&attributes)
        defer { posix_spawnattr_destroy(&attributes) }
        // What ends this program is heeded by others as ever.
        var signals = sigset_t()
        sigemptyset(&signals)
        for number in [SIGINT, SIGTERM] { sigaddset(&signals, number) }
        posix_spawnattr_setsigdefault(&attributes, &signals)
        posix_spawnattr_setflags(&attributes, Int16(POSIX_SPAWN_SETPGROUP) | Int16(POSIX_SPAWN_SETSIGDEF))
        // The shell sets what posix_spawn cannot, and is replaced.
        let script = "cd \"$0\" && ulimit -S -c 0 && ulimit -t \"$1\" -v \"$2\" && shift 2 && exec \"$@\""
        let words =
            ["/bin/bash", "-c", script, directory, "\(limits.processor)", limits.memory.map { "\($0)" } ?? "unlimited"]
            + arguments
        let variables = ProcessInfo.processInfo.environment.merging(environment) { $1 }.map { "\($0)=\($1)" }
        var argv = words.map { strdup($0) } + [nil]
        var envp = variables.map { strdup($0) } + [nil]
        defer { for word in argv + envp { free(word) } }
        var process: pid_t = 0
        let error = posix_spawn(&process, "/bin/bash", &actions, &attributes, &argv, &envp)
        guard error == 0 else {
            throw NotStarted(description: "\(arguments.first ?? ""): \(String(cString: strerror(error)))")
        }
        return process
    }

    /// Reads until the program ends, or has to.
    private func read(_ pipe: Int32, of process: pid_t, until isEnough: (Substring) -> Bool) -> (String, End?) {
        let deadline = Date(timeIntervalSinceNow: limits.time)
        var bytes: [UInt8] = []
        var lineStart = 0
        var buffer = [UInt8](repeating: 0, count: 65536)
        while true {
            let rest = deadline.timeIntervalSinceNow
            guard rest > 0 else { return (String(decoding: bytes, as: UTF8.self), .late) }
            var polled = pollfd(fd: pipe, events: Int16(POLLIN), revents: 0)
            guard poll(&polled, 1, Int32(min(rest, 1) * 1000) + 1) > 0 else {
                // A child that it left behind may hold the pipe open.
                if hasEnded(process) { return (String(decoding: bytes, as: UTF8.self), nil) }
                continue
            }
            let count = Glibc.read(pipe, &buffer, buffer.count)
            guard count > 0 else { return (String(decoding: bytes, as: UTF8.self), nil) }
            bytes += buffer[..<count]
            while let end = bytes[lineStart...].firstIndex(of: UInt8(ascii: "\n")) {
                let line = String(decoding: bytes[lineStart..<end], as: UTF8.self)
                lineStart = end + 1
                if isEnough(line[...]) { return (String(decoding: bytes, as: UTF8.self), .stopped) }
            }
        }
    }

    private func hasEnded(_ process: pid_t) -> Bool {
        var information = siginfo_t()
        return waitid(P_PID, id_t(process), &information, WEXITED | WNOHANG | WNOWAIT) == 0
            && information.si_signo == SIGCHLD
    }
}
