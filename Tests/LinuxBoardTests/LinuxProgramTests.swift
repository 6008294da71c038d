import CLinux
import Foundation
import PretendedSystem
import TestSupport
import Testing

/// `linux_run`, which hooks are run by: what the program finds, what is told of its end, and what is left of it.
@Suite struct LinuxProgramTests {
    private func run(
        _ program: String, _ arguments: [String] = [], environment: [String] = [], seconds: Int32 = 600
    ) -> (status: Int32, error: Int32) {
        var argv = ([program] + arguments).map { strdup($0) } + [nil]
        var envp = environment.map { strdup($0) } + [nil]
        defer { for text in argv + envp { free(text) } }
        let status = linux_run(&argv, &envp, seconds)
        return (status, errno)
    }

    /// A folder for what `script`, which has it as `$1`, writes.
    private func run(
        script: String, environment: [String] = ["PATH=/usr/bin:/bin"], seconds: Int32 = 600,
        _ look: (_ status: Int32, _ file: (String) -> String?) throws -> Void
    ) throws {
        let folder = FileManager.default.temporaryDirectory.appending(path: "program-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        let (status, _) = run(
            "/bin/sh", ["-c", script, "sh", folder.path], environment: environment, seconds: seconds)
        try look(status) { try? String(contentsOf: folder.appending(path: $0), encoding: .utf8) }
    }

    private func isRunning(_ process: pid_t) -> Bool {
        guard let status = try? String(contentsOfFile: "/proc/\(process)/stat", encoding: .utf8) else { return false }
        // One that has ended and that nobody has waited for yet is no more.
        return !status.contains(") Z ")
    }

    static let ends: [(String, Int32)] = [
        ("exit 0", 0), ("exit 7", 7), ("exit 255", 255), ("kill -SEGV $$", 267), ("kill -PIPE $$", 269),
        ("kill -KILL $$", 265),
    ]

