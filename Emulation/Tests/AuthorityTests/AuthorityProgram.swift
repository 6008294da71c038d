import Foundation

/// `scep-authority`, as a process of its own.
enum AuthorityProgram {
    /// Built beside the tests.
    static var path: URL {
        let products = Bundle.allBundles.first { $0.bundlePath.hasSuffix(".xctest") }?.bundleURL
            .deletingLastPathComponent()
        return (products ?? URL(fileURLWithPath: CommandLine.arguments[0]).deletingLastPathComponent())
            .appendingPathComponent("scep-authority")
    }

    struct Ready: Decodable {
        let url: String
        let port: UInt16
        let adminPort: UInt16
        let sha256: String
        let sha512: String
        let subject: String
        let certificate: String
    }

    /// - Parameter blocks: how many blocks of 512 bytes the program may write to a file.
    static func start(
        _ arguments: [String], filesOf blocks: Int? = nil
    ) throws -> (process: Process, output: FileHandle) {
        let process = Process()
        process.executableURL = path
        process.arguments = arguments
        if let blocks {
            process.executableURL = URL(filePath: "/bin/sh")
            // Without the trap the limit would end it.
            let script = "trap '' XFSZ; ulimit -f \(blocks); exec \"$0\" \"$@\""
            process.arguments = ["-c", script, path.path] + arguments
        }
        let output = Pipe()
        process.standardOutput = output
        process.standardError = FileHandle.nullDevice
        try process.run()
        return (process, output.fileHandleForReading)
    }

    static func ready(_ output: FileHandle) throws -> Ready {
        var line: [UInt8] = []
        while line.last != 10 {
            guard let byte = try output.read(upToCount: 1)?.first else { break }
            line.append(byte)
        }
        return try JSONDecoder().decode(Ready.self, from: Data(line))
    }
}
