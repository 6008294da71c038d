import Board
import CLinux
import Foundation
import PretendedSystem
import TestSupport
import Testing

@testable import LinuxBoard

@Suite struct ResolverTests {
    /// Whether DNS denies a name, or only did not answer (getaddrinfo(3)).
    @Test(
        arguments: [
            (0, nil), (EAI_NONAME, .nameUnknown), (EAI_AGAIN, .nameUnresolved), (EAI_FAIL, .nameUnresolved),
            (EAI_SYSTEM, .nameUnresolved), (EAI_MEMORY, .exhausted), (EAI_FAMILY, .nameUnknown), (-5, .nameUnknown),
        ] as [(Int32, TransportError?)])
    func silenceIsNoDenial(status: Int32, error: TransportError?) {
        #expect(TransportError(resolving: status) == error)
    }

    private static func resolve(_ host: String, deadline: UInt64) throws(TransportError) -> Addresses {
        let name = Array(host.utf8)
        let clock = SystemClock()
        return try Resolver.resolve(name.span, 80, clock: clock, deadline: clock.uptime + deadline)
    }

    /// A pipe by which processes that ask for a name say which they are.
    private struct Witness {
        let reading: Int32
        let writing: Int32

        init() {
            var ends: [Int32] = [-1, -1]
            #expect(linux_pipe(&ends) == 0)
            (reading, writing) = (ends[0], ends[1])
        }

        func close() {
            Foundation.close(reading)
            Foundation.close(writing)
        }

        /// The next process.
        ///
        /// - Parameter waits: or else nil if there was none yet.
        func process(waits: Bool) -> pid_t? {
            _ = fcntl(reading, F_SETFL, waits ? 0 : O_NONBLOCK)
            var process: pid_t = 0
            return read(reading, &process, 4) == 4 ? process : nil
        }
    }

    @Test func anAddressTakesNoProcess() throws {
        let witness = Witness()
        defer { witness.close() }
        for (address, family) in [("127.0.0.1", AF_INET), ("::1", AF_INET6)] {
            let found = try withNames(standingFor: [], witness: witness.writing) {
                try Self.resolve(address, deadline: 600_000)
            }
            #expect(found.count == 1 && found.list[0].family == family)
        }
        #expect(witness.process(waits: false) == nil)
    }

    /// In the resolver's order, and no more than four.
    @Test func allAddressesOfANameAreFound() throws {
        for count in 1...6 {
            let names = (1...count).map { $0 == 2 ? "::1" : "127.0.0.\($0)" }
            let found = try withNames(standingFor: names) { try Self.resolve("ca.example", deadline: 600_000) }
            #expect(found.count == min(count, 4))
            for index in 0..<found.count { #expect(found.list[index].family == (index == 1 ? AF_INET6 : AF_INET)) }
        }
    }

    @Test(arguments: ["", "a\0b", String(repeating: "a", count: 256)]) func whatIsNoNameIsNotAskedFor(host: String) {
        #expect(throws: TransportError.nameUnknown) {
            try withNames(standingFor: ["127.0.0.1"]) { try Self.resolve(host, deadline: 600_000) }
        }
    }

    private final class Outcome: @unchecked Sendable {
        var error: TransportError?
    }

    /// getaddrinfo cannot be stopped; the process that calls it can, and is.
    @Test func aSilentNameServerKeepsNobodyAfterTheDeadline() throws {
        let witness = Witness()
        defer { witness.close() }
        var helper: pid_t?
        var deadline: UInt64 = 100
        // A process that did not come so far in its time is no witness.
        while helper == nil {
            let outcome = Outcome()
            let isEnded = DispatchSemaphore(value: 0)
            let (time, writing) = (deadline, witness.writing)
            Thread.detachNewThread {
                withNames(standingFor: [], witness: writing) {
                    do throws(TransportError) {
                        _ = try Self.resolve("ca.example", deadline: time)
                    } catch {
                        outcome.error = error
                    }
                }
                isEnded.signal()
            }
            // Catches a hang alone.
            let hangs = isEnded.wait(timeout: .now() + 60) == .timedOut
            helper = witness.process(waits: false)
            if hangs {
                Issue.record("it waits for the name server")
                if let helper { kill(helper, SIGKILL) }
                isEnded.wait()
                return
            }
            #expect(outcome.error == .timedOut)
            deadline *= 2
        }
        let process = try #require(helper)
        // Neither runs nor waits to be waited for.
        #expect(kill(process, 0) != 0 && errno == ESRCH)
    }

    /// Nobody is left who asks for a program that was ended meanwhile.
    @Test func theProcessThatAsksEndsWithTheProgram() throws {
        let witness = Witness()
        defer { witness.close() }
        let program = linux_fork()
        if program == 0 {
            withNames(standingFor: [], witness: witness.writing) {
                _ = try? Self.resolve("ca.example", deadline: 600_000)
            }
            _exit(0)
        }
        let helper = try #require(witness.process(waits: true))
        #expect(helper != program)
        kill(program, SIGKILL)
        while waitpid(program, nil, 0) < 0, errno == EINTR {}
        // Whoever is its parent now may not wait for it.
        func isRunning() -> Bool {
            guard let stat = try? String(contentsOfFile: "/proc/\(helper)/stat", encoding: .utf8) else { return false }
            return !stat.contains(") Z ") && !stat.contains(") X ")
        }
        for _ in 0..<60_000 where isRunning() { usleep(1000) }
        #expect(!isRunning())
        if isRunning() { kill(helper, SIGKILL) }
    }

