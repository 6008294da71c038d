import Foundation
import TestSupport
import Testing

@testable import Gateway
@testable import Output

extension KeyTests.TranscriptTests {
    /// A machine whose keys are on a token.
    private func withToken(_ body: (Machine, SoftHSM, _ lines: [String]) async throws -> Void) async throws {
        let token = try SoftHSM("gate \(UUID().uuidString.prefix(8))")
        defer { try? token.remove() }
        try await withMachine { machine in
            _ = try machine.folder.writePrivate(Array("\(token.pin)\n".utf8), to: "pin")
            let lines = [
                "pkcs11-module = \(SoftHSM.module)", "pkcs11-token = \(token.label)",
                "pkcs11-pin-file = \(machine.folder.path)/pin",
            ]
            try machine.configure(key: lines)
            try await body(machine, token, lines)
        }
    }

    private func count(_ token: SoftHSM) throws -> Int {
        try token.tool(["--list-objects", "--type", "privkey"]).components(separatedBy: "Private Key").count - 1
    }

    /// The public key of what is published, as openssl has it, and of the one key that OpenSC finds on the token.
    private func check(_ machine: Machine, _ token: SoftHSM) throws {
        let folder = machine.folder.path
        let uri = try machine.read("identity/current/key.uri")
        #expect(uri.hasPrefix("pkcs11:token=gate%20") && uri.hasSuffix(";type=private\n"))
        let identifier = try #require(uri.split(separator: ";").first { $0.hasPrefix("id=") })
            .dropFirst(3).replacing("%", with: "")
        try token.tool([
            "--read-object", "--type", "pubkey", "--id", String(identifier), "--output-file", folder + "/public",
        ])
        let mine = try OpenSSL.run(["pkey", "-pubin", "-inform", "DER", "-in", folder + "/public", "-pubout"])
        #expect(
            try OpenSSL.run(["x509", "-in", folder + "/identity/current/cert.pem", "-noout", "-pubkey"]) == mine)
        #expect(!FileManager.default.fileExists(atPath: folder + "/identity/current/key.pem"))
        #expect(try count(token) == 1)
    }

    /// Keys are made on the token, the old ones go, and what needs no key needs no token.
    @Test func keysLiveOnAToken() async throws {
        try await withToken { machine, token, lines in
            let enrolled = await machine.scep("enroll")
            #expect(enrolled.lines.contains("the certificate is in ~/identity/current"))
            try check(machine, token)
            let first = try machine.read("identity/current/key.uri")
            let renewed = await machine.scep("renew")
            #expect(renewed.lines.contains("the certificate is in ~/identity/current"))
            try check(machine, token)
            #expect(try machine.read("identity/current/key.uri") != first)

            // A PIN that is wrong is nothing to a pass that has nothing to do, and ends what has, before the CA is asked.
            _ = try machine.folder.writePrivate(Array("000000\n".utf8), to: "pin")
            machine.ca.state.withLock { $0.asked = [] }
            _ = await machine.scep("agent")
            #expect(try !token.hasSeenWrongPIN())
            let refused = await machine.scep("renew", exits: 6)
            #expect(
                refused.lines == [
                    "scep: error: \(token.label): the token refused the PIN; it is not tried again: put the right one "
                        + "into the PIN's file"
                ])
            let again = await machine.scep("enroll --again", exits: 6)
            #expect(again.lines.last?.contains("the token refused this PIN before, so it was not tried") == true)
            #expect(machine.ca.asked == [])
            _ = try machine.folder.writePrivate(Array("\(token.pin)\n".utf8), to: "pin")
            _ = await machine.scep("renew")
            try check(machine, token)

            // Where the key is is for a person to change.
            try machine.configure(key: [])
            let moved = await machine.scep("renew", exits: 1)
            #expect(moved.lines.last?.hasPrefix("scep: error: the key is on a token, and no token is set") == true)
            _ = await machine.scep("enroll --again")
            #expect(try machine.read("identity/current/key.pem").hasPrefix("-----BEGIN PRIVATE KEY-----"))
            try machine.configure(key: lines)
            let back = await machine.scep("renew", exits: 1)
            #expect(back.lines.last?.hasPrefix("scep: error: the key is in a file, and a token is set") == true)
            _ = await machine.scep("enroll --again")
            try check(machine, token)
        }
    }

    /// While the CA decides, the key of the request is on the token, and is not taken for one that has expired.
    @Test func aRequestThatIsPendingKeepsItsKey() async throws {
        try await withToken { machine, token, _ in
            machine.ca.state.withLock { $0.pending = 2 }
            _ = await machine.scep("enroll", exits: 5)
            #expect(try count(token) == 1)
            _ = try machine.folder.writePrivate(Array("000000\n".utf8), to: "pin")
            machine.ca.state.withLock { $0.asked = [] }
            for command in ["poll", "agent"] { _ = await machine.scep(command, exits: 6) }
            #expect(machine.ca.asked == [])
            _ = try machine.folder.writePrivate(Array("\(token.pin)\n".utf8), to: "pin")
            _ = await machine.scep("poll", exits: 5)
            _ = await machine.scep("poll")
            try check(machine, token)
        }
    }
}