    /// 256 and the signal's number, where one ended it.
    @Test(arguments: ends) func itsEndIsTold(script: String, status: Int32) throws {
        try run(script: script) { told, _ in #expect(told == status) }
    }

    @Test(arguments: [("/nonexistent/program", ENOENT), ("/etc/passwd", EACCES), ("/etc", EACCES)])
    func whatCannotBeStartedSaysWhy(program: String, error: Int32) {
        let told = run(program)
        #expect(told.status == LINUX_NOT_STARTED && told.error == error, "\(told)")
    }

    /// The lock on the folder, above all, is nobody else's to keep.
    @Test func noOtherFileIsOpen() throws {
        let open = dup(STDERR_FILENO)
        defer { close(open) }
        try run(script: "exec ls /proc/self/fd >$1/files") { status, file in
            #expect(status == 0)
            // The last one is the folder that it reads.
            #expect(file("files") == "0\n1\n2\n3\n")
        }
    }

    @Test func itReadsNothingAndWritesToStandardError() throws {
        try run(script: "cat >$1/input && [ /proc/$$/fd/1 -ef /proc/$$/fd/2 ]") { status, file in
            #expect(status == 0)
            #expect(file("input") == "")
        }
    }

    /// Standard output is for what this program reports.
    @Test func itWritesNothingToStandardOutput() throws {
        var ends: [Int32] = [-1, -1]
        try #require(linux_pipe(&ends) == 0)
        let (reading, writing) = (ends[0], ends[1])
        var argv = [strdup("/bin/echo"), strdup("said"), nil]
        var envp: [UnsafeMutablePointer<CChar>?] = [nil]
        defer { for text in argv { free(text) } }
        var errorEnds: [Int32] = [-1, -1]
        try #require(linux_pipe(&errorEnds) == 0)
        let (readingErrors, writingErrors) = (errorEnds[0], errorEnds[1])
        let child = try Child {
            dup2(writing, STDOUT_FILENO)
            dup2(writingErrors, STDERR_FILENO)
            return linux_run(&argv, &envp, 600) == 0 ? 0 : 1
        }
        child.end()
        #expect(child.result == 0)
        close(writing)
        close(writingErrors)
        func text(_ file: Int32) -> String {
            let bytes = FileHandle(fileDescriptor: file, closeOnDealloc: true).readDataToEndOfFile()
            return String(decoding: bytes, as: UTF8.self)
        }
        #expect(text(reading) == "")
        #expect(text(readingErrors) == "said\n")
    }

    @Test func theEnvironmentIsWhatItIsGiven() throws {
        let environment = ["PATH=/usr/bin:/bin", "SCEP_EVENT=issued"]
        try run(script: "tr '\\0' '\\n' </proc/$$/environ >$1/environment", environment: environment) { status, file in
            #expect(status == 0)
            #expect(file("environment") == environment.map { $0 + "\n" }.joined())
        }
    }

    @Test func itHasAGroupOfItsOwn() throws {
        // So has the process that looks after it.
        for process in ["$$", "$PPID"] {
            try run(script: "set -- $(sed 's/(.*)/name/' /proc/\(process)/stat) && [ $5 = \(process) ]") { status, _ in
                #expect(status == 0)
            }
        }
    }

    /// Whatever session it is in, and whoever made it has ended.
    @Test(arguments: ["setsid sleep 3000", "setsid sh -c 'sleep 3000 & echo $! >'$1'/process; sleep 3000'"])
    func whatTakesTooLongIsKilledWithAllThatItStarted(child: String) throws {
        let begin = ContinuousClock.now
        let script =
            "\(child) & [ -s $1/process ] || echo $! >$1/process; (setsid sleep 3000 & echo $! >$1/orphan); sleep 3000"
        try run(script: script, seconds: 2) { status, file in
            #expect(status == LINUX_TIMED_OUT)
            #expect(ContinuousClock.now - begin >= .seconds(2))
            for name in ["process", "orphan"] {
                let process = try #require(file(name).flatMap { pid_t($0.dropLast()) })
                #expect(!isRunning(process), "\(name)")
            }
        }
    }

    /// Nor does the process that looks after it hold more than what it tells its end by.
    @Test func whatLooksAfterItHoldsNoFile() throws {
        let open = dup(STDERR_FILENO)
        defer { close(open) }
        // It closes what it started the program by when that runs already.
        let script = """
            for i in $(seq 3000); do
              set -- "$1" $(ls /proc/$PPID/fd)
              [ $# -eq 5 ] && break
              sleep 0.02
            done
            echo $# >$1/count
            """
        try run(script: script) { status, file in
            #expect(status == 0)
            #expect(file("count") == "5\n")
        }
    }

    /// As the system does where memory runs out.
    @Test func whatLooksAfterItMayBeKilled() throws {
        let told = run("/bin/sh", ["-c", "kill -KILL $PPID"])
        #expect(told.status == LINUX_NOT_STARTED && told.error == ECHILD, "\(told)")
    }

    /// Nothing is left of it: no file, and no process that nobody waited for, be it of one that could not be started. A
    /// signal may come at any time.
    @Test(arguments: ["/bin/true", "/nonexistent/program"]) func nothingIsLeftOfAProgram(program: String) throws {
        // prctl takes a variable number of arguments.
        typealias Control = @convention(c) (Int32, UInt, UInt, UInt, UInt) -> Int32
        let control = try #require(unsafeBitCast(dlsym(nil, "prctl"), to: Control?.self))
        var argv = [strdup(program), nil]
        var envp: [UnsafeMutablePointer<CChar>?] = [nil]
        defer { free(argv[0]) }
        let status: Int32 = program == "/bin/true" ? 0 : LINUX_NOT_STARTED
        for (call, outcomes) in [
            (.read, []), (.read, [.interrupted]), (.waitpid, [.interrupted, .interrupted]),
        ] as [(PretendedCall, [PretendedOutcome])] {
            let child = try Child {
                // Who loses the process that made it is this one's.
                _ = control(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
                let before = openFileCount()
                let told = pretending(outcomes, of: call) {
                    let told = linux_run(&argv, &envp, 600)
                    return pretendedOutcomesLeft() == 0 ? told : 1000
                }
                guard told == status else { return 1 }
                guard openFileCount() == before else { return 2 }
                return isWithoutChildren() ? 0 : 3
            }
            child.end()
            #expect(child.result == 0, "\(call)")
        }
    }

    /// Without a file to spare for the program, once there is one for who looks after it.
    @Test func whatNoFileIsLeftForIsNotStarted() throws {
        // What tells of the child's result is not among the first.
        let taken = (0..<8).map { _ in open("/dev/null", O_RDONLY | O_CLOEXEC) }
        defer { for file in taken { close(file) } }
        var argv = [strdup("/bin/true"), nil]
        var envp: [UnsafeMutablePointer<CChar>?] = [nil]
        defer { free(argv[0]) }
        let child = try Child {
            for file in STDERR_FILENO + 1...STDERR_FILENO + 2 { close(file) }
            var limit = rlimit(rlim_cur: rlim_t(STDERR_FILENO + 3), rlim_max: rlim_t(STDERR_FILENO + 3))
            setrlimit(.init(RLIMIT_NOFILE.rawValue), &limit)
            return linux_run(&argv, &envp, 5) == LINUX_NOT_STARTED && errno == EMFILE ? 0 : 1
        }
        child.end()
        #expect(child.result == 0)
    }

    /// Where the system gives no list of processes, its group is killed all the same.
    @Test func whatTakesTooLongIsKilledWithoutAList() throws {
        let script = "sleep 3000 & echo $! >$1/process; prlimit --pid $PPID --nofile=1:1 && echo >$1/limited; wait"
        try run(script: script, seconds: 2) { status, file in
            #expect(status == LINUX_TIMED_OUT)
            #expect(file("limited") != nil)
            let process = try #require(file("process").flatMap { pid_t($0.dropLast()) })
            #expect(!isRunning(process))
            kill(process, SIGKILL)
        }
    }

    /// Waiting for it takes no processor's time: who waits gives it away, again and again (proc(5)).
    @Test func whatLooksAfterItSleeps() throws {
        let script = """
            for i in $(seq 3000); do
              [ "$(sed -n 's/^voluntary_ctxt_switches:[^0-9]*//p' /proc/$PPID/status)" -ge 20 ] && exit 0
              sleep 0.02
            done
            exit 1
            """
        try run(script: script) { status, _ in #expect(status == 0) }
    }

    /// As a service stays that a hook starts anew.
    @Test func whatItLeavesBehindStays() throws {
        let script = "setsid sleep 3000 >/dev/null 2>&1 & echo $! >$1/process"
        try run(script: script) { status, file in
            #expect(status == 0)
            let process = try #require(file("process").flatMap { pid_t($0.dropLast()) })
            #expect(isRunning(process))
            kill(process, SIGKILL)
        }
    }
}

/// What becomes of a process that is told to end, or becomes another user.
@Suite struct UserAndSignalTests {
    /// What a process wrote to standard error before a signal ended it, and the signal; 0 for one that went on.
    private func end(by number: Int32, _ prepare: @escaping () -> Void) throws -> (text: String, signal: Int32) {
        var ends: [Int32] = [-1, -1]
        try #require(linux_pipe(&ends) == 0)
        let child = try Child {
            _ = dup2(ends[1], STDERR_FILENO)
            // What runs these tests is deaf to some.
            signal(number, SIG_DFL)
            var none = sigset_t()
            sigemptyset(&none)
            pthread_sigmask(SIG_SETMASK, &none, nil)
            prepare()
            return 0
        }
        close(ends[1])
        defer { close(ends[0]) }
        kill(child.process, number)
        var status: Int32 = 0
        var ended: pid_t = 0
        // One that goes on is asked for another signal, which it does not ignore.
        for _ in 0..<200 where ended == 0 {
            ended = waitpid(child.process, &status, WNOHANG)
            if ended == 0 { usleep(10_000) }
        }
        child.end()
        var text = [UInt8](repeating: 0, count: 500)
        let count = max(read(ends[0], &text, text.count), 0)
        return (String(decoding: text.prefix(count), as: UTF8.self), ended == 0 ? 0 : status & 0x7F)
    }

    @Test(arguments: [SIGTERM, SIGINT, SIGHUP]) func aSignalIsExplainedAndHeeded(number: Int32) throws {
        let polite = try end(by: number) { linux_end_politely() }
        let words = "scep: interrupted; what is stored is whole, and the next run goes on from there\n"
        #expect(polite.signal == number && polite.text == words, "\(polite)")
        let plain = try end(by: number) {
            linux_end_politely()
            linux_end_plainly()
        }
        #expect(plain.signal == number && plain.text == "", "\(plain)")
    }

    /// As nohup has it.
    @Test func whatIsIgnoredStaysIgnored() throws {
        let outcome = try end(by: SIGHUP) {
            signal(SIGHUP, SIG_IGN)
            linux_end_politely()
        }
        #expect(outcome.signal == 0 && outcome.text == "")
    }

    /// For good: with its groups alone, and no way back.
    @Test(.enabled(if: getuid() == 0, "no other user may become one"), arguments: [65534, 4_000_000_000])
    func whoeverBecomesAnotherUserIsNothingElse(user: uid_t) throws {
        let child = try Child {
            let isDone = linux_become(user, 65534) == 0
            let isOther = getuid() == user && geteuid() == user && getgid() == 65534 && getegid() == 65534
            var groups = [gid_t](repeating: 0, count: 64)
            let count = getgroups(64, &groups)
            let hasOthers = groups.prefix(Int(max(count, 0))).contains { $0 != 65534 }
            return isDone && isOther && !hasOthers && setuid(0) != 0 && setgid(0) != 0 ? 1 : 0
        }
        defer { child.end() }
        #expect(child.result == 1)
    }

    @Test(.enabled(if: getuid() == 0, "this needs one who may become another"))
    func whoeverMayNotBecomeAnotherUserIsTold() throws {
        let child = try Child {
            _ = linux_become(65534, 65534)
            return linux_become(65533, 65533) == 0 ? 1 : 0
        }
        defer { child.end() }
        #expect(child.result == 0)
    }
}
