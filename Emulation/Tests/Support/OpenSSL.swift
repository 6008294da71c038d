import Foundation

/// Debian's `openssl` program, which checks what we build.
public enum OpenSSL {
    public struct Failure: Error, CustomStringConvertible {
        public let description: String
    }

    /// Runs `openssl` with `arguments`, feeds it `input`, and returns what it wrote to standard output.
    /// Throws with its standard error when the exit code is not 0.
    ///
    /// - Parameter keepsComplaints: whether what it wrote to standard error follows.
    @discardableResult
    public static func run(
        _ arguments: [String], input: [UInt8] = [], keepsComplaints: Bool = false
    ) throws -> [UInt8] {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "/usr/bin/openssl")
        process.arguments = arguments
        let standardInput = Pipe()
        let standardOutput = Pipe()
        let standardError = Pipe()
        process.standardInput = standardInput
        process.standardOutput = standardOutput
        process.standardError = standardError
        try process.run()
        let writer = Thread {
            try? standardInput.fileHandleForWriting.write(contentsOf: Data(input))
            try? standardInput.fileHandleForWriting.close()
        }
        writer.start()
        let output = standardOutput.fileHandleForReading.readDataToEndOfFile()
        let complaint = standardError.fileHandleForReading.readDataToEndOfFile()
        process.waitUntilExit()
        guard process.terminationStatus == 0 else {
            let command = arguments.joined(separator: " ")
            throw Failure(description: "openssl \(command): \(String(decoding: complaint, as: UTF8.self))")
        }
        return [UInt8](keepsComplaints ? output + complaint : output)
    }

    /// What `openssl asn1parse` prints.
    public static func structure(_ der: [UInt8]) throws -> String {
        String(decoding: try run(["asn1parse", "-inform", "DER"], input: der), as: UTF8.self)
    }
}

/// A folder that is removed at the end of `body`.
public func withTemporaryDirectory<Result>(_ body: (URL) throws -> Result) throws -> Result {
    let directory = FileManager.default.temporaryDirectory.appendingPathComponent("scep-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: directory, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: directory) }
    return try body(directory)
}

/// The same, for a `body` that waits.
public func withTemporaryDirectory<Result>(_ body: (URL) async throws -> Result) async throws -> Result {
    let directory = FileManager.default.temporaryDirectory.appendingPathComponent("scep-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: directory, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: directory) }
    return try await body(directory)
}

/// Writes a file, and gives its path back.
public func write(_ bytes: [UInt8], _ name: String, in directory: URL) throws -> String {
    let file = directory.appendingPathComponent(name)
    try Data(bytes).write(to: file)
    return file.path
}
