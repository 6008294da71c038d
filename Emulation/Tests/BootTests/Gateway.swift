import Authority
import AuthorityServer
import Emulator
import Foundation
import LibCrypto
import Testing

/// What a gateway's disk has of certificates with their keys: serial numbers, hexadecimal.
struct Holding: Equatable, CustomStringConvertible {
    /// In the agent's store.
    var stored: String?
    /// Where other programs find it.
    var published: String?

    var description: String { "\(stored ?? "none"), published \(published ?? "none")" }
}

/// An emulated gateway with its disk, and what is known of it: the certificates that it had, in their order.
///
/// What it holds is read from its disk, whatever it says, and checked by `openssl`.
struct Gateway {
    let machine: Machine
    let authority: Authority
    /// Serial numbers, hexadecimal.
    private(set) var certificates: [String] = []
    /// What the disk has now.
    private(set) var holding = Holding()
    private(set) var starts = 0
    private(set) var cuts = 0
    /// Disks that were read.
    private(set) var states = 0

    /// A disk that the last run would have left, had power been cut between storing a certificate and publishing it.
    private var unpublished: Data?

    private let openssl: OpenSSL
    /// What was checked before, by what the disks had.
    private var evaluations: [Data: Holding] = [:]

    /// A gateway for `body`, with an authority of its own, in a folder that is removed afterwards.
    static func with(
        _ kind: MachineKind, _ settings: [String: String], _ body: (inout Gateway) async throws -> Void
    ) async throws {
        let folder = FileManager.default.temporaryDirectory.appending(path: "boot-\(UUID().uuidString)")
        defer { try? FileManager.default.removeItem(at: folder) }
        var configuration = CAConfiguration()
        configuration.challenge = .oneTime([OneTimePassword(device: "", password: Self.password)])
        let server = try await AuthorityServer(try Authority(configuration))
        do {
            var gateway = try await Gateway(kind, settings, server, folder)
            try await body(&gateway)
            await server.stop()
        } catch {
            await server.stop()
            throw error
        }
    }

    private init(
        _ kind: MachineKind, _ settings: [String: String], _ server: AuthorityServer, _ folder: URL
    ) async throws {
        let contents = folder.appending(path: "contents")
        let configured = contents.appending(path: "etc/scep")
        for folder in [configured, contents.appending(path: "var/lib")] {
            try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        }
        var lines = [
            "url = http://\(Machine.loopback):\(server.port)/scep",
            "fingerprint = \(try Digest.sha256.hash(server.authority.trustAnchor.der).hexadecimal)",
            "subject = CN=gateway-7,O=Example",
            "challenge-file = /etc/scep/challenge",
            "jitter = 0",
            "retries = 0",
        ]
        lines += settings.sorted { $0.key < $1.key }.map { "\($0.key) = \($0.value)" }
        try Data(lines.joined(separator: "\n").utf8).write(to: configured.appending(path: "scep.conf"))
        guard
            FileManager.default.createFile(
                atPath: configured.appending(path: "challenge").path, contents: Data("\(Self.password)\n".utf8),
                attributes: [.posixPermissions: 0o600])
        else { throw CocoaError(.fileWriteUnknown) }

        machine = Machine(kind: kind, initramfs: try kind.initramfs.file(in: Self.project), folder: folder)
        authority = server.authority
        openssl = OpenSSL(folder: folder)
        try await DiskImage(machine.disk).make(from: contents, size: 16)
    }

    private static let password = "password-of-the-site"

