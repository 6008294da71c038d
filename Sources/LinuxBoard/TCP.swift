import Board
import CLinux

/// One TCP connection over a socket.
public struct TCP: Transport, ~Copyable {
    private let clock: SystemClock
    private var descriptor: Int32 = -1

    public init(clock: SystemClock) {
        self.clock = clock
    }

    /// Tries the host's addresses in the resolver's order, each with an equal part of the time that is left.
    public mutating func connect(host: Span<UInt8>, port: UInt16, deadline: UInt64) throws(TransportError) {
        close()
        let addresses = try Resolver.resolve(host, port, clock: clock, deadline: deadline)
        var failure = TransportError.nameUnknown
        for index in 0..<addresses.count {
            let now = clock.uptime
            guard now < deadline else { throw .timedOut }
            let share = (deadline &- now) / UInt64(addresses.count &- index)
            do throws(TransportError) {
                return try connect(addresses.list[index], deadline: now &+ share)
            } catch {
                close()
                // A far side that refuses says more than an address family that this machine has no route for.
                if index == 0 || error != .unreachable && error != .noAddress { failure = error }
            }
        }
        throw failure
    }

    private mutating func connect(_ address: Address, deadline: UInt64) throws(TransportError) {
        descriptor = linux_tcp_socket(address.family)
        guard descriptor >= 0 else { throw TransportError(errno: linux_errno()) }
        // Requests leave in few pieces, none of which should wait for an acknowledgement of the one before.
        var on: Int32 = 1
        _ = unsafe setsockopt(descriptor, Int32(IPPROTO_TCP), TCP_NODELAY, &on, socklen_t(MemoryLayout<Int32>.size))
        if address.connect(descriptor) == 0 { return }
        // A call that a signal interrupts goes on connecting all the same.
        guard linux_errno() == EINPROGRESS || linux_errno() == EINTR else {
            throw TransportError(errno: linux_errno())
        }
        try wait(for: POLLOUT, deadline)
        var error: Int32 = 0
        var size = socklen_t(MemoryLayout<Int32>.size)
        guard unsafe getsockopt(descriptor, SOL_SOCKET, SO_ERROR, &error, &size) == 0 else { throw .reset }
        guard error == 0 else { throw TransportError(errno: error) }
    }

    public mutating func send(_ bytes: Span<UInt8>, deadline: UInt64) throws(TransportError) {
        var rest = bytes
        while !rest.isEmpty {
            let count = unsafe rest.withUnsafeBytes { unsafe linux_send(descriptor, $0.baseAddress, $0.count) }
            if count >= 0 {
                rest = rest.extracting(droppingFirst: count)
            } else {
                try waitIfNotReady(POLLOUT, deadline)
            }
        }
    }

    public mutating func receive(into buffer: inout MutableSpan<UInt8>, deadline: UInt64) throws(TransportError) -> Int
    {
        while true {
            let count = unsafe buffer.withUnsafeMutableBytes { unsafe read(descriptor, $0.baseAddress, $0.count) }
            if count >= 0 { return count }
            try waitIfNotReady(POLLIN, deadline)
        }
    }

    public mutating func close() {
        guard descriptor >= 0 else { return }
        _ = CLinux.close(descriptor)
        descriptor = -1
    }

    /// After a call that failed: waits if that is all that it takes to try again.
    private func waitIfNotReady(_ event: Int32, _ deadline: UInt64) throws(TransportError) {
        switch linux_errno() {
        case EAGAIN: try wait(for: event, deadline)
        case EINTR: break
        case let error: throw TransportError(errno: error)
        }
    }

    private func wait(for event: Int32, _ deadline: UInt64) throws(TransportError) {
        guard waitUntilReady(descriptor, event, clock: clock, deadline: deadline) else { throw .timedOut }
    }
}

/// Waits until the descriptor can be read (`POLLIN`) or written (`POLLOUT`), or has failed.
///
/// - Returns: false when the deadline passed first.
func waitUntilReady(_ descriptor: Int32, _ event: Int32, clock: SystemClock, deadline: UInt64) -> Bool {
    var entry = pollfd(fd: descriptor, events: Int16(event), revents: 0)
    while true {
        let now = clock.uptime
        guard now < deadline else { return false }
        let milliseconds = Int32(truncatingIfNeeded: min(deadline &- now, 60_000))
        if unsafe poll(&entry, 1, milliseconds) > 0 { return true }
    }
}

extension TransportError {
    init(errno: Int32) {
        switch errno {
        case ECONNREFUSED: self = .refused
        case ENETDOWN, EADDRNOTAVAIL: self = .noAddress
        // A firewall of this machine says EPERM or EACCES.
        case ENETUNREACH, EHOSTUNREACH, EHOSTDOWN, EAFNOSUPPORT, EPERM, EACCES: self = .unreachable
        case ETIMEDOUT: self = .timedOut
        case EMFILE, ENFILE, ENOBUFS, ENOMEM: self = .exhausted
        default: self = .reset
        }
    }
}
