import Emulator
import Foundation

/// Debian's `scepserver` (micromdm's, in Go): a CA that was written by others. It answers in single DES and SHA-1.
struct SCEPServer: Sendable {
    let port: UInt16
    let root: Data

    static let challenge = "a-password-of-the-line"
    private static let executable = "/usr/bin/scepserver"
    private static let origin = "apt-get install scep"

    /// Makes a CA in `folder` and runs it beside `body`.
    static func run<Value: Sendable>(
        in folder: URL, _ body: @escaping @Sendable (SCEPServer) async throws -> Value
    ) async throws -> Value {
        let initialise = Program(
            executable: executable, arguments: ["ca", "-init", "-keySize", "2048", "-depot", "depot"],
            folder: folder, origin: origin)
        _ = try await initialise.run(timeLimit: .seconds(30)) { try await $0.end() }
        let root = try pemContent(of: folder.appending(path: "depot/ca.pem"))

        let port = try freePort()
        let server = Program(
            executable: executable,
            // A name may be enrolled again at once.
            arguments: [
                "-depot", "depot", "-port", "\(port)", "-challenge", challenge, "-crtvalid", "30", "-allowrenew", "0",
            ],
            folder: folder, origin: origin)
        return try await server.run(timeLimit: .seconds(300)) { running in
            // It says that it listens just before it does.
            try await running.line(containing: "listen")
            for _ in 0..<100 where !accepts(port) { try await Task.sleep(for: .milliseconds(20)) }
            return try await body(SCEPServer(port: port, root: root))
        }.value
    }

    private static func pemContent(of file: URL) throws -> Data {
        let text = try String(contentsOf: file, encoding: .utf8)
        let base64 = text.split(separator: "\n").filter { !$0.hasPrefix("-----") }.joined()
        guard let certificate = Data(base64Encoded: base64) else { throw CocoaError(.fileReadCorruptFile) }
        return certificate
    }
}