    /// The shortest name is one, and the longest there is in DNS; that a letter of it is of no ASCII is for the system to check.
    @Test(arguments: ["a", String(repeating: "a", count: 255), "\u{E4}.example"]) func whatMayBeANameIsAskedFor(
        host: String
    )
        throws
    {
        let found = try withNames(standingFor: ["127.0.0.1"]) { try Self.resolve(host, deadline: 600_000) }
        #expect(found.count == 1)
    }

    /// Who stands for nothing that is an address.
    @Test func aNameWithoutAnAddressIsUnknown() {
        #expect(throws: TransportError.nameUnknown) {
            try withNames(standingFor: ["no address"]) { try Self.resolve("ca.example", deadline: 600_000) }
        }
    }

    /// Also where another process has asked.
    @Test(
        arguments: [
            (EAI_NONAME, .nameUnknown), (EAI_AGAIN, .nameUnresolved), (EAI_FAIL, .nameUnresolved),
            (EAI_MEMORY, .exhausted),
        ] as [(Int32, TransportError)])
    func whatIsSaidOfANameIsTold(status: Int32, error: TransportError) {
        #expect(throws: error) {
            try withNames(standingFor: [], status: status) { try Self.resolve("ca.example", deadline: 600_000) }
        }
    }

    /// A process that the system ended, for want of memory say.
    @Test func aProcessThatDiesLeavesTheNameUnresolved() throws {
        let witness = Witness()
        defer { witness.close() }
        let outcome = Outcome()
        let isOver = DispatchSemaphore(value: 0)
        let writing = witness.writing
        Thread.detachNewThread {
            withNames(standingFor: [], witness: writing) {
                do throws(TransportError) {
                    _ = try Self.resolve("ca.example", deadline: 600_000)
                } catch {
                    outcome.error = error
                }
            }
            isOver.signal()
        }
        let helper = try #require(witness.process(waits: true))
        kill(helper, SIGKILL)
        isOver.wait()
        #expect(outcome.error == .nameUnresolved)
    }

    /// Nothing is left of it: no process to wait for, and no file.
    @Test func nothingIsLeftOfAQuestion() throws {
        let child = try withNames(standingFor: ["127.0.0.1"]) {
            try Child {
                let before = openFileCount()
                // A signal may come while it is waited for.
                for outcomes in [[], [.interrupted], [.interrupted, .interrupted]] as [[PretendedOutcome]] {
                    let isFound = pretending(outcomes, of: .waitpid) {
                        (try? Self.resolve("ca.example", deadline: 600_000)) != nil && pretendedOutcomesLeft() == 0
                    }
                    guard isFound else { return 1 }
                }
                guard openFileCount() == before else { return 2 }
                return isWithoutChildren() ? 0 : 3
            }
        }
        child.end()
        #expect(child.result == 0)
    }

    /// Nor any memory of what the system found: no address each time, which takes more than 32 bytes. What the allocator has
    /// for itself is less.
    @Test func noMemoryIsKeptOfAnAnswer() throws {
        let kept = try heapKept { _ = try Self.resolve("127.0.0.1", deadline: 600_000) }
        #expect(kept < 32)
    }

    /// A program that was started with SIGCHLD ignored has nobody to wait for (waitpid(2), ECHILD).
    @Test func whoCannotBeWaitedForIsNotWaitedFor() throws {
        let witness = Witness()
        defer { witness.close() }
        try withNames(standingFor: ["127.0.0.1"], witness: witness.writing) {
            try pretending([.fails(ECHILD), .fails(ECHILD)], of: .waitpid) {
                let found = try Self.resolve("ca.example", deadline: 600_000)
                #expect(found.count == 1 && pretendedOutcomesLeft() == 1)
            }
        }
        let helper = try #require(witness.process(waits: true))
        while waitpid(helper, nil, 0) < 0, errno == EINTR {}
    }

    /// Without a file to spare nobody can be asked, which says nothing of the name.
    @Test func whereNoFileMayBeOpenedItIsExhausted() throws {
        let child = try withNames(standingFor: ["127.0.0.1"]) {
            try Child {
                var limit = rlimit(rlim_cur: 0, rlim_max: 0)
                setrlimit(.init(RLIMIT_NOFILE.rawValue), &limit)
                do throws(TransportError) {
                    _ = try Self.resolve("ca.example", deadline: 600_000)
                    return 1
                } catch {
                    return error == .exhausted ? 0 : 2
                }
            }
        }
        child.end()
        #expect(child.result == 0)
    }
}
