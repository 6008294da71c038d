import Authority
import AuthorityServer
import Emulator
import Foundation
import LibCrypto
import Testing

/// An emulated gateway with its disk, and what is known of it: the certificates that it held, in their order.
///
/// What it holds is read from its disk, whatever it says, and judged by `openssl`.
struct Gateway {
    let machine: Machine
    let authority: Authority
    /// Serial numbers, hexadecimal.
    private(set) var held: [String] = []
    private(set) var starts = 0
    private(set) var cuts = 0
    /// Disks that were read.
    private(set) var states = 0

    private let openssl: OpenSSL
    /// By what a disk has under /var/lib/scep.
    private var judgements: [Data: String?] = [:]

    /// A gateway for `body`, with an authority of its own, in a folder that is removed afterwards.
    static func with(
        _ kind: MachineKind, _ settings: [String: String], _ body: (inout Gateway) async throws -> Void
    ) async throws {
        let folder = FileManager.default.temporaryDirectory.appending(path: "boot-\(UUID().uuidString)")
        defer { try? FileManager.default.removeItem(at: folder) }
        var configuration = Configuration()
        configuration.challenge = .oneTime([OneTimePassword(device: "", password: "password-of-the-site")])
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
        for path in ["etc/scep", "var/lib/scep"] {
            try FileManager.default.createDirectory(
                at: contents.appending(path: path), withIntermediateDirectories: true)
        }
        var record = ProvisioningRecord(
            url: "http://\(Machine.loopback):\(server.port)/scep",
            fingerprint: try Digest.sha256.hash(server.authority.trustAnchor.der).hexadecimal,
            challenge: "password-of-the-site", subject: "CN=gateway-7,O=Example")
        record.others = settings.merging(["jitter": "0", "retries": "0"]) { $1 }
        try Data(FlashImage(record: record).bytes).write(to: contents.appending(path: "var/lib/scep/flash.bin"))

        machine = Machine(kind: kind, files: kind.files(in: Self.project), folder: folder)
        authority = server.authority
        openssl = OpenSSL(folder: folder)
        try await DiskImage(machine.disk).make(from: contents, size: 16)
    }

