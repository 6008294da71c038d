import Authority
import AuthorityServer
import EmulationTestSupport
import Emulator
import Foundation
import LibCrypto
import TestSupport
import Testing

/// What every end-to-end test stands on: boards with their firmware, and authorities to send them to.
enum Bench {
    static let project = URL(filePath: #filePath).deletingLastPathComponent()
        .appending(path: "../../..").standardizedFileURL

    /// The boards that are tried: all with the usual image, or those that the environment's `BOARDS` names
    /// (`BOARDS=linux,armhf swift test`).
    static let boards = chosen(from: found.filter { !$0.isMachine || having("usual").contains($0) })

    /// Those of them without an operating system.
    static let machines = boards.filter(\.isMachine)

    /// Those, and the ones that have other images alone.
    static let allMachines = chosen(from: found.filter(\.isMachine))

    /// Those on which every kind of trouble is tried: one firmware, one Linux program.
    static let troubledBoards = chosen(from: having("usual").prefix(1) + [.linux])

    /// Those that have this image.
    static func machines(with image: String) -> [BoardKind] { chosen(from: having(image)) }

    private static func having(_ image: String) -> [BoardKind] {
        (try? BoardKind.machines(with: image, in: project)) ?? []
    }

    private static let found: [BoardKind] = {
        do {
            return try BoardKind.all(in: project)
        } catch {
            fatalError("\(error)")
        }
    }()

    static func chosen(from boards: [BoardKind]) -> [BoardKind] {
        guard let names = ProcessInfo.processInfo.environment["BOARDS"] else { return boards }
        return boards.filter { names.split(separator: ",").contains(Substring($0.name)) }
    }

    /// Boards take turns, so that each keeps its time limit however many tests run at once. Half of them wait for a
    /// disk or a clock.
    static let gate = Gate(places: 2 * ProcessInfo.processInfo.activeProcessorCount)

    /// A device of its own for `body`, not yet manufactured.
    ///
    /// - Parameter server: whose time the device's clock has, if it has one.
    static func withDevice<Value>(
        _ board: BoardKind, image: String = "usual", clockOf server: AuthorityServer? = nil,
        _ body: (Device) async throws -> Value
    ) async throws -> Value {
        let clock = server.map { server in { @Sendable in server.authority.now } }
        return try await withTemporaryDirectory { folder in
            let file = try board.image(image).file(in: project)
            return try await body(
                Device(board: board, image: file, folder: folder, project: project, clock: clock))
        }
    }

    /// An authority of its own for `body`.
    static func withAuthority<Value>(
        _ configure: (inout CAConfiguration) -> Void = { _ in }, _ body: (AuthorityServer) async throws -> Value
    ) async throws -> Value {
        var configuration = CAConfiguration()
        configuration.challenge = .shared(password)
        configure(&configuration)
        return try await serving({ try await AuthorityServer(try Authority(configuration)) }, body)
    }

    static let password = "password-of-the-line"

    /// What a device is told for the CA with this root at this port.
    static func record(_ board: BoardKind, port: UInt16, root: [UInt8], challenge: String = password) throws
        -> ProvisioningRecord
    {
        let fingerprint = try Digest.sha256.hash(root).hexadecimal
        var record = ProvisioningRecord(
            url: "http://\(board.loopback):\(port)/scep", fingerprint: fingerprint, challenge: challenge,
            subject: "CN=sensor-7,serialNumber=SN-0007,O=Example")
        record.subjectAltName = "DNS:sensor-7.example,IP:10.1.2.3"
        record.key = board.key
        record.pollInterval = 1
        // What fails is to be seen at once.
        record.others = ["poll-cap": "1", "retries": "0"]
        return record
    }

    static func record(_ board: BoardKind, for server: AuthorityServer) throws -> ProvisioningRecord {
        try record(board, port: server.port, root: server.authority.trustAnchor.der)
    }
}

extension Device {
    /// Runs to its last line, and checks what holds for every run of every board: the report, and its budget.
    func enrol(
        options: BootOptions = BootOptions(), sourceLocation: SourceLocation = #_sourceLocation
    ) async throws -> Outcome {
        let outcome = try await Bench.gate.pass { try await runToEnd(options: options, timeLimit: .hang) }
        let reports = outcome.lines.filter { $0.text.hasPrefix("report") }
        #expect(reports.count == 1, sourceLocation: sourceLocation)
        let report = try #require(outcome.report, sourceLocation: sourceLocation)
        #expect(try Budget(of: board, in: Bench.project).exceeded(by: report) == [], sourceLocation: sourceLocation)
        if board.isMachine {
            #expect(Report.Name.allCases.filter { report[$0] == nil } == [], sourceLocation: sourceLocation)
        }
        #expect(outcome.lines.allSatisfy { $0.text.utf8.count <= 480 }, sourceLocation: sourceLocation)
        let subjects = outcome.lines.map(\.text).filter { $0.contains(" subject=") }
        #expect(subjects.allSatisfy { $0.hasSuffix("\"") }, "a line was cut", sourceLocation: sourceLocation)
        return outcome
    }

    /// What the device came home with, its key checked against its certificate, and both checked against `root`.
    func identity(root: [UInt8], intermediates: [Certificate] = []) async throws -> Identity {
        let openssl = OpenSSL(folder: folder)
        let identity = try await openssl.identity(in: readFlash())
        try await openssl.verify(
            certificate: identity.certificate, root: Data(root), intermediates: intermediates.map { Data($0.der) })
        return identity
    }

    /// Expects that the device has no identity. A transaction that it began it may have: what it sends, it stores
    /// first.
    func expectNoIdentity(sourceLocation: SourceLocation = #_sourceLocation) async {
        await #expect(throws: IdentityError.self, sourceLocation: sourceLocation) {
            try await OpenSSL(folder: folder).identity(in: readFlash())
        }
    }
}
