import Authority
import Foundation
import LibCrypto
import Testing

/// The program, as a person or a script starts it.
@Suite struct AuthorityCommandTests {
    /// Each is what one option makes it, and other options come before what it is usually set up with.
    @Test(arguments: ServerProfile.all.map(\.name))
    func itIsAnotherKindOfServer(_ name: String) async throws {
        let profile = try #require(ServerProfile.all.first { $0.name == name })
        let (process, output) = try AuthorityProgram.start(
            ["--json", "--profile", name, "--challenge", "word", "--ra", "none", "--key", "rsa2048"])
        defer { if process.isRunning { process.terminate() } }
        let ready = try AuthorityProgram.ready(output)
        let message = profile.setUp.isAskedByName ? "&message=EmbeddedSCEP%20Test%20CA" : ""
        func get(_ operation: String) async throws -> Response {
            try await Wire.exchange(
                port: ready.port, "GET /?operation=\(operation)\(message) HTTP/1.0\r\nHost: ca\r\n\r\n")
        }
        let capabilities = try await get("GetCACaps")
        let text = String(decoding: capabilities.body, as: UTF8.self)
        if profile.operations.contains(.getCACaps) {
            for word in profile.capabilities { #expect(text.contains(word + profile.capabilitySeparator)) }
        } else {
            #expect(!capabilities.statusLine.contains("200"))
        }
        // One certificate, however it is labelled and framed.
        let certificate = try Certificate(pem: [UInt8](Data(contentsOf: URL(fileURLWithPath: ready.certificate))))
        let answer = try await get("GetCACert")
        #expect(answer.body.count >= certificate.der.count && answer.body.contains(certificate.der))
        let type = profile.mediaTypes.certificate
        #expect(answer.fields.contains("Content-Type: \(type)"))
    }

    @Test(arguments: [SIGTERM, SIGINT])
    func itStartsByOneCommandAndStopsCleanly(_ number: Int32) async throws {
        let (process, output) = try AuthorityProgram.start(["--json", "--policy", "manual", "--clock-offset", "-1d"])
        defer { if process.isRunning { process.terminate() } }
        let ready = try AuthorityProgram.ready(output)
        let certificate = try Certificate(pem: [UInt8](Data(contentsOf: URL(fileURLWithPath: ready.certificate))))
        #expect(try certificate.fingerprint(.sha256).hexadecimal == ready.sha256)
        #expect(try certificate.fingerprint(.sha512).hexadecimal == ready.sha512)
        let answer = try await Wire.exchange(
            port: ready.port, "GET /?operation=GetCACert HTTP/1.0\r\nHost: ca\r\n\r\n")
        #expect(answer.body == certificate.der)

        let client = try Client()
        let message = try client.message(.pkcsReq, client.request(), transactionID: "shell", for: certificate)
        #expect(try Reply(await Wire.post(port: ready.port, message).body).status == .pending)
        let (approval, serial) = try AuthorityProgram.start(["approve", "--admin-port", "\(ready.adminPort)", "shell"])
        let text = try #require(String(data: serial.readToEnd() ?? Data(), encoding: .utf8))
        approval.waitUntilExit()
        #expect(approval.terminationStatus == 0)
        let reply = try Reply(await Wire.post(port: ready.port, message).body)
        let issued = try #require(try reply.certificates(for: client).first)
        #expect(text.trimmingCharacters(in: .newlines) == issued.serialText)

        let times = try ["+1d", "-2d"].map { move in
            let (process, output) = try AuthorityProgram.start(["clock", move, "--admin-port", "\(ready.adminPort)"])
            let text = String(decoding: try output.readToEnd() ?? Data(), as: UTF8.self)
            process.waitUntilExit()
            return try Date(text.trimmingCharacters(in: .newlines), strategy: .iso8601)
        }
        #expect(abs(times[0].timeIntervalSince(times[1]) - 2 * 86_400) < 60)

        kill(process.processIdentifier, number)
        process.waitUntilExit()
        #expect(process.terminationReason == .exit)
        #expect(process.terminationStatus == 0)
        #expect(!FileManager.default.fileExists(atPath: ready.certificate))
    }

    @Test(arguments: [
        ["--ra", "double"], ["--policy", "refuse", "--fail-info", "7"], ["--fault", "fire"], ["--lifetime", "long"],
        ["--clock-offset", "soon"],
        ["--message-types", "CertReply"], ["--profile", "nobody"],
        ["--challenge", "a", "--challenge-file", "b"], ["--key", "p256"], ["--poll-after", "0"],
    ])
    func aWrongOptionEndsIt(_ arguments: [String]) throws {
        let (process, output) = try AuthorityProgram.start(arguments)
        _ = try output.readToEnd()
        process.waitUntilExit()
        #expect(process.terminationStatus != 0)
    }
}
