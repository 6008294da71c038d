import Authority
import AuthorityServer
import Emulator
import EmulationTestSupport
import Foundation
import LibCrypto
import TestSupport
import Testing

/// The whole way, on every board: from a blank device to a certificate that openssl takes.
@Suite struct BoardEnrolmentTests {
    /// What a CA can look like.
    enum Shape: String, CaseIterable {
        case root, intermediate, registrationAuthority, splitRegistrationAuthority

        func configure(_ configuration: inout CAConfiguration) {
            switch self {
            case .root: break
            case .intermediate: configuration.hasIntermediate = true
            case .registrationAuthority: configuration.registrationAuthority = .single
            case .splitRegistrationAuthority: configuration.registrationAuthority = .split
            }
        }
    }

    @Test(arguments: Bench.boards)
    func deviceEnrolsWithTheEmbeddedAuthority(board: BoardKind) async throws {
        try await enrol(board, shape: .root)
    }

    @Test(arguments: Bench.troubledBoards, Shape.allCases.dropFirst())
    func deviceEnrolsWithAnyShapeOfAuthority(board: BoardKind, shape: Shape) async throws {
        try await enrol(board, shape: shape)
    }

    /// An RA whose certificate does not say so could be anyone with a certificate of that CA.
    @Test(arguments: Bench.troubledBoards)
    func unmarkedRegistrationAuthorityIsTrustedOnlyWhenAllowed(board: BoardKind) async throws {
        try await Bench.withAuthority({
            $0.registrationAuthority = .split
            $0.registrationAuthorityMark = nil
        }) { server in
            try await Bench.withDevice(board) { device in
                var record = try Bench.record(board, for: server)
                try device.manufacture(record)
                guard case .failed("unmarked-ra", let sentence) = try await device.enrol().verdict else {
                    Issue.record("the RA was trusted")
                    return
                }
                #expect(sentence.contains("ask the CA's operator for its fingerprint"))
                record.leniencies = [.unmarkedRA]
                try device.manufacture(record)
                let outcome = try await device.enrol()
                #expect(outcome.verdict == .done)
                #expect(outcome.lines.contains { $0.text.hasPrefix("warning: an RA was trusted") })
            }
        }
    }

    private func enrol(_ board: BoardKind, shape: Shape) async throws {
        try await Bench.withAuthority(shape.configure) { server in
            try await Bench.withDevice(board) { device in
                try device.manufacture(Bench.record(board, for: server))
                let outcome = try await device.enrol()
                #expect(outcome.verdict == .done)

                let authority = server.authority
                let identity = try await device.identity(
                    root: authority.trustAnchor.der, intermediates: [authority.issuingCertificate])
                let issued = authority.issuedCertificates()
                try #require(issued.count == 1)
                let known = try #require(try authority.issuedCertificate(serial: issued[0].serial))
                #expect(Data(known.der) == identity.certificate)

                let described = try await OpenSSL(folder: device.folder).describe(certificate: identity.certificate)
                for part in ["CN=sensor-7", "serialNumber=SN-0007", "O=Example"] {
                    #expect(described.subject.contains(part))
                }
                #expect(described.subjectAltName == "DNS:sensor-7.example, IP Address:10.1.2.3")
                #expect(described.key == "RSA 2048 bit")
                #expect(!outcome.lines.contains { $0.text.contains(Bench.password) })
            }
        }
    }

