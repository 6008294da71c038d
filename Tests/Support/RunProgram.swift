import Foundation

public struct ProgramFailure: Error, CustomStringConvertible {
    public let description: String
}

/// Runs a program with `arguments`, feeds it `input`, and returns what it wrote to standard output and standard error.
/// Throws with its standard error when the exit code is not 0.
public func runProgram(
    _ path: String, _ arguments: [String], input: [UInt8] = []
) throws -> (output: [UInt8], complaint: [UInt8]) {
    // A program that ends before it has read its input must not end the tests.
    signal(SIGPIPE, SIG_IGN)
    let process = Process()
    process.executableURL = URL(fileURLWithPath: path)
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
        throw ProgramFailure(description: "\(path) \(command): \(String(decoding: complaint, as: UTF8.self))")
    }
    return ([UInt8](output), [UInt8](complaint))
}
