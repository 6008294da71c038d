import Foundation
import LinuxBoard
import TestSupport
import Testing

@testable import Gateway
@testable import Output

extension KeyTests {
    /// The program that is run after each change. Among the tests of keys, since what is published has one.
    @Suite struct GatewayHookTests {
        /// A folder in which something is published, and a hook of these lines.
        private func withHook(
            _ script: String, timeout: Int, key: String = "key.pem", without missing: String? = nil,
            _ body: (Hook, Workspace, URL) throws -> Void
        ) throws {
            try withTemporaryDirectory { directory in
                let program = try directory.writePrivate(
                    Array("#!/bin/sh\ncd '\(directory.path)'\n\(script)\n".utf8), to: "program", mode: 0o700)
                var settings = Settings()
                _ = settings.set(.directory, Array((directory.path + "/identity").utf8), from: .commandLine)
                _ = settings.set(.hook, program, from: .commandLine)
                _ = settings.set(.hookTimeout, Array("\(timeout)".utf8), from: .commandLine)
                let workspace = try Workspace.open(settings)
                let folder = directory.appending(path: "identity/issued/0123456789ABCDEF")
                try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
                for name in ["cert.pem", "chain.pem", "fullchain.pem", "ca.pem", key] where name != missing {
                    _ = try folder.write(Array("\(name)\n".utf8), to: name)
                }
                _ = try folder.write(Array("SCEP_EVENT=issued\n".utf8), to: "event")
                try FileManager.default.createSymbolicLink(
                    atPath: directory.path + "/identity/current", withDestinationPath: "issued/0123456789ABCDEF")
                try body(try #require(try Hook(settings)), workspace, directory)
            }
        }

        private func kind(_ body: () throws -> Void) -> String? {
            do {
                try body()
                return nil
            } catch let failure as Output.Failure {
                return String(decoding: failure.kind, as: UTF8.self)
            } catch {
                return "\(error)"
            }
        }

        /// The processes whose numbers are in a file.
        private func processes(_ folder: URL) throws -> [pid_t] {
            try String(contentsOf: folder.appending(path: "processes"), encoding: .utf8).split(separator: "\n")
                .compactMap { pid_t($0) }
        }

        private func progress() throws -> Gateway.Progress { try Gateway.Progress(Settings()) }

        /// Sessions and groups of its own, and parents that are gone: none of it outlives the time that it has.
        @Test(arguments: [
            "sleep 300 & echo $! >> processes; wait",
            "setsid sh -c 'echo $$ >> processes; exec sleep 300' & sleep 300",
            "setsid sh -c 'setsid sh -c \"echo \\$\\$ >> processes; sleep 300\" & echo $$ >> processes; sleep 300' & wait",
            "(setsid sh -c 'sleep 300 & echo $! >> processes' &) ; sleep 300",
            "trap '' TERM HUP INT; setsid nohup sh -c 'trap \"\" TERM HUP; echo $$ >> processes; sleep 300' & sleep 300",
        ]) func nothingOutlivesTheTimeout(script: String) throws {
            try withHook(script, timeout: 2) { hook, workspace, folder in
                #expect(kind { try hook.runIfDue(workspace, progress()) } == "hook-failed")
                let processes = try processes(folder)
                #expect(!processes.isEmpty)
                for process in processes { #expect(kill(process, 0) != 0 && errno == ESRCH, "\(process)") }
            }
        }

        /// What a hook starts that ends well, such as a service, is its own affair.
        @Test func whatAHookLeavesRunningStays() throws {
            try withHook("setsid sleep 300 & echo $! > processes", timeout: 60) { hook, workspace, folder in
                #expect(kind { try hook.runIfDue(workspace, progress()) } == nil)
                let process = try #require(try processes(folder).first)
                #expect(kill(process, 0) == 0)
                kill(process, SIGKILL)
            }
        }

        /// By the clock, whatever is said of it. The quickest of several counts, since a busy machine may be late now and
        /// then; too early is none of them.
        @Test func itHasItsTimeAndNoMore() throws {
            try withHook("sleep 300", timeout: 1) { hook, workspace, _ in
                var shortest = Duration.seconds(300)
                for _ in 0..<5 where shortest >= .seconds(2) {
                    let begin = ContinuousClock.now
                    #expect(kind { try hook.runIfDue(workspace, progress()) } == "hook-failed")
                    let time = begin.duration(to: .now)
                    #expect(time >= .seconds(1))
                    shortest = min(shortest, time)
                }
                #expect(shortest < .seconds(2))
            }
        }

        /// What somebody sends to the program is not for the hook.
        @Test func nothingIsAtItsStandardInput() throws {
            try withHook("readlink /proc/self/fd/0 > input; cat >> input", timeout: 60) { hook, workspace, folder in
                let (before, pipe) = (dup(STDIN_FILENO), Pipe())
                try pipe.fileHandleForWriting.write(contentsOf: Data("secret\n".utf8))
                // Or else a hook that reads would wait.
                try pipe.fileHandleForWriting.close()
                dup2(pipe.fileHandleForReading.fileDescriptor, STDIN_FILENO)
                defer {
                    if before >= 0 { dup2(before, STDIN_FILENO) } else { close(STDIN_FILENO) }
                    close(before)
                }
                #expect(kind { try hook.runIfDue(workspace, progress()) } == nil)
                let input = try String(contentsOf: folder.appending(path: "input"), encoding: .utf8)
                #expect(input == "/dev/null\n")
                #expect(try pipe.fileHandleForReading.readToEnd() == Data("secret\n".utf8))
            }
        }

        @Test func noFileOfTheProgramIsOpenInIt() throws {
            try withHook("ls -l /proc/self/fd > open", timeout: 60) { hook, workspace, folder in
                let lock = folder.appending(path: "identity/lock").path
                let descriptor = open(lock, O_RDONLY)
                defer { close(descriptor) }
                #expect(kind { try hook.runIfDue(workspace, progress()) } == nil)
                let list = try String(contentsOf: folder.appending(path: "open"), encoding: .utf8)
                #expect(list.contains("/dev/null") && !list.contains("identity"), "\(list)")
            }
        }

        @Test(arguments: ["cert.pem", "chain.pem", "fullchain.pem", "ca.pem", "key.pem"])
        func noHookIsRunForHalfASet(missing: String) throws {
            try withHook("touch ran", timeout: 60, without: missing) { hook, workspace, folder in
                #expect(kind { try hook.runIfDue(workspace, progress()) } == nil)
                #expect(!FileManager.default.fileExists(atPath: folder.path + "/ran"))
                _ = try folder.appending(path: "identity/current").write([1], to: missing)
                #expect(kind { try hook.runIfDue(workspace, progress()) } == nil)
                #expect(FileManager.default.fileExists(atPath: folder.path + "/ran"))
            }
        }

        /// A pipe that nobody has open is no file, and keeps nobody waiting.
        @Test(arguments: [("0", false), ("1", true), ("3600", true), ("3601", false)])
        func aHooksTimeHasItsBounds(seconds: String, isTaken: Bool) throws {
            var settings = Settings()
            _ = settings.set(.hook, Text("/program"), from: .commandLine)
            _ = settings.set(.hookTimeout, Array(seconds.utf8), from: .commandLine)
            #expect(kind { _ = try Hook(settings) } == (isTaken ? nil : "bad-value"))
        }

        /// A file that is there has something in it.
        @Test(arguments: [0, 1]) func anEmptyFileIsNone(size: Int) throws {
            try withHook("touch ran", timeout: 60) { hook, workspace, folder in
                _ = try folder.appending(path: "identity/current").write(
                    [UInt8](repeating: 0x61, count: size), to: "chain.pem")
                #expect(kind { try hook.runIfDue(workspace, progress()) } == nil)
                #expect(FileManager.default.fileExists(atPath: folder.path + "/ran") == (size > 0))
                #expect(openFiles(below: workspacePath(workspace) + "/issued").isEmpty)
            }
        }

        /// Files below a folder that this process has open.
        private func openFiles(below folder: String) -> [String] {
            ((try? FileManager.default.contentsOfDirectory(atPath: "/proc/self/fd")) ?? []).compactMap {
                try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/fd/\($0)")
            }.filter { $0.hasPrefix(folder) }
        }

        @Test(arguments: ["cert.pem", "key.pem"]) func noHookWaitsForAPipe(name: String) throws {
            try withHook("touch ran", timeout: 60, without: name) { hook, workspace, folder in
                let pipe = folder.path + "/identity/current/" + name
                #expect(mkfifo(pipe, 0o600) == 0)
                let isOver = DispatchSemaphore(value: 0)
                // Catches a hang alone.
                Thread.detachNewThread {
                    guard isOver.wait(timeout: .now() + 60) == .timedOut else { return }
                    let end = open(pipe, O_RDWR | O_NONBLOCK)
                    write(end, "x", 1)
                }
                #expect(kind { try hook.runIfDue(workspace, progress()) } == nil)
                isOver.signal()
                #expect(!FileManager.default.fileExists(atPath: folder.path + "/ran"))
            }
        }

        /// How it ended, and that it is tried again until it has run well once.
        @Test(arguments: [
            ("exit 3", "ended with exit code 3"), ("exit 255", "ended with exit code 255"),
            ("kill -9 $$", "was ended by signal 9"),
            ("sleep 300", "was ended after 1 s; hook-timeout gives it longer"),
        ]) func aHookThatFailsIsRunAgain(script: String, words: String) throws {
            try withHook("echo >> runs; [ -e well ] || \(script)", timeout: 1) { hook, workspace, folder in
                func runs() throws -> Int { try Data(contentsOf: folder.appending(path: "runs")).count }
                let note = folder.path + "/identity/hook"
                for _ in 1...2 {
                    let failure = try #require(throws: Output.Failure.self) {
                        try hook.runIfDue(workspace, progress())
                    }
                    #expect(failure.exit == .hook)
                    #expect(
                        String(decoding: failure.message, as: UTF8.self)
                            == "the certificate is there, but the hook \(folder.path)/program \(words); it is run again by "
                            + "the next run")
                    #expect(!FileManager.default.fileExists(atPath: note))
                }
                #expect(try runs() == 2)
                _ = try folder.write([], to: "well")
                for _ in 1...2 {
                    try hook.runIfDue(workspace, progress())
                    #expect(try runs() == 3)
                    #expect(try String(contentsOfFile: note, encoding: .utf8) == "0123456789ABCDEF")
                }
            }
        }

