import Foundation
import TestSupport

/// How a program ended, and what it wrote.
public typealias Ending = (status: Int32, output: String, complaint: String)

/// Runs a program to its end, however it ends.
public func runPlainly(_ program: String, _ arguments: [String]) throws -> Ending {
    try withTemporaryDirectory { folder in
        let files = ["output", "complaint"].map { folder.appending(path: $0) }
        for file in files { _ = FileManager.default.createFile(atPath: file.path, contents: nil) }
        let process = Process()
        process.executableURL = URL(fileURLWithPath: program)
        process.arguments = arguments
        process.standardInput = FileHandle.nullDevice
        process.standardOutput = try FileHandle(forWritingTo: files[0])
        process.standardError = try FileHandle(forWritingTo: files[1])
        try process.run()
        process.waitUntilExit()
        let said = try files.map { String(decoding: try Data(contentsOf: $0), as: UTF8.self) }
        return (process.terminationStatus, said[0], said[1])
    }
}

/// Likewise, as a user who is not root, whom no permission stops; as who runs the tests, if that is not root.
public func runUnprivileged(_ program: String, _ arguments: [String]) throws -> Ending {
    guard getuid() == 0 else { return try runPlainly(program, arguments) }
    return try runPlainly(
        "/usr/bin/setpriv", ["--reuid=65534", "--regid=65534", "--clear-groups", program] + arguments)
}

/// Gives files to that user.
public func giveToUnprivileged(_ files: URL...) throws {
    guard getuid() == 0 else { return }
    for file in files { _ = try runProgram("/usr/bin/chown", ["65534:65534", file.path]) }
}
