import Authority
import AuthorityServer
import CSCEP
import EmulationTestSupport
import Foundation
import TestSupport
import Testing

@Suite struct EnrolmentInCTests {
    private func configuration(_ server: AuthorityServer, key: String = "p256", _ more: String = "") throws -> String {
        """
        url=\(server.url)
        fingerprint=\(try server.authority.trustAnchor.fingerprint(.sha256).hexadecimal)
        subject=CN=device in C
        challenge=line
        challenge-use=always
        key=\(key)
        retries=0
        \(more)
        """
    }

    private func withServer(
        _ configure: (inout CAConfiguration) -> Void = { _ in }, _ body: (AuthorityServer) async throws -> Void
    ) async throws {
        var configuration = CAConfiguration()
        configuration.challenge = .shared("line")
        configure(&configuration)
        let server = try await AuthorityServer(try Authority(configuration))
        try await body(server)
        await server.stop()
    }

    /// The program of Examples/c-enrol, which is what a stranger sees first.
    @Test(arguments: ["p256", "rsa2048"])
    func theExampleEnrolsOnce(key: String) async throws {
        try await withServer { server in
            try withTemporaryDirectory { folder in
                let text = try folder.write(Array(try configuration(server, key: key).utf8), to: "c.conf")
                let place = folder.appending(path: "identity")
                try FileManager.default.createDirectory(at: place, withIntermediateDirectories: true)
                for _ in 0..<2 {
                    let result = try Self.enrol(text, place)
                    #expect(result.status == 0, "\(result.output)")
                }
                let issued = try Self.issued(by: server)
                #expect(issued.count == 1)
                let certificate = try Data(contentsOf: place.appending(path: "certificate.der"))
                #expect([[UInt8](certificate)] == issued)
                // Damage of a byte shows, and nothing is asked of the CA for it.
                let file = place.appending(path: "identity")
                var bytes = try Data(contentsOf: file)
                bytes[bytes.count / 2] ^= 1
                try bytes.write(to: file)
                let result = try Self.enrol(text, place)
                #expect(result.status == 1 && result.output.contains("error storage-corrupt"), "\(result.output)")
                #expect(server.authority.issuedCertificates().count == 1)
            }
        }
    }

    private static func issued(by server: AuthorityServer) throws -> [[UInt8]] {
        try server.authority.issuedCertificates().compactMap {
            try server.authority.issuedCertificate(serial: $0.serial).map { [UInt8]($0.der) }
        }
    }