    static let project = URL(filePath: #filePath).deletingLastPathComponent()
        .appending(path: "../../..").standardizedFileURL

    /// When power is cut.
    struct Moment: CustomStringConvertible {
        /// After the first line with this text.
        let line: String
        /// So much later.
        var delay = Duration.zero

        var description: String { "\(delay) after \"\(line)\"" }
    }

    /// Starts the gateway, lets it do what `words` say, and switch itself off.
    ///
    /// - Parameters:
    ///   - moment: when to cut its power; what its disk had not flushed is lost, kept or torn then, as it comes.
    ///   - sample: operations on the disk at which it is seen what it would have, had power been cut there.
    /// - Returns: what it said.
    @discardableResult
    mutating func start(
        _ words: String..., cutAt moment: Moment? = nil, sample: Int, using random: inout SplitMix64
    ) async throws -> [String] {
        let before = try Data(contentsOf: machine.disk)
        let (run, log) = try await machine.powerUp(words, clock: authority.now, timeLimit: .hang) { running in
            guard let moment else { return try await running.end() }
            try await running.line(containing: moment.line)
            try await Task.sleep(for: moment.delay)
            running.kill()
        }
        let texts = run.lines.map(\.text)
        let isCut = moment != nil && run.ending == .signalled(9)
        starts += 1
        cuts += isCut ? 1 : 0
        #expect(isCut || run.ending == .exited(0) && texts.contains("boot: exit 0"), "\(texts)")

        unpublished = nil
        let end = log.operations.count
        let all = try await read(log.image(from: before, cut: DiskCut(at: end, unflushed: .kept)))
        for position in (0..<end).shuffled(using: &random).prefix(sample) {
            for cut in [
                DiskCut(at: position, unflushed: .lost), DiskCut(at: position, unflushed: .some(random.next())),
            ] {
                let image = log.image(from: before, cut: cut)
                let state = try await read(image)
                expect(state, between: all, "\(words) cut at \(cut)")
                if state.stored != holding.stored, state.published == holding.published { unpublished = image }
            }
        }
        let last = DiskCut(at: end, unflushed: isCut ? .some(random.next()) : .kept)
        let image = log.image(from: before, cut: last)
        let new = try await read(image)
        expect(new, between: all, "\(words) cut \(moment.map { "\($0)" } ?? "at its end")")
        print(
            """
            boot: \(machine.kind) \(words.joined(separator: " ")), \(run.duration.seconds) s, \(end) operations on the disk\
            \(isCut ? ", cut" : ""): \(new)
            """)
        // What it says that it was issued, it has.
        if let issued = texts.last(where: { $0.contains(" outcome=issued ") }) {
            #expect(issued.contains(" serial=\(new.stored ?? "none") "))
        }
        try image.write(to: machine.disk)
        holding = new
        if let serial = new.stored, serial != certificates.last {
            #expect(!certificates.contains(serial), "it went back to \(serial), which it had left")
            certificates.append(serial)
        }
        return texts
    }

    /// Cuts the last run's power between storing and publishing its certificate, if the sample had such a place.
    mutating func losePublishedFiles() async throws {
        guard let unpublished else { return }
        try unpublished.write(to: machine.disk)
        holding = try await read(unpublished)
        print("boot: \(machine.kind) loses what it published last: \(holding)")
    }

    /// Expects that a disk has what it had before, or what it has at the end: in the store first, then published.
    private func expect(_ state: Holding, between end: Holding, _ place: String) {
        let possible = [
            holding, Holding(stored: end.stored, published: holding.published), end,
        ]
        #expect(possible.contains(state), "\(place): \(state), where it was \(holding) and becomes \(end)")
    }

    /// What a disk has that a machine starts with.
    private mutating func read(_ image: Data) async throws -> Holding {
        states += 1
        let disk = DiskImage(machine.folder.appending(path: "disk.cut"))
        try image.write(to: disk.file)
        let folder = machine.folder.appending(path: "disk.read")
        try? FileManager.default.removeItem(at: folder)
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        try await disk.recover()
        try await disk.extract("/var/lib/scep", into: folder)
        let stored = try content(folder.appending(path: "scep/store/identity")) ?? Data()
        let current = folder.appending(path: "scep/current")
        let published = try ["cert.pem", "key.pem", "chain.pem", "ca.pem"].map {
            try content(current.appending(path: $0))
        }
        let everything = stored + published.reduce(Data()) { $0 + [0] + ($1 ?? Data()) }
        if let known = evaluations[everything] { return known }
        let holding = Holding(
            stored: try await check(stored: FlashImage(bytes: [UInt8](stored))),
            published: published.allSatisfy { $0 == nil } ? nil : try await check(published: current))
        evaluations[everything] = holding
        return holding
    }

    private func content(_ file: URL) throws -> Data? {
        FileManager.default.fileExists(atPath: file.path) ? try Data(contentsOf: file) : nil
    }

    private func check(stored: FlashImage) async throws -> String? {
        let identity: Identity
        do {
            identity = try await openssl.identity(in: stored)
        } catch is IdentityError {
            return nil
        }
        return try await check(identity.certificate)
    }

    /// Of the published files, all have to be there and belong together.
    private func check(published folder: URL) async throws -> String {
        func pem(_ name: String) -> URL { folder.appending(path: name) }
        #expect(try mode(pem("key.pem")) == 0o600)
        let certificate = try await openssl.certificate(in: pem("cert.pem"))
        #expect(try await openssl.publicKey(ofKeyIn: pem("key.pem")) == openssl.publicKey(certificate: certificate))
        #expect(try await openssl.certificate(in: pem("ca.pem")) == Data(authority.trustAnchor.der))
        return try await check(certificate)
    }

    private func mode(_ file: URL) throws -> Int? {
        try FileManager.default.attributesOfItem(atPath: file.path)[.posixPermissions] as? Int
    }

    /// - Returns: its serial number.
    private func check(_ certificate: Data) async throws -> String {
        try await openssl.verify(certificate: certificate, root: Data(authority.trustAnchor.der), at: authority.now)
        let serial = try await openssl.describe(certificate: certificate).serial.lowercased()
        let issued = try #require(try authority.issuedCertificate(serial: serial), "the CA did not issue \(serial)")
        #expect(Data(issued.der) == certificate)
        return serial
    }

    /// The certificate that it holds.
    var certificate: Certificate {
        get throws {
            let serial = try #require(certificates.last)
            return try #require(try authority.issuedCertificate(serial: serial))
        }
    }
}
