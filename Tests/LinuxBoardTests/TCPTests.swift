import Board
import Foundation
import PretendedSystem
import TestSupport
import Testing

@testable import LinuxBoard

/// Connections to sockets of the test's own.
@Suite struct TCPTests {
    /// As of a board that has run for eleven days.
    private static nonisolated(unsafe) let clock = unsafe unsafeBitCast(
        unsafeBitCast(SystemClock(), to: UInt64.self) &- 1_000_000_000, to: SystemClock.self)
    /// Catches a hang alone.
    private static var longDeadline: UInt64 { clock.uptime + 600_000 }

    /// Connects to a name, and hands on what came of it.
    private func connect(
        to addresses: [String], _ port: UInt16, within milliseconds: UInt64 = 600_000,
        _ body: (inout TCP) throws -> Void = { _ in }
    ) throws -> TransportError? {
        let host = Array("ca.example".utf8)
        var tcp = TCP(clock: Self.clock)
        defer { tcp.close() }
        do throws(TransportError) {
            try withNames(standingFor: addresses) { () throws(TransportError) in
                try tcp.connect(host: host.span, port: port, deadline: Self.clock.uptime + milliseconds)
            }
        } catch {
            return error
        }
        try body(&tcp)
        return nil
    }

    private func receive(_ tcp: inout TCP, deadline: UInt64 = longDeadline) throws(TransportError) -> [UInt8] {
        var bytes = [UInt8](repeating: 0, count: 64)
        var buffer = bytes.mutableSpan
        let count = try tcp.receive(into: &buffer, deadline: deadline)
        return Array(bytes.prefix(count))
    }

    @Test(arguments: [["127.0.0.2"], ["127.0.0.1", "127.0.0.2"], ["127.0.0.1", "127.0.0.3", "127.0.0.2"]])
    func whoeverRefusesIsPassedOver(addresses: [String]) throws {
        let server = try Listener("127.0.0.2", refusingAt: ["127.0.0.1", "127.0.0.3"])
        defer { server.close() }
        let error = try connect(to: addresses, server.port) { tcp in
            try tcp.send(Array("hello".utf8).span, deadline: Self.longDeadline)
            let peer = server.accept()
            defer { close(peer) }
            var bytes = [UInt8](repeating: 0, count: 5)
            #expect(recv(peer, &bytes, 5, Int32(MSG_WAITALL)) == 5)
            #expect(bytes == Array("hello".utf8))
        }
        #expect(error == nil)
    }

    @Test func whereNobodyListensItSaysSo() throws {
        let server = try Listener("127.0.0.2", refusingAt: ["127.0.0.1", "127.0.0.3"])
        defer { server.close() }
        #expect(try connect(to: ["127.0.0.1"], server.port) == .refused)
        #expect(try connect(to: ["127.0.0.1", "127.0.0.3"], server.port) == .refused)
    }

    /// An address that does not answer leaves time for the next. It may take more than the first trial where the machine is
    /// busy; what gives the first address everything never comes to the second.
    @Test func aSilentAddressLeavesTimeForTheNext() throws {
        let server = try Listener("127.0.0.2", refusingAt: ["127.0.0.1"])
        defer { server.close() }
        let silent = server.others[0]
        #expect(listen(silent.descriptor, 0) == 0)
        let queue = silent.fill()
        defer { for socket in queue { close(socket) } }
        #expect(try connect(to: ["127.0.0.1"], server.port, within: 100) == .timedOut)
        let isReached = try [1000, 4000, 16_000].contains { time in
            try connect(to: ["127.0.0.1", "127.0.0.2"], server.port, within: time) { _ in close(server.accept()) }
                == nil
        }
        #expect(isReached)
    }

    /// The last one has all the time that is left.
    @Test func silentAddressesTakeAllOfTheTime() throws {
        let silent = try Listener("127.0.0.1", backlog: 0)
        defer { silent.close() }
        let queue = silent.fill()
        defer { for socket in queue { close(socket) } }
        let begin = ContinuousClock.now
        #expect(try connect(to: ["127.0.0.1", "127.0.0.1"], silent.port, within: 300) == .timedOut)
        // Both ends are cut to milliseconds.
        #expect(begin.duration(to: .now) >= .milliseconds(299))
    }

