import ArgumentParser
import Emulator
import Foundation

@main
struct Enroll: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "enroll",
        abstract: "Watch a device make its key and enrol itself, on an emulated board.",
        discussion: """
            Starts a certificate authority of its own, manufactures a device, powers it up, and shows what it does, \
            the certificate that it ends up with, and what that took. With --url, the device enrols with that CA.
            """)

    @Option(
        help: ArgumentHelp("The board: one of Boards/, linux, armhf or arm64; if not, the first.", valueName: "name"))
    var board: String?

    @Option(help: ArgumentHelp("Enrol with this CA, in place of one of its own.", valueName: "url"))
    var url: String?

    @Option(
        help: ArgumentHelp(
            "That CA's fingerprint: SHA-256 or SHA-512 of its certificate, hexadecimal.", valueName: "hex"))
    var fingerprint: String?

    @Option(help: ArgumentHelp("That CA's challenge password.", valueName: "password"))
    var challenge: String?

    @Option(help: ArgumentHelp("The device's subject, as RFC 4514 writes it.", valueName: "name"))
    var subject = "CN=sensor-0001,serialNumber=SN-0001,O=Example Devices"

    @Option(help: ArgumentHelp("The device's other names.", valueName: "DNS:…,IP:…"))
    var san: String?

    @Option(
        help: ArgumentHelp(
            "The kind of the device's key, if not RSA-2048.", valueName: "rsa2048|rsa3072|rsa4096|p256|p384"))
    var key: String?

    @Option(help: "Let the device put up with this in an old CA.")
    var allow: [ProvisioningRecord.Leniency] = []

    @Option(help: ArgumentHelp("Give up after this long.", valueName: "seconds"))
    var timeLimit = 120

    @Option(help: ArgumentHelp("Keep the device's flash in this folder, made if need be.", valueName: "folder"))
    var keep: String?

    @Option(help: ArgumentHelp("The project's checkout; this folder or one above it.", valueName: "folder"))
    var project: String?

    @Option(help: ArgumentHelp("Let a debugger begin the run, on this port; without a time limit.", valueName: "port"))
    var debugger: UInt16?

    @Option(
        help: ArgumentHelp(
            "The board's time: 2^shift nanoseconds for each instruction, 0 to 10. An emulated microcontroller has no other.",
            valueName: "shift"))
    var icount = 5

    @Flag(help: "Show what the CA sees as well.")
    var verbose = false

    func validate() throws {
        guard timeLimit > 0 else { throw ValidationError("--time-limit takes a number of seconds above 0") }
        guard 0...10 ~= icount else { throw ValidationError("--icount takes a number from 0 to 10") }
        if url == nil {
            guard fingerprint == nil, challenge == nil else {
                throw ValidationError("--fingerprint and --challenge are those of the CA that --url names")
            }
        } else if fingerprint == nil {
            throw ValidationError(
                """
                --url needs --fingerprint: a device trusts no CA that was not named to it. This prints it: \
                openssl x509 -in ca.pem -noout -fingerprint -sha256
                """)
        }
    }

    func run() async throws {
        let terminal = Terminal()
        do {
            let project = try projectFolder()
            try await Session(command: self, board: try kind(in: project), terminal: terminal, project: project).run()
        } catch let failure as Failure {
            terminal.failure(failure.description)
            throw ExitCode(failure.exitCode)
        } catch {
            terminal.failure("\(error)")
            throw ExitCode(2)
        }
    }

    private func kind(in project: URL) throws -> BoardKind {
        let kinds = try BoardKind.all(in: project)
        guard let kind = kinds.first(where: { board == nil || $0.name == board }) else {
            let names = kinds.map(\.name).joined(separator: ", ")
            throw Failure("no board is called '\(board ?? "")': there are \(names)", exitCode: 2)
        }
        guard debugger == nil || kind != .linux else {
            throw Failure("--debugger is for emulated boards; this one is a program: gdb starts it itself", exitCode: 2)
        }
        return kind
    }

    /// The checkout that holds the boards.
    private func projectFolder() throws -> URL {
        var folder = URL(filePath: project ?? FileManager.default.currentDirectoryPath).standardizedFileURL
        while !FileManager.default.fileExists(atPath: folder.appending(path: "Boards").path) {
            guard project == nil, folder.path != "/" else {
                throw Failure(
                    "\(folder.path) holds no folder Boards; run this in a checkout of the project, or name one with "
                        + "--project", exitCode: 2)
            }
            folder = folder.deletingLastPathComponent()
        }
        return folder
    }
}

/// What a command ends with when it cannot do what it was asked to.
struct Failure: Error, CustomStringConvertible {
    let description: String
    /// 1: the device said that it failed. 2: it could not be tried. 3: it did, and exceeds a limit or was not verified.
    let exitCode: Int32

    init(_ description: String, exitCode: Int32) {
        self.description = description
        self.exitCode = exitCode
    }
}

extension ProvisioningRecord.Leniency: ExpressibleByArgument {}
