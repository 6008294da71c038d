import Foundation
import TestSupport

/// Runs a program as a user who is not root, whom no permission stops; as who runs the tests, if that is not root.
public func runUnprivileged(
    _ program: String, _ arguments: [String], in folder: URL
) throws -> (status: Int32, output: String, complaint: String) {
    let process = Process()
    let whole = (getuid() == 0 ? ["/usr/bin/setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"] : []) + [program]
    process.executableURL = URL(fileURLWithPath: whole[0])
    process.arguments = whole.dropFirst() + arguments
    process.currentDirectoryURL = folder
    let (output, complaint) = (folder.appending(path: "output"), folder.appending(path: "complaint"))
    for file in [output, complaint] { _ = FileManager.default.createFile(atPath: file.path, contents: nil) }
    process.standardInput = FileHandle.nullDevice
    process.standardOutput = try FileHandle(forWritingTo: output)
    process.standardError = try FileHandle(forWritingTo: complaint)
    try process.run()
    process.waitUntilExit()
    return (
        process.terminationStatus, String(decoding: try Data(contentsOf: output), as: UTF8.self),
        String(decoding: try Data(contentsOf: complaint), as: UTF8.self)
    )
}

/// Gives files to that user.
public func giveToUnprivileged(_ files: URL...) throws {
    guard getuid() == 0 else { return }
    for file in files { _ = try runProgram("/usr/bin/chown", ["65534:65534", file.path]) }
}