    @Test func silenceEndsAtTheDeadline() throws {
        let server = try Listener("127.0.0.1")
        defer { server.close() }
        let error = try connect(to: ["127.0.0.1"], server.port) { tcp in
            let begin = ContinuousClock.now
            #expect(throws: TransportError.timedOut) { try receive(&tcp, deadline: Self.clock.uptime + 50) }
            #expect(begin.duration(to: .now) >= .milliseconds(49))
            // What comes later is not lost.
            let peer = server.accept()
            defer { close(peer) }
            #expect(Foundation.send(peer, "late", 4, 0) == 4)
            let bytes = try receive(&tcp)
            #expect(bytes == Array("late".utf8))
        }
        #expect(error == nil)
    }

    /// A stream that ends, and one that is broken off, are two things.
    @Test(arguments: [false, true]) func anEndIsNoBreak(isBroken: Bool) throws {
        let server = try Listener("127.0.0.1")
        defer { server.close() }
        let error = try connect(to: ["127.0.0.1"], server.port) { tcp in
            let peer = server.accept()
            // Closing then sends RST (socket(7)).
            var linger = linger(l_onoff: isBroken ? 1 : 0, l_linger: 0)
            setsockopt(peer, SOL_SOCKET, SO_LINGER, &linger, socklen_t(MemoryLayout.size(ofValue: linger)))
            close(peer)
            if isBroken {
                #expect(throws: TransportError.reset) { try receive(&tcp) }
            } else {
                let bytes = try receive(&tcp)
                #expect(bytes.isEmpty)
            }
        }
        #expect(error == nil)
    }