    private static func enrol(_ configuration: String, _ folder: URL) throws -> (status: Int32, output: String) {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: example)
        process.arguments = [configuration, folder.path]
        let output = Pipe()
        process.standardOutput = output
        try process.run()
        let said = output.fileHandleForReading.readDataToEndOfFile()
        process.waitUntilExit()
        return (process.terminationStatus, String(decoding: said, as: UTF8.self))
    }

    private static let example = URL(fileURLWithPath: CommandLine.arguments[0]).deletingLastPathComponent()
        .appending(path: "c-enrol").path

    /// On flash, with the transport's table; the certificate, its chain and its key as an application uses them.
    @Test(arguments: ["p256", "rsa2048"])
    func attendsAndSigns(key: String) async throws {
        try await withServer { server in
            let device = CDevice(try configuration(server, key: key))
            #expect(device.start() == SCEP_OK)
            #expect(device.certificate == nil && device.kind == "none")
            #expect(CTransport().attend(device) == SCEP_OK, "\(device.error)")
            let certificate = try #require(device.certificate)
            #expect(try [certificate] == Self.issued(by: server))
            #expect(device.certificates.last == certificate)
            #expect(device.chain == [UInt8](server.authority.trustAnchor.der))
            #expect(device.outcomes == [SCEP_OUTCOME_ISSUED])
            var next = scep_next_action()
            #expect(scep_next(device.agent, &next) == SCEP_OK && next.action == SCEP_NEXT_RENEW)
            #expect(next.time > Int64(Date().timeIntervalSince1970))
            // After a reset it is there, and openssl verifies what it signs.
            #expect(device.start() == SCEP_OK)
            #expect(CTransport().attend(device) == SCEP_OK)
            #expect(server.authority.issuedCertificates().count == 1)
            try verify(device, certificate)
        }
    }

    private func verify(_ device: CDevice, _ certificate: [UInt8]) throws {
        try withTemporaryDirectory { folder in
            let content = Array("signed by the device".utf8)
            let text = try folder.write(content, to: "content")
            let digest = try OpenSSL.run(["dgst", "-sha256", "-binary", text])
            let signature = try #require(device.sign(digest))
            let der = try folder.write(certificate, to: "certificate.der")
            let pem = try OpenSSL.run(["x509", "-inform", "DER", "-in", der, "-pubkey", "-noout"])
            let key = try folder.write(pem, to: "key.pem")
            let file = try folder.write(signature, to: "signature")
            let said = try OpenSSL.run(["dgst", "-sha256", "-verify", key, "-signature", file, text])
            #expect(String(decoding: said, as: UTF8.self) == "Verified OK\n")
            #expect(device.sign(digest, capacity: signature.count - 8) == nil && device.kind == "too-small")
            #expect(device.sign(Array(digest.dropLast())) == nil && device.kind == "usage")
        }
    }

    /// A main loop with an HTTP client of its own; GET where the CA takes no POST.
    @Test(arguments: [false, true])
    func stepByStep(isGet: Bool) async throws {
        try await withServer {
            if isGet {
                ($0.profile.capabilities, $0.profile.post) = (["SHA-256", "AES", "SCEPStandard"], .status(405))
            }
        } _: { server in
            let device = CDevice(try configuration(server))
            #expect(device.start() == SCEP_OK)
            let status = HTTPClient.drive(device)
            #expect(status == 0, "\(device.error)")
            #expect(try device.certificate.map { [$0] } == Self.issued(by: server))
        }
    }

    /// An RSA key is made in parts: the power may go between two of them, and the watchdog is fed in each.
    @Test func aKeyIsMadeInParts() async throws {
        try await withServer { server in
            let device = CDevice(try configuration(server, key: "rsa2048"))
            #expect(device.start() == SCEP_OK)
            // Two requests, and then parts of a key, of which there are twelve at least.
            #expect(HTTPClient.drive(device) { $0 == 10 } == nil)
            #expect(device.lines.filter { $0.contains("key") }.count == 1, "\(device.lines)")
            #expect(device.start() == SCEP_OK)
            var steps = 0
            var fed = device.aliveCalls
            let status = HTTPClient.drive(device) { number in
                // What is drawn from first is the seed's successor, for the first request's transaction.
                if number > 4, number <= 14 { #expect(device.aliveCalls > fed) }
                fed = device.aliveCalls
                steps = number
                return false
            }
            #expect(status == 0, "\(device.error)")
            #expect(steps > 16)
            #expect(device.lines.filter { $0.contains("key") }.count == 2, "\(device.lines)")
            #expect(try device.certificate.map { [$0] } == Self.issued(by: server))
        }
    }

    /// Wherever the power goes, the next start goes on with the same transaction, and no second certificate is issued.
    @Test func thePowerIsCutBetweenAnyTwoSteps() async throws {
        try await withServer { server in
            var cut = 1
            while true {
                let before = server.authority.issuedCertificates().count
                let device = CDevice(try configuration(server))
                #expect(device.start() == SCEP_OK)
                let wasCut = HTTPClient.drive(device) { $0 == cut } == nil
                #expect(device.start() == SCEP_OK)
                #expect(HTTPClient.drive(device) == 0, "\(cut): \(device.error)")
                #expect(server.authority.issuedCertificates().count == before + 1, "\(cut)")
                if !wasCut { break }
                cut += 1
            }
            #expect(cut > 6)
        }
    }

    /// Likewise while the CA is away: whoever sleeps by what is said comes in time, however often the power goes.
    @Test func aFailureIsTriedAgainInItsTime() throws {
        let device = CDevice(
            """
            url=http://127.0.0.1:1/scep
            fingerprint=\(String(repeating: "ab", count: 32))
            subject=CN=x
            key=p256
            challenge=x
            challenge-use=always
            retries=3
            retry=1000
            """)
        var next = scep_next_action()
        // The first wait is between half of what was configured and all of it, by chance.
        var first: Int64?
        for offset in [Int64(0), 150, 300] {
            device.clockOffset = offset
            #expect(device.start() == SCEP_OK)
            #expect(CTransport().attend(device) == SCEP_AGAIN, "\(device.error)")
            #expect(!device.error.isEmpty)
            #expect(scep_next(device.agent, &next) == SCEP_OK && next.action == SCEP_NEXT_RETRY)
            let wait = first ?? next.seconds
            first = wait
            // In whole seconds, of which one may have begun.
            #expect(
                499...1_000 ~= wait && next.seconds <= wait - offset + 1 && next.seconds > 0,
                "\(next.seconds) of \(wait)")
        }
        device.clockOffset = 2_000
        #expect(device.start() == SCEP_OK)
        let transport = CTransport()
        #expect(transport.attend(device) == SCEP_AGAIN)
        #expect(transport.hosts == ["127.0.0.1"], "its time has come")
    }

    /// Without `sleep` it does not wait, and says when to come back.
    @Test func approvalByAPersonIsPending() async throws {
        try await withServer {
            $0.policy = .manual
        } _: { server in
            let device = CDevice(try configuration(server, "poll=3000"))
            #expect(device.start() == SCEP_OK)
            #expect(CTransport().attend(device) == SCEP_PENDING)
            var next = scep_next_action()
            #expect(scep_next(device.agent, &next) == SCEP_OK && next.action == SCEP_NEXT_POLL, "\(next)")
            #expect(device.outcomes.contains(SCEP_OUTCOME_PENDING) && device.kind == "pending")
            // The wait goes on after a reset, and a device that has no certificate is not done.
            for _ in 0..<2 {
                #expect(device.start() == SCEP_OK)
                #expect(CTransport().attend(device) == SCEP_PENDING && device.kind == "pending", "\(device.error)")
                #expect(scep_next(device.agent, &next) == SCEP_OK && next.action == SCEP_NEXT_POLL)
                #expect((1...3_000).contains(next.seconds))
                #expect(device.kind == "pending", "what can be read does not change it")
            }
        }
    }
}
