import Foundation
import Glibc
import Interference

/// A TCP socket of 127.0.0.1 that blocks, for as long as its limit at most.
public struct Socket: Sendable, Hashable {
    let descriptor: Int32

    public enum End: Error, Equatable {
        case timedOut
        case reset
        case refused
    }

    private init() throws {
        descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
        guard descriptor >= 0 else { throw POSIXError(.EMFILE) }
    }

    private init(accepted descriptor: Int32) { self.descriptor = descriptor }

    /// A listening socket, and its port; 0 takes a free one.
    static func listening(on port: UInt16 = 0) throws -> (Socket, port: UInt16) {
        let listener = try Socket()
        var address = loopback(port)
        var length = socklen_t(MemoryLayout<sockaddr_in>.size)
        let bound = withUnsafeMutablePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                bind(listener.descriptor, $0, length) == 0 && listen(listener.descriptor, 64) == 0
                    && getsockname(listener.descriptor, $0, &length) == 0
            }
        }
        guard bound else {
            listener.close()
            throw POSIXError(.EADDRINUSE)
        }
        return (listener, UInt16(bigEndian: address.sin_port))
    }

    static func connected(to port: UInt16, limit: Int) throws -> Socket {
        let connection = try Socket()
        connection.limit(seconds: limit)
        var address = loopback(port)
        let status = withUnsafePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                connect(connection.descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
            }
        }
        guard status == 0 else {
            connection.close()
            throw End.refused
        }
        return connection
    }

    /// The next connection, or nil when the listener was shut down.
    func accepted(limit: Int) -> Socket? {
        let connection = accept(descriptor, nil, nil)
        guard connection >= 0 else { return nil }
        let socket = Socket(accepted: connection)
        socket.limit(seconds: limit)
        return socket
    }

    /// Sends all of it, or as much as the far side takes.
    ///
    /// - Returns: whether all was taken.
    @discardableResult
    func send(_ bytes: [UInt8]) -> Bool {
        var rest = bytes[...]
        while !rest.isEmpty {
            let sent = rest.withUnsafeBytes { Glibc.send(descriptor, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL)) }
            guard sent > 0 else { return false }
            rest = rest.dropFirst(sent)
        }
        return true
    }

    /// Sends all of a delivery, but for the stream's end.
    func send(_ delivery: Delivery) {
        if delivery.milliseconds > 0 { usleep(UInt32(delivery.milliseconds * 1000)) }
        if delivery.millisecondsPerByte > 0 {
            for byte in delivery.bytes {
                usleep(UInt32(delivery.millisecondsPerByte * 1000))
                guard send([byte]) else { return }
            }
        } else {
            send(delivery.bytes)
        }
        switch delivery.end {
        case .closed, .reset: break
        case .silence: while let bytes = try? receive(), !bytes.isEmpty {}
        case .endless(let more):
            var block = more
            while block.count < 4096 { block += more }
            while send(block) {}
        }
    }

    /// What has come, at least one byte; nil when the far side has ended its stream.
    func receive() throws -> [UInt8]? {
        var buffer = [UInt8](repeating: 0, count: 16_384)
        let count = recv(descriptor, &buffer, buffer.count, 0)
        guard count >= 0 else { throw errno == EAGAIN ? End.timedOut : End.reset }
        return count > 0 ? Array(buffer[..<count]) : nil
    }

    /// Sends `bytes` and takes all that comes until the far side ends its stream.
    public static func exchange(_ bytes: [UInt8], port: UInt16, limit: Int = 120) throws -> [UInt8] {
        let connection = try connected(to: port, limit: limit)
        defer { connection.close() }
        connection.send(bytes)
        var reply: [UInt8] = []
        while let part = try connection.receive(), reply.count < 1 << 20 { reply += part }
        return reply
    }

    /// Wakes whoever waits on it.
    func shutDown() { shutdown(descriptor, Int32(SHUT_RDWR)) }

    public func close() { _ = Glibc.close(descriptor) }

    /// Closes with a reset in place of an orderly end.
    func abort() {
        var abort = linger(l_onoff: 1, l_linger: 0)
        setsockopt(descriptor, SOL_SOCKET, SO_LINGER, &abort, socklen_t(MemoryLayout<linger>.size))
        close()
    }

    private func limit(seconds: Int) {
        var limit = timeval(tv_sec: seconds, tv_usec: 0)
        for option in [SO_RCVTIMEO, SO_SNDTIMEO] {
            setsockopt(descriptor, SOL_SOCKET, option, &limit, socklen_t(MemoryLayout<timeval>.size))
        }
    }

    private static func loopback(_ port: UInt16) -> sockaddr_in {
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = port.bigEndian
        address.sin_addr.s_addr = in_addr_t(0x7F00_0001).bigEndian
        return address
    }
}
