import Foundation
import Synchronization
import TestSupport

/// A program that serves on a port of this machine until it is stopped.
final class Peer: @unchecked Sendable {
    let port: UInt16
    private let process: Process
    private let input: Pipe
    private let heard = Heard()

    /// What the program wrote.
    final class Heard: Sendable {
        private let text = Mutex("")

        func withLock<Result>(_ body: (inout String) -> Result) -> Result { text.withLock { body(&$0) } }
    }

    struct Failure: Error, CustomStringConvertible {
        let description: String
    }

    /// Debian's `openssl s_server` on a free port.
    init(openssl arguments: [String]) throws {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "/usr/bin/openssl")
        process.arguments = ["s_server", "-accept", "127.0.0.1:0"] + arguments
        let input = Pipe()
        let output = Pipe()
        process.standardInput = input
        process.standardOutput = output
        process.standardError = output
        try process.run()
        var text = ""
        while !text.contains("ACCEPT 127.0.0.1:") || !text.hasSuffix("\n") {
            let some = output.fileHandleForReading.availableData
            guard !some.isEmpty else { throw Failure(description: "s_server \(arguments): \(text)") }
            text += String(decoding: some, as: UTF8.self)
        }
        let port = text.split(separator: "ACCEPT 127.0.0.1:").last?.prefix { $0.isNumber }
        self.port = port.flatMap { UInt16($0) } ?? 0
        self.process = process
        self.input = input
        // What it says later must not block it.
        let heard = heard
        output.fileHandleForReading.readabilityHandler = { file in
            let some = file.availableData
            if some.isEmpty { file.readabilityHandler = nil }
            heard.withLock { $0 += String(decoding: some, as: UTF8.self) }
        }
    }

    /// A program that has no way to say its port.
    init(_ program: String, _ arguments: [String], port: UInt16) throws {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: program)
        process.arguments = arguments
        input = Pipe()
        process.standardOutput = FileHandle.nullDevice
        process.standardError = FileHandle.nullDevice
        try process.run()
        self.process = process
        self.port = port
        for _ in 0..<200 where !isListening(port) { usleep(20_000) }
    }

    /// Sends `text` to the client, where the server was not told to speak HTTP.
    func say(_ text: String) throws { try input.fileHandleForWriting.write(contentsOf: Data(text.utf8)) }

    /// Waits until the server has shown something of what the client sent.
    func waitForRequest() { _ = waits(for: "GET ") }

    /// Waits until the server has written `text`. The limit is for a server that never will.
    func waits(for text: String) -> Bool {
        for _ in 0..<6000 {
            if heard.withLock({ $0.contains(text) }) { return true }
            usleep(10_000)
        }
        return false
    }

    /// Ends the server at once, so that the stream is not ended in order.
    func kill() { Foundation.kill(process.processIdentifier, SIGKILL) }

    deinit {
        // What is below swift-testing is deaf to SIGTERM. Foundation reaps it.
        kill()
    }
}

/// A port that nobody listens on.
func freePort() -> UInt16 {
    let (descriptor, port) = bound()
    close(descriptor)
    return port
}

private func isListening(_ port: UInt16) -> Bool {
    let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
    defer { close(descriptor) }
    let address = loopback(port)
    return withUnsafePointer(to: address) { pointer in
        pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
            connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size)) == 0
        }
    }
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
