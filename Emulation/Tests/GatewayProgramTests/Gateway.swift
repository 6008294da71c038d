import Authority
import AuthorityServer
import EmulationTestSupport
import Emulator
import Foundation
import LibCrypto
import TestSupport
import Testing

/// The kinds of the gateway's program, as `make gateway` leaves them.
enum Kind: String, CaseIterable, CustomTestStringConvertible {
    case amd64, arm64, armhf
    case staticAMD64 = "static-amd64"
    case staticARM64 = "static-arm64"
    case staticARMHF = "static-armhf"

    var testDescription: String { rawValue }

    /// The kinds that are tried: all, or those that the environment's `KINDS` names (`KINDS=amd64,armhf swift test`).
    static func chosen(from kinds: [Kind] = allCases) -> [Kind] {
        guard let names = ProcessInfo.processInfo.environment["KINDS"] else { return kinds }
        return kinds.filter { names.split(separator: ",").contains(Substring($0.rawValue)) }
    }

    /// The emulator, with the libraries of a Debian system of that architecture where the program wants them.
    fileprivate var emulator: [String] {
        func sysroot(_ architecture: String) -> String { Gateway.project.path + "/.toolchain/sysroot/" + architecture }
        return switch self {
        case .amd64, .staticAMD64: []
        case .arm64: ["/usr/bin/qemu-aarch64", "-L", sysroot("arm64")]
        case .armhf: ["/usr/bin/qemu-arm", "-L", sysroot("armhf")]
        case .staticARM64: ["/usr/bin/qemu-aarch64"]
        case .staticARMHF: ["/usr/bin/qemu-arm"]
        }
    }

    private var program: BuildProduct {
        BuildProduct(
            ".build/gateway/\(rawValue)/scep",
            from: ["Toolchain/gateway", "Toolchain/swiftc-lto", "Toolchain/sysroot"], by: "make gateway")
    }

    /// What runs the program, in front of its arguments.
    var command: [String] {
        get throws { emulator + [try program.file(in: Gateway.project).path] }
    }
}

/// What a run of the program left.
struct Outcome: CustomStringConvertible {
    let ending: Ending
    let lines: [String]

    var description: String { "\(ending)\n" + lines.joined(separator: "\n") }

    /// The JSON on standard output.
    var json: [String: Any] {
        get throws {
            let line = try #require(lines.first { $0.hasPrefix("{") }, "no JSON in \(self)")
            let object = try JSONSerialization.jsonObject(with: Data(line.utf8))
            return try #require(object as? [String: Any])
        }
    }

    /// The sentence that says what went wrong.
    var error: String? { lines.first { $0.contains("error: ") } }
}

