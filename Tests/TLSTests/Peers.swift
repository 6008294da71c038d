import Foundation
import TestSupport

/// A port that nobody listens on.
func freePort() -> UInt16 {
    let (descriptor, port) = bound()
    close(descriptor)
    return port
}

/// Answers one connection with `text`, whatever is asked, and closes it in order.
///
/// - Returns: the port.
func answer(_ text: String) throws -> UInt16 {
    let (descriptor, port) = try listening()
    let server = Thread {
        let connection = accept(descriptor, nil, nil)
        // All of the request's head, or what has come of TLS: closing with something unread would break the stream.
        var request: [UInt8] = []
        var some = [UInt8](repeating: 0, count: 4096)
        while request.first != 0x16, !request.suffix(4).elementsEqual("\r\n\r\n".utf8) {
            let count = read(connection, &some, some.count)
            guard count > 0 else { break }
            request += some.prefix(count)
        }
        _ = Array(text.utf8).withUnsafeBytes { write(connection, $0.baseAddress, $0.count) }
        close(connection)
        close(descriptor)
    }
    server.start()
    return port
}

/// Sends one connection `bytes` over and over, and at last something else, or until the client has gone.
///
/// - Returns: the port.
func repeating(_ bytes: [UInt8], times: Int, then end: [UInt8]) throws -> UInt16 {
    let (descriptor, port) = try listening()
    let server = Thread {
        let connection = accept(descriptor, nil, nil)
        close(descriptor)
        var some = [UInt8](repeating: 0, count: 4096)
        _ = read(connection, &some, some.count)
        let block = (0..<1000).flatMap { _ in bytes }
        var left = times / 1000
        while left > 0, send(connection, block) { left -= 1 }
        if left == 0 { _ = send(connection, end) }
        // What the client says is read, so that nothing breaks the stream before the end of it.
        shutdown(connection, Int32(SHUT_WR))
        while read(connection, &some, some.count) > 0 {}
        close(connection)
    }
    server.start()
    return port
}

private func send(_ connection: Int32, _ bytes: [UInt8]) -> Bool {
    var start = 0
    while start < bytes.count {
        let count = bytes[start...].withUnsafeBytes {
            Foundation.send(connection, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL))
        }
        guard count > 0 else { return false }
        start += count
    }
    return true
}

/// A socket that listens on a free port.
private func listening() throws -> (descriptor: Int32, port: UInt16) {
    let (descriptor, port) = bound()
    guard listen(descriptor, 1) == 0 else { throw Peer.Failure(description: "nothing listens") }
    return (descriptor, port)
}

/// A socket at a free port.
private func bound() -> (descriptor: Int32, port: UInt16) {
    let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
    var address = loopback(0)
    var size = socklen_t(MemoryLayout<sockaddr_in>.size)
    withUnsafeMutablePointer(to: &address) { pointer in
        pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { pointer in
            _ = bind(descriptor, pointer, size)
            _ = getsockname(descriptor, pointer, &size)
        }
    }
    return (descriptor, UInt16(bigEndian: address.sin_port))
}

private func loopback(_ port: UInt16) -> sockaddr_in {
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_port = port.bigEndian
    address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
    return address
}
