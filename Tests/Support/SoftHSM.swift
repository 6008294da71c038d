import Foundation

/// A token of SoftHSM's, a real PKCS #11 module. All tokens of a test run lie in one folder, since the module looks for
/// its configuration in the environment.
public struct SoftHSM {
    public static let module = "/usr/lib/softhsm/libsofthsm2.so"

    public struct Failure: Error, CustomStringConvertible {
        public let description: String
    }

    private static let configuration = Result {
        let folder = FileManager.default.temporaryDirectory.appending(path: "scep-softhsm-\(UUID().uuidString)")
        let tokens = folder.appending(path: "tokens")
        try FileManager.default.createDirectory(at: tokens, withIntermediateDirectories: true)
        let file = try folder.write(
            Array("directories.tokendir = \(tokens.path)\nlog.level = ERROR\n".utf8), to: "softhsm2.conf")
        setenv("SOFTHSM2_CONF", file, 1)
        atexit { SoftHSM.remove() }
        return folder
    }

    private static func remove() {
        if case .success(let folder) = configuration { try? FileManager.default.removeItem(at: folder) }
    }

    public let label: String
    public let pin: String

    public init(_ label: String, pin: String = "271828") throws {
        self.label = label
        self.pin = pin
        _ = try Self.configuration.get()
        try Self.run(
            "/usr/bin/softhsm2-util",
            ["--init-token", "--free", "--label", label, "--pin", pin, "--so-pin", "12345678"])
    }

    public func remove() throws {
        try Self.run("/usr/bin/softhsm2-util", ["--delete-token", "--token", label])
    }

    /// OpenSC's program, an outside check of what is on the token.
    @discardableResult
    public func tool(_ arguments: [String], loggedIn: Bool = true) throws -> String {
        try Self.run(
            "/usr/bin/pkcs11-tool",
            ["--module", Self.module, "--token-label", label] + (loggedIn ? ["--login", "--pin", pin] : []) + arguments)
    }

    /// Whether the token says that somebody gave a wrong PIN since the last right one.
    public func hasSeenWrongPIN() throws -> Bool {
        let slots = try Self.run("/usr/bin/pkcs11-tool", ["--module", Self.module, "--list-token-slots"])
        guard let start = slots.range(of: "token label        : \(label)\n") else {
            throw Failure(description: "no token \(label) in \(slots)")
        }
        let flags = slots[start.upperBound...].split(separator: "\n").first { $0.contains("token flags") }
        return flags?.contains("user PIN count low") ?? false
    }

    @discardableResult
    public static func run(_ program: String, _ arguments: [String]) throws -> String {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: program)
        process.arguments = arguments
        let output = Pipe()
        process.standardOutput = output
        process.standardError = output
        process.standardInput = FileHandle.nullDevice
        try process.run()
        let text = String(decoding: output.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
        process.waitUntilExit()
        guard process.terminationStatus == 0 else {
            throw Failure(description: "\(program) \(arguments.joined(separator: " ")): \(text)")
        }
        return text
    }
}
