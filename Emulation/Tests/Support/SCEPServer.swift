import Emulator
import Foundation

/// Debian's `scepserver` (micromdm's, in Go): a CA that was written by others. It answers in single DES and SHA-1.
public struct SCEPServer: Sendable {
    /// Debian's package `scep`, whose programs `scepserver` and `scepclient` are.
    public enum Release: String, CaseIterable, Sendable, CustomStringConvertible {
        /// Debian 12's, which is installed.
        case debian12 = "2.1.0"
        /// Debian 13's, which Toolchain/programs pins and `make setup` unpacks.
        case debian13 = "2.3.0"

        public var description: String { rawValue }

        /// The folder of its programs.
        public var folder: String {
            guard self == .debian13 else { return "/usr/bin" }
            return URL(filePath: #filePath).deletingLastPathComponent()
                .appending(path: "../../../.toolchain/scep-2.3.0/usr/bin").standardizedFileURL.path
        }

        /// Where it comes from, for whoever misses it.
        var origin: String { self == .debian12 ? "apt-get install scep" : "make setup" }
    }

    public let port: UInt16
    /// The CA's certificate, DER.
    public let root: Data

    public static let challenge = "a-password-of-the-line"

    /// Makes a CA in `folder` and runs it beside `body`.
    ///
    /// - Parameter options: how it is run; by default a name may be enrolled again at once.
    public static func run<Value: Sendable>(
        _ release: Release = .debian12, in folder: URL, options: [String] = ["-allowrenew", "0"],
        _ body: @escaping @Sendable (SCEPServer) async throws -> Value
    ) async throws -> Value {
        let executable = release.folder + "/scepserver"
        let initialise = Program(
            executable: executable, arguments: ["ca", "-init", "-keySize", "2048", "-depot", "depot"],
            folder: folder, origin: release.origin)
        _ = try await initialise.run(timeLimit: .hang) { try await $0.end() }
        let root = try pemContent(of: folder.appending(path: "depot/ca.pem"))

        let port = try freePort()
        let server = Program(
            executable: executable,
            arguments: ["-depot", "depot", "-port", "\(port)", "-challenge", challenge, "-crtvalid", "30"] + options,
            folder: folder, origin: release.origin)
        return try await server.run(timeLimit: .hang) { running in
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
