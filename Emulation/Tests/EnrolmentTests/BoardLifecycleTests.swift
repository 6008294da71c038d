import Authority
import AuthorityServer
import Emulator
import EmulationTestSupport
import Foundation
import LibCrypto
import TestSupport
import Testing

/// What comes after the first certificate, on every board. The boards that are programs have this machine's clock; the
/// emulated machines have none, and learn the time from the CA, or one that is set to the CA's time.
@Suite struct BoardLifecycleTests {
    private static let day: TimeInterval = 86_400

    /// A record that `settings` are added to.
    private func record(
        _ board: BoardKind, for server: AuthorityServer, _ settings: [String: String]
    ) throws -> ProvisioningRecord {
        var record = try Bench.record(board, for: server)
        record.key = settings["key"]
        // An exchange that fails on a machine that is busy is not what these tests are about.
        record.others["retries"] = "5"
        record.others.merge(settings.filter { $0.key != "key" }) { $1 }
        record.others["jitter"] = "0"
        return record
    }

    // A renewal becomes due between two runs. For the CA, and a board that asks it for the time, 25 days pass. Boards that
    // have the machine's clock are told to renew when a hundredth of a certificate's life has passed since it was issued, and
    // to renew late again before anything else is looked at.

    private static func configure(_ configuration: inout CAConfiguration, _ board: BoardKind) {
        if board.isMachine { configuration.clockOffset = -25 * day } else { configuration.lifetime = 1000 }
    }

    private static func wait(_ board: BoardKind, _ server: AuthorityServer) async throws {
        if board.isMachine {
            server.authority.moveClock(by: 25 * day)
        } else {
            try await Task.sleep(for: .seconds(11))
        }
    }

    private static let notDue = ["renew": "90"]
    private static func due(_ board: BoardKind) -> [String: String] { board.isMachine ? [:] : ["renew": "1"] }

    @Test(arguments: Bench.boards)
    func certificateIsRenewedWithANewKey(board: BoardKind) async throws {
        try await Bench.withAuthority({ Self.configure(&$0, board) }) { server in
            try await Bench.withDevice(board, clockOf: server) { device in
                try device.manufacture(record(board, for: server, Self.notDue))
                #expect(try await device.enrol().verdict == .done)
                let first = try await device.currentCertificate(server.authority)

                try await Self.wait(board, server)
                try device.instruct(record(board, for: server, Self.due(board)))
                let run = try await device.enrol()
                #expect(run.verdict == .done)
                #expect(run.events.contains { $0.hasPrefix("event operation=RenewalReq outcome=issued") })
                try device.instruct(record(board, for: server, Self.notDue))
                let second = try await device.currentCertificate(server.authority)
                #expect(second.serial != first.serial && second.publicKey != first.publicKey)
                #expect(second.notAfter > first.notAfter)
                try await OpenSSL(folder: device.folder)
                    .verify(certificate: Data(second.der), root: Data(server.authority.trustAnchor.der))
                // Both were asked for with keys of their own, and one password in one transaction.
                #expect(server.authority.ledger.transactionIDsOfSeveralKeys.isEmpty)
                #expect(server.authority.ledger.challengesOfSeveralTransactions.isEmpty)
            }
        }
    }

