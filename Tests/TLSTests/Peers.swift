import Foundation
import TestSupport

/// A program that serves on a port of this machine until it is stopped.
final class Peer: @unchecked Sendable {
    let port: UInt16
    private let process: Process
    private let input: Pipe

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
        output.fileHandleForReading.readabilityHandler = { if $0.availableData.isEmpty { $0.readabilityHandler = nil } }
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

    /// Ends the server at once, so that the stream is not ended in order.
    func kill() { Foundation.kill(process.processIdentifier, SIGKILL) }

    deinit {
        process.terminate()
        process.waitUntilExit()
    }
}

/// A port that nobody listens on.
func freePort() -> UInt16 {
    let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
    defer { close(descriptor) }
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
    var size = socklen_t(MemoryLayout<sockaddr_in>.size)
    withUnsafeMutablePointer(to: &address) { pointer in
        pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { pointer in
            _ = bind(descriptor, pointer, size)
            _ = getsockname(descriptor, pointer, &size)
        }
    }
    return UInt16(bigEndian: address.sin_port)
}

private func isListening(_ port: UInt16) -> Bool {
    let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
    defer { close(descriptor) }
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_port = port.bigEndian
    address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
    return withUnsafePointer(to: &address) { pointer in
        pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
            connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size)) == 0
        }
    }
}
