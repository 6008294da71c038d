import Foundation

/// Debian's `openssl` program, which checks what we build.
public enum OpenSSL {
    /// Runs `openssl` with `arguments`, feeds it `input`, and returns what it wrote to standard output.
    /// Throws with its standard error when the exit code is not 0.
    @discardableResult
    public static func run(_ arguments: [String], input: [UInt8] = []) throws -> [UInt8] {
        try runProgram("/usr/bin/openssl", arguments, input: input)
    }

    public typealias Failure = ProgramFailure
}

/// A folder that is removed at the end of `body`.
public func withTemporaryDirectory<Result>(_ body: (URL) throws -> Result) throws -> Result {
    let directory = FileManager.default.temporaryDirectory.appendingPathComponent("scep-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: directory, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: directory) }
    return try body(directory)
}
