import CLinux
import Foundation
import LinuxBoard
import Testing

/// What the system says of a process that protects itself, and of one that does not.
@Suite struct ProcessTests {
    private typealias Control = @convention(c) (Int32, UInt, UInt, UInt, UInt) -> Int32

    @Test(arguments: [false, true]) func secretsInMemoryAreForNobody(isProtected: Bool) throws {
        // prctl takes a variable number of arguments.
        let control = try #require(unsafeBitCast(dlsym(nil, "prctl"), to: Control?.self))
        var limit = rlimit()
        getrlimit(.init(RLIMIT_CORE.rawValue), &limit)
        limit.rlim_cur = limit.rlim_max
        let child = try Child {
            // As debuggers and core files like it.
            _ = control(PR_SET_DUMPABLE, 1, 0, 0, 0)
            setrlimit(.init(RLIMIT_CORE.rawValue), &limit)
            signal(SIGPIPE, SIG_DFL)
            if isProtected { LinuxBoard.Process.protect() }
            return UInt8(truncatingIfNeeded: control(PR_GET_DUMPABLE, 0, 0, 0, 0))
        }
        defer { child.end() }
        #expect(child.result == (isProtected ? 0 : 1))
        let limits = try child.about("limits").split(separator: "\n").first { $0.hasPrefix("Max core file size") }
        let words = try #require(limits).split(separator: " ")
        // Neither this process nor one that it starts may have it otherwise again.
        if isProtected { #expect(words[4] == "0" && words[5] == "0", "\(words)") }
        if !isProtected && limit.rlim_max > 0 { #expect(words[4] != "0", "\(words)") }
        let status = try child.about("status").split(separator: "\n").first { $0.hasPrefix("SigIgn:") }
        let signals = try #require(status).split(separator: "\t")
        let ignored = try #require(UInt64(signals[1], radix: 16))
        #expect((ignored >> UInt64(SIGPIPE - 1) & 1 == 1) == isProtected)
    }
}
