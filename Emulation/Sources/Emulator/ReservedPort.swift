import Glibc

/// A TCP port of 127.0.0.1 where no server answers.
public struct ReservedPort: ~Copyable {
    public enum Manner: Sendable {
        /// Connections are refused.
        case refusing
        /// Connections are taken and never answered.
        case silent
    }

    public let number: UInt16
    private let socketDescriptor: Int32

    /// Takes a free port and holds it for as long as the value lives.
    public init(_ manner: Manner) throws {
        let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
        guard descriptor >= 0 else { throw PortError(errno: errno) }
        var address = loopback(0)
        var length = socklen_t(MemoryLayout<sockaddr_in>.size)
        let status = withUnsafeMutablePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { general -> Int32 in
                guard bind(descriptor, general, length) == 0 else { return errno }
                if manner == .silent, listen(descriptor, 64) != 0 { return errno }
                return getsockname(descriptor, general, &length) == 0 ? 0 : errno
            }
        }
        guard status == 0 else {
            close(descriptor)
            throw PortError(errno: status)
        }
        number = UInt16(bigEndian: address.sin_port)
        socketDescriptor = descriptor
    }

    deinit { close(socketDescriptor) }
}

/// No port could be had.
public struct PortError: Error, CustomStringConvertible {
    let errno: Int32
    public var description: String { "no free TCP port on 127.0.0.1: \(String(cString: strerror(errno)))" }
}

/// A port of 127.0.0.1 that nobody used a moment ago, for a program that wants its port's number when it starts.
public func freePort() throws -> UInt16 {
    let port = try ReservedPort(.refusing)
    return port.number
}

/// Whether a server takes connections on `port` of 127.0.0.1.
public func accepts(_ port: UInt16) -> Bool {
    let connection = socket(AF_INET, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
    guard connection >= 0 else { return false }
    defer { close(connection) }
    var address = loopback(port)
    return withUnsafePointer(to: &address) { pointer in
        pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
            connect(connection, $0, socklen_t(MemoryLayout<sockaddr_in>.size)) == 0
        }
    }
}

private func loopback(_ port: UInt16) -> sockaddr_in {
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_port = port.bigEndian
    address.sin_addr.s_addr = in_addr_t(0x7F00_0001).bigEndian
    return address
}