    /// More than the system takes at once waits for the reader, and arrives whole.
    @Test func whatDoesNotFitWaits() throws {
        let server = try Listener("127.0.0.1")
        defer { server.close() }
        let content = (0..<(8 << 20)).map { UInt8(truncatingIfNeeded: $0 >> 8 ^ $0) }
        let error = try connect(to: ["127.0.0.1"], server.port) { tcp in
            let peer = server.accept()
            // Nobody reads: there is an end to what is taken.
            #expect(throws: TransportError.timedOut) {
                for _ in 0..<8 { try tcp.send(content.span, deadline: Self.clock.uptime + 20) }
            }
            close(peer)
        }
        #expect(error == nil)
        let again = try connect(to: ["127.0.0.1"], server.port) { tcp in
            let peer = FileHandle(fileDescriptor: server.accept(), closeOnDealloc: true)
            let isRead = DispatchSemaphore(value: 0)
            nonisolated(unsafe) var received = Data()
            Thread.detachNewThread {
                received = peer.readDataToEndOfFile()
                isRead.signal()
            }
            try tcp.send(content.span, deadline: Self.longDeadline)
            tcp.close()
            isRead.wait()
            #expect(received == Data(content))
        }
        #expect(again == nil)
    }

    /// The broadcast address of the loopback, which no TCP goes to (ENETUNREACH): who refuses says more, wherever it stands.
    @Test func whoeverRefusesSaysMoreThanWhoIsOutOfReach() throws {
        let server = try Listener("127.0.0.2", refusingAt: ["127.0.0.1", "127.0.0.3"])
        defer { server.close() }
        let nowhere = "127.255.255.255"
        for (addresses, error) in [
            ([nowhere], .unreachable), ([nowhere, nowhere], .unreachable), (["127.0.0.1", nowhere], .refused),
            ([nowhere, "127.0.0.1"], .refused), ([nowhere, "127.0.0.1", nowhere], .refused),
            ([nowhere, "127.0.0.2"], nil),
        ] as [([String], TransportError?)] {
            #expect(try connect(to: addresses, server.port) == error, "\(addresses)")
        }
    }

    /// So does it more than an address that this machine has none of its kind to come from (connect(2), EADDRNOTAVAIL).
    @Test func whoeverRefusesSaysMoreThanWhoHasNoWay() throws {
        let server = try Listener("127.0.0.2", refusingAt: ["127.0.0.1", "127.0.0.3"])
        defer { server.close() }
        let none = PretendedOutcome.fails(EADDRNOTAVAIL)
        for (outcomes, error) in [
            ([.itsOwn, none], .refused), ([none, .itsOwn], .refused), ([none, none], .noAddress),
        ] as [([PretendedOutcome], TransportError)] {
            let told = try pretending(outcomes, of: .connect) {
                try connect(to: ["127.0.0.1", "127.0.0.3"], server.port)
            }
            #expect(told == error, "\(outcomes)")
        }
    }

    /// However often it is tried, and no other file is closed in its place.
    @Test func nothingIsLeftOfAConnection() throws {
        let server = try Listener("127.0.0.2", refusingAt: ["127.0.0.1", "127.0.0.3"])
        defer { server.close() }
        let child = try withNames(standingFor: ["127.0.0.1", "127.0.0.3", "127.0.0.1"]) {
            try Child {
                let host: InlineArray<10, UInt8> = [0x63, 0x61, 0x2E, 0x65, 0x78, 0x61, 0x6D, 0x70, 0x6C, 0x65]
                for standard in 0...STDERR_FILENO { dup2(server.descriptor, standard) }
                let before = openFileCount()
                var tcp = TCP(clock: Self.clock)
                tcp.close()
                guard openFileCount() == before else { return 1 }
                for _ in 0..<3 {
                    if (try? tcp.connect(host: host.span, port: server.port, deadline: Self.longDeadline)) != nil {
                        return 2
                    }
                }
                guard openFileCount() == before else { return 3 }
                // What has the number that the socket had.
                let other = dup(server.descriptor)
                tcp.close()
                return fcntl(other, F_GETFD) >= 0 && openFileCount() == before + 1 ? 0 : 4
            }
        }
        child.end()
        #expect(child.result == 0)
    }

    /// A program that was started without a standard input has its number to give.
    @Test func aSocketMayHaveAnyNumber() throws {
        let server = try Listener("127.0.0.1")
        defer { server.close() }
        let child = try Child {
            close(STDIN_FILENO)
            let host: InlineArray<9, UInt8> = [0x31, 0x32, 0x37, 0x2E, 0x30, 0x2E, 0x30, 0x2E, 0x31]
            var tcp = TCP(clock: Self.clock)
            guard (try? tcp.connect(host: host.span, port: server.port, deadline: Self.longDeadline)) != nil else {
                return 1
            }
            guard fcntl(STDIN_FILENO, F_GETFD) >= 0 else { return 2 }
            tcp.close()
            return fcntl(STDIN_FILENO, F_GETFD) < 0 ? 0 : 3
        }
        child.end()
        #expect(child.result == 0)
    }

    /// What is there already is nothing to wait for any more, at the deadline itself.
    @Test func theDeadlineItselfIsTooLate() throws {
        let server = try Listener("127.0.0.1")
        defer { server.close() }
        let queue = server.fill()
        defer { for socket in queue { close(socket) } }
        let clock = SystemClock()
        #expect(waitUntilReady(server.descriptor, Int32(POLLIN), clock: clock, deadline: clock.uptime + 600_000))
        for _ in 0..<1000 {
            #expect(!waitUntilReady(server.descriptor, Int32(POLLIN), clock: clock, deadline: clock.uptime))
        }
    }

    /// Not even to who would answer at once.
    @Test func nobodyIsAskedAfterTheDeadline() throws {
        let server = try Listener("127.0.0.1")
        defer { server.close() }
        let host = Array("127.0.0.1".utf8)
        var tcp = TCP(clock: Self.clock)
        defer { tcp.close() }
        // At the deadline itself as long as the millisecond is the same, which it is most of the times.
        for late in [1, 1000] + [UInt64](repeating: 0, count: 100) {
            #expect(throws: TransportError.timedOut) {
                try tcp.connect(host: host.span, port: server.port, deadline: Self.clock.uptime - late)
            }
        }
        var entry = pollfd(fd: server.descriptor, events: Int16(POLLIN), revents: 0)
        #expect(poll(&entry, 1, 0) == 0)
        // Waiting has an end too where it is over already.
        try tcp.connect(host: host.span, port: server.port, deadline: Self.longDeadline)
        #expect(throws: TransportError.timedOut) { try receive(&tcp, deadline: 0) }
    }

    /// Sockets of this process that are connected to a port of this machine.
    private func sockets(to port: UInt16) -> [Int32] {
        (0..<4096).filter { descriptor in
            var address = sockaddr_in()
            var size = socklen_t(MemoryLayout<sockaddr_in>.size)
            return withUnsafeMutableBytes(of: &address) { bytes in
                guard let address = bytes.baseAddress?.assumingMemoryBound(to: sockaddr.self) else { return false }
                return getpeername(descriptor, address, &size) == 0
            } && address.sin_family == sa_family_t(AF_INET) && address.sin_port == port.bigEndian
        }
    }

    /// What the kernel has of the socket: small pieces are not held back (tcp(7)), and no other program inherits it.
    @Test func theSocketIsAsItShouldBe() throws {
        let server = try Listener("127.0.0.1")
        defer { server.close() }
        let error = try connect(to: ["127.0.0.1"], server.port) { tcp in
            let sockets = sockets(to: server.port)
            try #require(sockets.count == 1)
            var value: Int32 = 0
            var size = socklen_t(MemoryLayout<Int32>.size)
            #expect(getsockopt(sockets[0], Int32(IPPROTO_TCP), TCP_NODELAY, &value, &size) == 0 && value != 0)
            #expect(fcntl(sockets[0], F_GETFD) & FD_CLOEXEC != 0)
        }
        #expect(error == nil)
        #expect(sockets(to: server.port).isEmpty)
    }

    /// One at a time: the one before is over for the far side too.
    @Test func aNewConnectionEndsTheOneBefore() throws {
        let server = try Listener("127.0.0.1")
        defer { server.close() }
        let host = Array("127.0.0.1".utf8)
        var tcp = TCP(clock: Self.clock)
        var peers: [Int32] = []
        defer { for peer in peers { close(peer) } }
        for _ in 0..<3 {
            try tcp.connect(host: host.span, port: server.port, deadline: Self.longDeadline)
            peers.append(server.accept())
            #expect(sockets(to: server.port).count == 1)
        }
        tcp.close()
        tcp.close()
        for peer in peers {
            var byte: UInt8 = 0
            #expect(recv(peer, &byte, 1, 0) == 0)
        }
        #expect(throws: TransportError.reset) { try receive(&tcp) }
        // Nor does a trial that failed leave one.
        let nobody = try Listener("127.0.0.1", backlog: nil)
        defer { nobody.close() }
        #expect(throws: TransportError.refused) {
            try tcp.connect(host: host.span, port: nobody.port, deadline: Self.longDeadline)
        }
        #expect(throws: TransportError.reset) { try tcp.send(host.span, deadline: Self.longDeadline) }
    }

    /// To a far side that has broken off.
    @Test func whatCannotBeSentIsTold() throws {
        let server = try Listener("127.0.0.1")
        defer { server.close() }
        let error = try connect(to: ["127.0.0.1"], server.port) { tcp in
            let peer = server.accept()
            var linger = linger(l_onoff: 1, l_linger: 0)
            setsockopt(peer, SOL_SOCKET, SO_LINGER, &linger, socklen_t(MemoryLayout.size(ofValue: linger)))
            close(peer)
            let content = [UInt8](repeating: 1, count: 100)
            #expect(throws: TransportError.reset) {
                for _ in 0..<3 { try tcp.send(content.span, deadline: Self.longDeadline) }
            }
        }
        #expect(error == nil)
    }

    @Test(
        arguments: [
            (ECONNREFUSED, .refused), (ENETDOWN, .noAddress), (EADDRNOTAVAIL, .noAddress), (ENETUNREACH, .unreachable),
            (EHOSTUNREACH, .unreachable), (EAFNOSUPPORT, .unreachable), (EACCES, .unreachable), (EPERM, .unreachable),
            (ETIMEDOUT, .timedOut), (EMFILE, .exhausted), (ENOBUFS, .exhausted), (ECONNRESET, .reset), (EPIPE, .reset),
            (EHOSTDOWN, .unreachable), (ENFILE, .exhausted), (ENOMEM, .exhausted), (EBADF, .reset),
        ] as [(Int32, TransportError)])
    func whatTheSystemSaysHasAWord(number: Int32, error: TransportError) {
        #expect(TransportError(errno: number) == error)
    }
}