    static let project = URL(filePath: #filePath).deletingLastPathComponent()
        .appending(path: "../../..").standardizedFileURL

    /// For one start, on a machine that has other things to do.
    private static let timeLimit = Duration.seconds(240)

    /// When power is cut.
    struct Moment: CustomStringConvertible {
        /// After the first line with this text.
        let line: String
        /// So much later.
        var delay = Duration.zero

        var description: String { "\(delay) after \"\(line)\"" }
    }

    /// Starts the gateway, lets it do what `words` say and switch itself off; at every operation on the disk, or as many of
    /// them as `sample` says, sees what it would have held had power been cut there.
    mutating func run(_ words: String..., sample: Int, using random: inout SplitMix64) async throws {
        let before = try Data(contentsOf: machine.disk)
        let (run, log) = try await machine.powerUp(words, clock: authority.now, timeLimit: Self.timeLimit) {
            try await $0.end()
        }
        starts += 1
        print("boot: \(machine.kind) \(words) took \(run.duration.seconds) s, \(log.operations.count) operations")
        let texts = run.lines.map(\.text)
        #expect(run.ending == .exited(0) && texts.contains("boot: exit 0"), "\(texts)")

        let after = log.image(from: before, cut: DiskCut(at: log.operations.count, unflushed: .kept))
        let new = try await holding(after, "at its end")
        var seen = held.last
        for position in (0...log.operations.count).shuffled(using: &random).prefix(sample).sorted() {
            // What is flushed stays, so that from some flush on it is the new one.
            let safe = DiskCut(at: position, unflushed: .lost)
            let serial = try await holding(log.image(from: before, cut: safe), "\(safe)")
            #expect(serial == seen || serial == new, "\(words): cut at \(safe), \(seen ?? "none") became \(serial ?? "none")")
            seen = serial
            let torn = DiskCut(at: position, unflushed: .some(random.next()))
            let other = try await holding(log.image(from: before, cut: torn), "\(torn)")
            #expect(other == seen || other == new, "\(words): cut at \(torn), \(seen ?? "none") became \(other ?? "none")")
        }
        try after.write(to: machine.disk)
        note(new)
    }

    /// Starts the gateway and cuts its power; what its disk had not flushed is lost, kept or torn as it comes.
    ///
    /// - Returns: whether it was cut before it had switched itself off.
    @discardableResult
    mutating func cut(_ words: String..., at moment: Moment, using random: inout SplitMix64) async throws -> Bool {
        let before = try Data(contentsOf: machine.disk)
        let (run, log) = try await machine.powerUp(words, clock: authority.now, timeLimit: Self.timeLimit) { running in
            try await running.line(containing: moment.line)
            try await Task.sleep(for: moment.delay)
            running.kill()
        }
        starts += 1
        let wasCut = run.ending == .signalled(9)
        if wasCut { cuts += 1 }
        let cut = DiskCut(at: log.operations.count, unflushed: .some(random.next()))
        let image = log.image(from: before, cut: cut)
        let serial = try await holding(image, "\(moment)")
        print("boot: \(machine.kind) \(words) cut \(moment), after \(log.operations.count) operations: \(serial ?? "none")")
        // What it says that it was issued, it has.
        let said = run.lines.map(\.text).last { $0.contains(" outcome=issued ") }.flatMap { field("serial", of: $0) }
        #expect(said == nil || said == serial, "\(moment): it said that it had \(said ?? "")")
        try image.write(to: machine.disk)
        note(serial)
        return wasCut
    }

    private mutating func note(_ serial: String?) {
        if let serial, serial != held.last {
            #expect(!held.contains(serial), "it went back to \(serial), which it had left")
            held.append(serial)
        }
    }

    /// The serial number of the certificate that a disk has, with its key.
    private mutating func holding(_ image: Data, _ state: String) async throws -> String? {
        states += 1
        let disk = DiskImage(machine.folder.appending(path: "disk.cut"))
        try image.write(to: disk.file)
        let folder = machine.folder.appending(path: "disk.read")
        try? FileManager.default.removeItem(at: folder)
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        try await disk.recover()
        try await disk.extract("/var/lib/scep", into: folder)
        let file = folder.appending(path: "scep/store/identity")
        let stored = FileManager.default.fileExists(atPath: file.path) ? try Data(contentsOf: file) : Data()
        if let known = judgements[stored] { return known }
        let serial = try await judge(FlashImage(bytes: [UInt8](stored)))
        judgements[stored] = serial
        #expect(serial != nil || held.isEmpty, "it had \(held), and has nothing: cut \(state)")
        return serial
    }

    private func judge(_ image: FlashImage) async throws -> String? {
        let identity: Identity
        do {
            identity = try await openssl.identity(in: image)
        } catch is IdentityError {
            return nil
        }
        try await openssl.verify(
            certificate: identity.certificate, root: Data(authority.trustAnchor.der), at: authority.now)
        let serial = try await openssl.describe(certificate: identity.certificate).serial.lowercased()
        let issued = try #require(try authority.issuedCertificate(serial: serial), "the CA did not issue \(serial)")
        #expect(Data(issued.der) == identity.certificate)
        return serial
    }

    /// The certificate that it holds.
    var certificate: Certificate {
        get throws {
            let serial = try #require(held.last)
            return try #require(try authority.issuedCertificate(serial: serial))
        }
    }
}

/// The value of a field of an event line, its subject apart.
private func field(_ name: String, of event: String) -> String? {
    event.split(separator: " ").first { $0.hasPrefix("\(name)=") }.map { String($0.dropFirst(name.count + 1)) }
}