    @Test(arguments: Bench.boards, ["p256", "p384"])
    func ecDeviceEnrolsRenewsAndChecksItself(board: BoardKind, key: String) async throws {
        // One curve on all boards, the other where it is quick.
        if key == "p384", board.isMachine { return }
        let settings = ["key": key, "challenge-use": "always", "check": "crl,certificate"]
        try await Bench.withAuthority({
            Self.configure(&$0, board)
            $0.crlLifetime = 60 * Self.day
        }) { server in
            try await Bench.withDevice(board, clockOf: server) { device in
                try device.manufacture(record(board, for: server, settings.merging(Self.notDue) { $1 }))
                let enrolment = try await device.enrol()
                #expect(enrolment.verdict == .done, "\(enrolment.lines.map(\.text))")
                #expect(
                    enrolment.outcomes == [
                        "operation=PKCSReq outcome=issued", "operation=GetCRL outcome=not-revoked",
                        "operation=GetCert outcome=known",
                    ])
                try await Self.wait(board, server)
                try device.instruct(record(board, for: server, settings.merging(Self.due(board)) { $1 }))
                let renewal = try await device.enrol()
                #expect(renewal.verdict == .done, "\(renewal.lines.map(\.text))")
                #expect(renewal.outcomes.contains("operation=RenewalReq outcome=issued"))
                try device.instruct(record(board, for: server, settings.merging(Self.notDue) { $1 }))
                let certificate = try await device.currentCertificate(server.authority)
                let openssl = OpenSSL(folder: device.folder)
                try await openssl.verify(
                    certificate: Data(certificate.der), root: Data(server.authority.trustAnchor.der))
                let described = try await openssl.describe(certificate: Data(certificate.der))
                #expect(described.key == (key == "p256" ? "EC 256 bit" : "EC 384 bit"))

                try server.authority.revoke(serial: certificate.serialText)
                let revoked = try await device.enrol()
                guard case .failed("revoked", _) = revoked.verdict else {
                    Issue.record("it does not see that it is revoked: \(revoked.lines.map(\.text))")
                    return
                }
            }
        }
    }

    /// The next CA of one that is 51 of its 60 days old has begun yesterday. The emulated machine is told by its CA that
    /// it was there before; the others come late, and get its certificate at once.
    @Test(arguments: Bench.boards)
    func deviceFollowsItsCAToTheNext(board: BoardKind) async throws {
        try await Bench.withAuthority({
            $0.clockOffset = -51 * Self.day
            $0.authorityLifetime = 60 * Self.day
            $0.lifetime = 100 * Self.day
            $0.hasNextCA = true
            $0.nextCABeginsIn = 50 * Self.day
        }) { server in
            try await Bench.withDevice(board, clockOf: server) { device in
                let authority = server.authority
                let nextCA = try #require(authority.nextTrustAnchor)
                try device.manufacture(
                    record(board, for: server, ["key": "p256", "challenge-use": "always"]))
                if !board.isMachine { authority.moveClock(by: 51 * Self.day) }
                let first = try await device.enrol()
                #expect(first.verdict == .done, "\(first.lines.map(\.text))")
                if board.isMachine {
                    authority.moveClock(by: 45 * Self.day)
                    let early = try await device.enrol()
                    #expect(
                        early.outcomes == [
                            "operation=- outcome=current", "operation=GetNextCACert outcome=next-ca",
                            "operation=RenewalReq outcome=issued-early",
                        ], "\(early.lines.map(\.text))")
                    #expect(
                        try await device.currentCertificate(authority).isSigned(by: authority.trustAnchor.publicKey))
                    authority.moveClock(by: 6 * Self.day)
                    try authority.rollOver()
                    let late = try await device.enrol()
                    #expect(
                        late.outcomes == ["operation=- outcome=current", "operation=- outcome=taken-over"],
                        "\(late.lines.map(\.text))")
                } else {
                    #expect(
                        first.outcomes == [
                            "operation=PKCSReq outcome=issued", "operation=GetNextCACert outcome=next-ca",
                            "operation=RenewalReq outcome=issued",
                        ])
                }
                let certificate = try await device.currentCertificate(authority)
                try await OpenSSL(folder: device.folder)
                    .verify(certificate: Data(certificate.der), root: Data(nextCA.der))
            }
        }
    }

    /// micromdm wants the password in renewals too.
    @Test(arguments: Bench.boards)
    func deviceRenewsWithScepserver(board: BoardKind) async throws {
        try await withTemporaryDirectory { folder in
            try await SCEPServer.run(in: folder) { server in
                try await Bench.withDevice(board) { device in
                    var record = try Bench.record(
                        board, port: server.port, root: [UInt8](server.root), challenge: SCEPServer.challenge)
                    record.leniencies = [.singleDES, .sha1]
                    record.others.merge(["challenge-use": "always", "jitter": "0", "renewal-key": "same"]) { $1 }
                    try device.manufacture(record)
                    let first = try await device.enrol()
                    #expect(first.verdict == .done, "\(first.lines.map(\.text))")
                    let issued = try #require(first.events.first { $0.contains("outcome=issued") })
                    // It counts in seconds, and a certificate of the same second is not valid for longer.
                    try await Task.sleep(for: .seconds(2))
                    // The operator says that 25 days have passed.
                    record.others["time"] = "\(Int(Date().timeIntervalSince1970) + 25 * Int(Self.day))"
                    try device.instruct(record)
                    let second = try await device.enrol()
                    #expect(second.verdict == .done, "\(second.lines.map(\.text))")
                    let renewed = try #require(second.events.first { $0.contains("outcome=issued") })
                    #expect(renewed.hasPrefix("event operation=RenewalReq"))
                    #expect(field("serial", of: renewed) != field("serial", of: issued))
                    _ = try await device.identity(root: [UInt8](server.root))
                }
            }
        }
    }
}

/// The value of a field of an event line, its subject apart.
func field(_ name: String, of event: String) -> String? {
    event.split(separator: " ").first { $0.hasPrefix("\(name)=") }.map { String($0.dropFirst(name.count + 1)) }
}

extension Outcome {
    var events: [String] { lines.map(\.text).filter { $0.hasPrefix("event ") } }

    /// `operation=… outcome=…` of each event.
    var outcomes: [String] {
        events.map { $0.split(separator: " ").dropFirst().prefix(2).joined(separator: " ") }
    }
}

extension Device {
    /// Gives the device another provisioning record, and leaves it what it has.
    func instruct(_ record: ProvisioningRecord) throws {
        let new = try FlashImage(record: record, regions: board.regions)
        let old = try readFlash().bytes[board.regions.identity]
        try write(FlashImage(bytes: Array(new.bytes[..<old.startIndex]) + old, regions: board.regions))
    }

    /// The certificate that the device says it holds, at a start at which nothing is due: the CA's database knows it,
    /// and its key lies in the flash.
    func currentCertificate(_ authority: Authority) async throws -> Certificate {
        let run = try await Bench.gate.pass {
            try await powerUp(timeLimit: .hang) { try await $0.line(containing: "outcome=current").text }
        }
        let serial = try #require(field("serial", of: run.value))
        let certificate = try #require(try authority.issuedCertificate(serial: serial))
        #expect(try field("fingerprint", of: run.value) == certificate.fingerprint(.sha256).hexadecimal)
        #expect(
            try await holdsKey(of: certificate), "the key of the certificate that it holds is not in its flash")
        return certificate
    }

    /// Whether the key of a certificate lies in the flash, among those of certificates that were before it.
    func holdsKey(of certificate: Certificate) async throws -> Bool {
        let openssl = OpenSSL(folder: folder)
        let wanted = try await openssl.publicKey(certificate: Data(certificate.der))
        for key in try readFlash().privateKeys where try await openssl.publicKey(of: key) == wanted { return true }
        return false
    }
}