        @Test func aHookThatCannotBeStartedIsNamed() throws {
            try withHook("exit 0", timeout: 60) { _, workspace, folder in
                for (program, words) in [
                    ("\(folder.path)/absent", "could not be started: No such file or directory; it is run again"),
                    (
                        "\(folder.path)/program now",
                        "could not be started: No such file or directory (it is the path of a program, without arguments)"
                    ),
                ] {
                    var settings = Settings()
                    _ = settings.set(.hook, Array(program.utf8), from: .commandLine)
                    let hook = try #require(try Hook(settings))
                    #expect(hook.timeout == 60)
                    let failure = try #require(throws: Output.Failure.self) {
                        try hook.runIfDue(workspace, progress())
                    }
                    #expect(String(decoding: failure.message, as: UTF8.self).contains("the hook \(program) \(words)"))
                }
            }
            let none = try Hook(Settings())
            #expect(none == nil)
        }

        /// What the program is told: the event as its one argument and in its environment, and nothing of this process's.
        @Test func theProgramIsToldOfTheEvent() throws {
            try withHook("echo \"$#:$1\" > told; env | sort >> told", timeout: 60) { hook, workspace, folder in
                setenv("SCEP_TEST_SECRET", "x", 1)
                defer { unsetenv("SCEP_TEST_SECRET") }
                try hook.runIfDue(workspace, progress())
                let told = try String(contentsOf: folder.appending(path: "told"), encoding: .utf8).split(
                    separator: "\n"
                )
                .map(String.init)
                let current = workspacePath(workspace) + "/current"
                #expect(told.first == "1:SCEP_EVENT=issued", "\(told)")
                #expect(told.contains("SCEP_DIRECTORY=\(current)"))
                for (name, file) in [
                    ("CERTIFICATE", "cert.pem"), ("FULLCHAIN", "fullchain.pem"), ("CHAIN", "chain.pem"),
                    ("CA", "ca.pem"),
                    ("KEY", "key.pem"),
                ] {
                    #expect(told.contains("SCEP_\(name)=\(current)/\(file)"), "\(name) \(told)")
                }
                #expect(told.contains("SCEP_EVENT=issued"))
                #expect(told.contains("PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"))
                #expect(!told.contains { $0.hasPrefix("SCEP_TEST_SECRET") })
            }
        }

        private func workspacePath(_ workspace: Workspace) -> String {
            String(decoding: workspace.path, as: UTF8.self)
        }

        /// Every path that is named is there.
        @Test(arguments: ["key.pem", "key.uri"]) func noVariableNamesAFileThatIsNotThere(key: String) throws {
            try withHook("env | grep ^SCEP_ > variables", timeout: 60, key: key) { hook, workspace, folder in
                #expect(kind { try hook.runIfDue(workspace, progress()) } == nil)
                let text = try String(contentsOf: folder.appending(path: "variables"), encoding: .utf8)
                var names: [String: String] = [:]
                for line in text.split(separator: "\n") {
                    let parts = line.split(separator: "=", maxSplits: 1)
                    names[String(parts[0])] = String(parts[1])
                }
                for (name, value) in names where value.hasPrefix("/") {
                    #expect(FileManager.default.fileExists(atPath: value), "\(name)")
                }
                #expect((names["SCEP_KEY"] != nil) == (key == "key.pem"))
                #expect(names["SCEP_KEY_URI"] == (key == "key.pem" ? nil : "key.uri"))
            }
        }
    }
}