    @Test(arguments: Bench.boards)
    func deviceEnrolsWithScepserverOnlyWhenItsAlgorithmsAreAllowed(board: BoardKind) async throws {
        try await withTemporaryDirectory { folder in
            try await SCEPServer.run(in: folder) { server in
                try await Bench.withDevice(board) { device in
                    var record = try Bench.record(
                        board, port: server.port, root: [UInt8](server.root), challenge: SCEPServer.challenge)
                    try device.manufacture(record)
                    let refused = try await device.enrol()
                    guard case .failed(let kind, let sentence) = refused.verdict else {
                        Issue.record("single DES was taken: \(refused.verdict)")
                        return
                    }
                    // All at once.
                    #expect(kind == "weak-algorithms")
                    #expect(sentence.contains("allow=sha1,des"))
                    await device.expectNoIdentity()

                    record.leniencies = [.singleDES, .sha1]
                    try device.manufacture(record)
                    let accepted = try await device.enrol()
                    #expect(accepted.verdict == .done)
                    for algorithm in ["single DES", "SHA-1"] {
                        #expect(
                            accepted.lines.contains {
                                $0.text
                                    == "warning: \(algorithm) was used, as \(algorithm == "SHA-1" ? "allow=sha1" : "allow=des") permits"
                            })
                    }
                    _ = try await device.identity(root: [UInt8](server.root))
                }
            }
        }
    }

    /// What is hardest on a board's memory: a request as GET, and a reply in BER, in chunks and with the whole chain.
    @Test(arguments: Bench.troubledBoards, ["ndes-old", "ejbca"])
    func deviceEnrolsWithOtherKindsOfServers(board: BoardKind, name: String) async throws {
        let profile = try #require(ServerProfile.all.first { $0.name == name })
        try await Bench.withAuthority({
            $0.behave(as: profile)
            $0.hasIntermediate = name == "ejbca"
        }) { server in
            try await Bench.withDevice(board) { device in
                var record = try Bench.record(board, for: server)
                if let identifier = server.authority.configuration.identifier { record.others["message"] = identifier }
                if name == "ndes-old" { record.leniencies = [.singleDES, .sha1] }
                try device.manufacture(record)
                let outcome = try await device.enrol()
                #expect(outcome.verdict == .done, "\(outcome.lines.map(\.text))")
                let authority = server.authority
                _ = try await device.identity(
                    root: authority.trustAnchor.der, intermediates: [authority.issuingCertificate])
            }
        }
    }

    @Test(arguments: Bench.boards)
    func deviceWithAnIdentityStaysAsItIs(board: BoardKind) async throws {
        try await Bench.withAuthority { server in
            try await Bench.withDevice(board) { device in
                try device.manufacture(Bench.record(board, for: server))
                #expect(try await device.enrol().verdict == .done)
                let stored = try device.readFlash()
                // The CA may be gone by then.
                await server.stop()
                let again = try await device.enrol()
                #expect(again.verdict == .done)
                // A board without a clock asks the CA for the time, and does as well without.
                #expect(again.report?[.messages] == (board.isMachine && !board.hasClock ? 1 : 0))
                #expect(try device.readFlash().identityRegion == stored.identityRegion)
            }
        }
    }

    /// On a factory line, many at once: each gets a certificate of its own.
    @Test func manyDevicesEnrolAtOnce() async throws {
        let boards = Bench.boards + Bench.boards + Bench.boards.filter { $0 == .linux }
        let passwords = boards.indices.map { OneTimePassword(device: "device-\($0)", password: "once-\($0)") }
        try await Bench.withAuthority({ $0.challenge = .oneTime(passwords) }) { server in
            try await withThrowingTaskGroup(of: Verdict.self) { tasks in
                for (number, board) in boards.enumerated() {
                    var record = try Bench.record(board, for: server)
                    record.subject = "CN=device-\(number)"
                    record.challenge = "once-\(number)"
                    let manufactured = record
                    tasks.addTask {
                        try await Bench.withDevice(board) { device in
                            try device.manufacture(manufactured)
                            let outcome = try await device.enrol()
                            _ = try await device.identity(root: server.authority.trustAnchor.der)
                            return outcome.verdict
                        }
                    }
                }
                for try await verdict in tasks { #expect(verdict == .done) }
            }
            #expect(server.authority.issuedCertificates().count == boards.count)
        }
    }

    /// Firmware that makes equal keys on two boards would pass every other test.
    @Test(arguments: Bench.boards)
    func everyDeviceMakesAKeyOfItsOwn(board: BoardKind) async throws {
        try await Bench.withAuthority { server in
            var keys: Set<StoredKey> = []
            for _ in 0..<2 {
                try await Bench.withDevice(board) { device in
                    try device.manufacture(Bench.record(board, for: server))
                    #expect(try await device.enrol().verdict == .done)
                    keys.formUnion(try device.readFlash().privateKeys)
                }
            }
            #expect(keys.count == 2)
        }
    }
}
