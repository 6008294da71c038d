import CLinux
import Foundation

/// A process of its own, for what only a whole process has.
struct Child {
    struct Failure: Error {}

    let process: pid_t
    /// What `body` returned.
    let result: UInt8

    /// Starts a process that runs `body` and then waits for its end. It is forked beside other threads, so that `body` may
    /// call little but the system.
    init(_ body: () -> UInt8) throws {
        var ends: [Int32] = [-1, -1]
        guard linux_pipe(&ends) == 0 else { throw Failure() }
        let process = linux_fork()
        if process == 0 {
            _ = linux_end_with_parent()
            var result = body()
            _ = write(ends[1], &result, 1)
            while true { pause() }
        }
        close(ends[1])
        defer { close(ends[0]) }
        var result: UInt8 = 0
        let isThere = process > 0 && read(ends[0], &result, 1) == 1
        self.process = process
        self.result = result
        if !isThere {
            if process > 0 { end() }
            throw Failure()
        }
    }

    func end() {
        kill(process, SIGKILL)
        while waitpid(process, nil, 0) < 0, errno == EINTR {}
    }

    /// A file of /proc about the process.
    func about(_ name: String) throws -> String {
        try String(contentsOfFile: "/proc/\(process)/\(name)", encoding: .utf8)
    }
}

/// Files that this process has open.
func openFileCount() -> Int { (0..<1024).count { fcntl($0, F_GETFD) >= 0 } }

/// Whether this process has none that it made, be it one that has ended and was not waited for.
func isWithoutChildren() -> Bool { waitpid(-1, nil, WNOHANG) == -1 && errno == ECHILD }
