import Emulator
import Foundation

/// Debian's `scepserver` (micromdm's, in Go): a CA that was written by others. It answers in single DES and SHA-1.
public struct SCEPServer: Sendable {
    public let port: UInt16
    /// The CA's certificate, DER.
    public let root: Data

    public static let challenge = "a-password-of-the-line"
    private static let executable = "/usr/bin/scepserver"
    private static let origin = "apt-get install scep"

    /// Makes a CA in `folder` and runs it beside `body`.
    ///
    /// - Parameter options: how it is run; by default a name may be enrolled again at once.
    public static func run<Value: Sendable>(
        in folder: URL, options: [String] = ["-allowrenew", "0"],
        _ body: @escaping @Sendable (SCEPServer) async throws -> Value
    ) async throws -> Value {
        let initialise = Program(
            executable: executable, arguments: ["ca", "-init", "-keySize", "2048", "-depot", "depot"],
            folder: folder, origin: origin)
        _ = try await initialise.run(timeLimit: .seconds(30)) { try await $0.end() }
        let root = try pemContent(of: folder.appending(path: "depot/ca.pem"))

        let port = try freePort()
        let server = Program(
            executable: executable,
            arguments: ["-depot", "depot", "-port", "\(port)", "-challenge", challenge, "-crtvalid", "30"] + options,
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
