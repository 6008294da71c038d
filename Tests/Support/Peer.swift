import Foundation
import Synchronization

/// A program that serves on a port of this machine until it is stopped.
public final class Peer: @unchecked Sendable {
    public let port: UInt16
    private let process: Process
    private let input: Pipe
    private let heard = Heard()

    /// What the program wrote.
    private final class Heard: Sendable {
        private let text = Mutex("")

        func withLock<Result>(_ body: (inout String) -> Result) -> Result { text.withLock { body(&$0) } }
    }

    public struct Failure: Error, CustomStringConvertible {
        public let description: String

        public init(description: String) { self.description = description }
    }

    /// Debian's `openssl s_server` on a free port.
    ///
    /// - Parameter folder: that it runs in, with the files that it serves with `-WWW`.
    public init(openssl arguments: [String], in folder: URL? = nil) throws {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "/usr/bin/openssl")
        process.arguments = ["s_server", "-accept", "127.0.0.1:0"] + arguments
        process.currentDirectoryURL = folder
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
    public init(_ program: String, _ arguments: [String], port: UInt16) throws {
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
    public func say(_ text: String) throws { try input.fileHandleForWriting.write(contentsOf: Data(text.utf8)) }

    /// Waits until the server has shown something of what the client sent.
    public func waitForRequest() { _ = waits(for: "GET ") }

    /// Waits until the server has written `text`. The limit is for a server that never will.
    public func waits(for text: String) -> Bool {
        for _ in 0..<6000 {
            if heard.withLock({ $0.contains(text) }) { return true }
            usleep(10_000)
        }
        return false
    }

    /// Ends the server at once, so that the stream is not ended in order.
    public func kill() { Foundation.kill(process.processIdentifier, SIGKILL) }

    deinit {
        // What is below swift-testing is deaf to SIGTERM. Foundation reaps it.
        kill()
    }
}

/// Whether somebody takes connections on a port of this machine.
private func isListening(_ port: UInt16) -> Bool {
    let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
    defer { close(descriptor) }
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_port = port.bigEndian
    address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
    return withUnsafePointer(to: address) { pointer in
        pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
            connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size)) == 0
        }
    }
}
