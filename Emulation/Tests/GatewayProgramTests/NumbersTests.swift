import Emulator
import Foundation
import Glibc
import Testing

/// The figures that Docs/Gateway.md states of the gateway's program; `make gateway-numbers` prints them.
@Suite(.serialized) struct NumbersTests {
    /// Peak resident memory of an enrolment over HTTP with RSA-2048, the greater of the program's and its helpers'.
    @Test(arguments: Kind.chosen(from: [Kind.amd64, .staticAMD64]))
    func peakMemoryOfAnEnrolment(kind: Kind) async throws {
        try await withAuthority { server in
            try await Gateway.with(kind) { gateway in
                try gateway.configure(for: server)
                let outcome = try await gateway.shell("/usr/bin/time -o peak -f %M $SCEP enroll -f scep.conf")
                #expect(outcome.ending == .exited(0), "\(outcome)")
                let peak = try #require(Int(try gateway.read("peak").trimmingCharacters(in: .whitespacesAndNewlines)))
                print("gateway: \(kind.rawValue): peak resident memory of an enrolment \(peak) KiB of 4096")
                #expect(peak <= 4096)
            }
        }
    }

    /// From before the program is started until its first byte is there to be read: the median of twenty. Among other tests
    /// it is held against what `openssl version` takes from start to end at the same time; the limit of 5 ms is for a machine
    /// that has nothing else to do, where `make gateway-numbers` holds it.
    @Test(arguments: Kind.chosen(from: [Kind.amd64, .staticAMD64]))
    func startToFirstByte(kind: Kind) throws {
        var times: [Duration] = []
        var yardstick: [Duration] = []
        for _ in 0..<20 {
            times.append(try firstByte(of: kind))
            yardstick.append(try run("/usr/bin/openssl", "version"))
        }
        let (median, other) = (times.sorted()[10], yardstick.sorted()[10])
        print(
            "gateway: \(kind.rawValue): start to first byte \(microseconds(median)) µs of 5000, median of 20;"
                + " openssl version: \(microseconds(other)) µs")
        if ProcessInfo.processInfo.environment["IS_IDLE"] != nil { #expect(median < .milliseconds(5)) }
        #expect(try #require(times.min()) < #require(yardstick.min()) * 3)
    }

    private func microseconds(_ duration: Duration) -> Int64 {
        duration.components.attoseconds / 1_000_000_000_000 + duration.components.seconds * 1_000_000
    }

    /// - Returns: from start to end.
    private func run(_ arguments: String...) throws -> Duration {
        let begun = ContinuousClock.now
        let child = try spawn(arguments)
        waitpid(child, nil, 0)
        return ContinuousClock.now - begun
    }

    private func spawn(_ arguments: [String]) throws -> pid_t {
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        posix_spawn_file_actions_addopen(&actions, STDOUT_FILENO, "/dev/null", O_WRONLY, 0)
        var pointers: [UnsafeMutablePointer<CChar>?] = arguments.map { strdup($0) } + [nil]
        defer { pointers.forEach { free($0) } }
        var child = pid_t()
        try #require(posix_spawn(&child, arguments[0], &actions, nil, &pointers, environ) == 0)
        return child
    }

    private func firstByte(of kind: Kind) throws -> Duration {
        let listener = socket(AF_INET, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
        defer { close(listener) }
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_addr.s_addr = inet_addr("127.0.0.1")
        var size = socklen_t(MemoryLayout<sockaddr_in>.size)
        let isBound = withUnsafeMutablePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                bind(listener, $0, size) == 0 && listen(listener, 1) == 0 && getsockname(listener, $0, &size) == 0
            }
        }
        try #require(isBound)
        let url = "http://127.0.0.1:\(UInt16(bigEndian: address.sin_port))/scep"
        let command = try kind.command + ["caps", url, "-q", "-t", "1"]
        let begun = ContinuousClock.now
        let child = try spawn(command)
        let connection = accept(listener, nil, nil)
        defer { close(connection) }
        var byte: UInt8 = 0
        try #require(read(connection, &byte, 1) == 1)
        let elapsed = ContinuousClock.now - begun
        kill(child, SIGKILL)
        waitpid(child, nil, 0)
        return elapsed
    }
}