/// One gateway: a folder with its configuration, and the program to run in it.
struct Gateway: Sendable {
    static let project = URL(filePath: #filePath).deletingLastPathComponent()
        .appending(path: "../../..").standardizedFileURL
    static let password = "password-of-the-line"

    let kind: Kind
    let folder: URL

    /// A gateway of its own for `body`.
    static func with<Value>(_ kind: Kind, _ body: (Gateway) async throws -> Value) async throws -> Value {
        try await withTemporaryDirectory { try await body(Gateway(kind: kind, folder: $0)) }
    }

    /// Where key and certificates are.
    var directory: URL { folder.appending(path: "identity") }
    var current: URL { directory.appending(path: "current") }

    /// Writes `scep.conf` for an authority, and the password's file.
    func configure(for server: AuthorityServer, _ lines: [String] = [], subject: String = "CN=gateway 7,O=Example")
        throws
    {
        try configure(
            port: server.port, root: server.authority.trustAnchor, challenge: Self.password, lines, subject: subject)
    }

    /// The same, for any server on this machine.
    func configure(
        port: UInt16, path: String = "scep", root: Certificate, challenge: String, _ lines: [String],
        subject: String = "CN=gateway 7,O=Example"
    ) throws {
        try write("challenge", challenge + "\n", mode: 0o600)
        let fingerprint = try root.fingerprint(.sha256).hexadecimal
        var text = ["url = http://127.0.0.1:\(port)/\(path)", "fingerprint = \(fingerprint)"]
        text += ["subject = \(subject)", "challenge-file = \(folder.path)/challenge", "directory = \(directory.path)"]
        try write("scep.conf", (text + lines).joined(separator: "\n") + "\n")
    }

    func write(_ name: String, _ text: String, mode: Int = 0o644) throws {
        let file = folder.appending(path: name)
        try Data(text.utf8).write(to: file)
        try FileManager.default.setAttributes([.posixPermissions: mode], ofItemAtPath: file.path)
    }

    func read(_ name: String) throws -> String {
        try String(contentsOf: folder.appending(path: name), encoding: .utf8)
    }

    /// Runs `scep` with the configuration.
    func scep(_ arguments: String..., isConfigured: Bool = true) async throws -> Outcome {
        try await run(arguments.flatMap { $0.split(separator: " ").map(String.init) }, isConfigured: isConfigured)
    }

    func run(_ arguments: [String], isConfigured: Bool = true) async throws -> Outcome {
        let run = try await program(arguments, isConfigured: isConfigured).run(timeLimit: .hang) {
            try await $0.end()
        }
        return Outcome(ending: run.ending, lines: run.lines.map(\.text))
    }

    /// The program, to be watched while it runs.
    func program(_ arguments: [String], isConfigured: Bool = true) throws -> Program {
        let command = try kind.command + arguments + (isConfigured ? ["--config", folder.path + "/scep.conf"] : [])
        return Program(
            executable: command[0], arguments: Array(command.dropFirst()), folder: folder, origin: "make gateway")
    }

    /// Runs a shell script, in which `$SCEP` stands for the program.
    func shell(_ script: String) async throws -> Outcome {
        let words = "SCEP='\(try kind.command.joined(separator: " "))'; "
        let shell = Program(executable: "/bin/sh", arguments: ["-c", words + script], folder: folder, origin: "Debian")
        let run = try await shell.run(timeLimit: .hang) { try await $0.end() }
        return Outcome(ending: run.ending, lines: run.lines.map(\.text))
    }

    /// Has openssl check what is published: the key belongs to the certificate, which the CA issued.
    ///
    /// - Returns: when the certificate ends, as openssl writes it.
    @discardableResult
    func check(passphrase: String? = nil) async throws -> String {
        let password = passphrase.map { "-passin pass:\($0)" } ?? ""
        let script = """
            set -e; cd identity/current
            openssl verify -CAfile ca.pem -untrusted chain.pem cert.pem
            test "$(openssl x509 -in cert.pem -noout -pubkey)" = "$(openssl pkey -in key.pem -pubout \(password))"
            cat cert.pem chain.pem > "$OLDPWD/all"; cat fullchain.pem ca.pem | cmp - "$OLDPWD/all"
            test "$(stat -L -c %a key.pem)" = 600
            openssl x509 -in cert.pem -noout -enddate
            """
        let outcome = try await shell(script)
        #expect(outcome.ending == .exited(0), "\(outcome)")
        return outcome.lines.last ?? ""
    }

    /// SHA-256 of the certificate that is published.
    func fingerprint() async throws -> String {
        let outcome = try await shell("openssl x509 -in identity/current/cert.pem -outform DER | sha256sum")
        return String(try #require(outcome.lines.first).prefix(64))
    }
}

/// An authority of its own for `body`, which wants the password of the line.
func withAuthority<Value>(
    _ configure: (inout CAConfiguration) -> Void = { _ in }, _ body: (AuthorityServer) async throws -> Value
) async throws -> Value {
    var configuration = CAConfiguration()
    configuration.challenge = .shared(Gateway.password)
    // Its clock is moved on so that renewals end later, and openssl, which checks them, keeps the machine's.
    configuration.backdating = 86_400
    configure(&configuration)
    return try await serving({ try await AuthorityServer(try Authority(configuration)) }, body)
}
