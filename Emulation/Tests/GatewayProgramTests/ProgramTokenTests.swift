import AuthorityServer
import Emulator
import Foundation
import Testing

/// Keys that stay on a token: SoftHSM as the PKCS#11 module, what is on it read by OpenSC.
@Suite(.serialized) struct ProgramTokenTests {
    /// A gateway with a token of its own, and what its configuration says of it.
    private func withToken(
        _ kind: Kind = .amd64, _ lines: [String] = [], _ body: (Gateway, AuthorityServer) async throws -> Void
    ) async throws {
        try await withAuthority { server in
            try await Gateway.with(kind) { gateway in
                try FileManager.default.createDirectory(
                    at: gateway.folder.appending(path: "tokens"), withIntermediateDirectories: false)
                try gateway.write("softhsm2.conf", "directories.tokendir = \(gateway.folder.path)/tokens\n")
                try gateway.write("pin", "271828\n", mode: 0o600)
                let made = try await gateway.shell(
                    "export SOFTHSM2_CONF=$PWD/softhsm2.conf; softhsm2-util --init-token --free --label gateway"
                        + " --pin 271828 --so-pin 12345678")
                #expect(made.ending == .exited(0), "\(made)")
                let token = [
                    "pkcs11-module = /usr/lib/softhsm/libsofthsm2.so", "pkcs11-token = gateway",
                    "pkcs11-pin-file = \(gateway.folder.path)/pin",
                ]
                try gateway.configure(for: server, token + lines)
                try await body(gateway, server)
            }
        }
    }

    private func scep(_ gateway: Gateway, _ arguments: String) async throws -> Outcome {
        try await gateway.shell("SOFTHSM2_CONF=$PWD/softhsm2.conf exec $SCEP \(arguments) -f scep.conf")
    }

    /// What is on the token, as OpenSC lists it.
    private func objects(_ gateway: Gateway) async throws -> Outcome {
        try await gateway.shell(
            "SOFTHSM2_CONF=$PWD/softhsm2.conf pkcs11-tool --module /usr/lib/softhsm/libsofthsm2.so"
                + " --token-label gateway --login --pin 271828 --list-objects")
    }

    @Test(arguments: ["rsa2048", "p256"])
    func keyIsMadeOnTheTokenAndNeverLeavesIt(key: String) async throws {
        try await withToken(.amd64, ["key = \(key)", "challenge-use = always"]) { gateway, server in
            let enrolled = try await scep(gateway, "enroll")
            #expect(enrolled.ending == .exited(0), "\(enrolled)")
            let list = try await objects(gateway).lines
            #expect(list.filter { $0.contains("Private Key Object") }.count == 1, "\(list)")
            #expect(list.contains { $0.contains("Access:") && $0.contains("never extractable") }, "\(list)")
            #expect(!FileManager.default.fileExists(atPath: gateway.current.path + "/key.pem"))
            let uri = try gateway.read("identity/current/key.uri")
            #expect(uri.hasPrefix("pkcs11:") && uri.contains("token=gateway") && !uri.contains("271828"))
            // The certificate is for the key that OpenSC reads from the token.
            let match = try await gateway.shell(
                """
                export SOFTHSM2_CONF=$PWD/softhsm2.conf
                pkcs11-tool --module /usr/lib/softhsm/libsofthsm2.so --token-label gateway --read-object --type pubkey \
                  --label scep -o public.der
                openssl pkey -pubin -inform DER -in public.der -pubout > one
                openssl x509 -in identity/current/cert.pem -noout -pubkey | cmp - one
                """)
            #expect(match.ending == .exited(0), "\(match)")
            // Renewals: decrypted and signed by the token, the key of before cleared away.
            server.authority.moveClock(by: 200)
            let renewed = try await scep(gateway, "renew")
            #expect(renewed.ending == .exited(0), "\(renewed)")
            let left = try await objects(gateway).lines
            #expect(left.filter { $0.contains("Private Key Object") }.count == 1, "\(left)")
            #expect(try await scep(gateway, "crl").ending == .exited(0))
        }
    }

    @Test func wrongPINIsTriedOnceHoweverOftenTheTimerComes() async throws {
        try await withToken { gateway, server in
            try gateway.write("pin", "000000\n", mode: 0o600)
            for number in 0..<5 {
                let outcome = try await scep(gateway, "agent")
                #expect(outcome.ending == .exited(6), "\(outcome)")
                #expect(outcome.error?.contains("PIN") == true, "\(number): \(outcome)")
                #expect(!outcome.lines.contains { $0.contains("000000") || $0.contains("asking the CA") })
            }
            try gateway.write("pin", "271828\n", mode: 0o600)
            #expect(try await scep(gateway, "agent").ending == .exited(0), "the token is locked")
            #expect(server.authority.issuedCertificates().count == 1)
        }
    }

    @Test func tokenWithoutTheKeyCostsNothing() async throws {
        try await withToken(.amd64, ["challenge-use = always"]) { gateway, server in
            #expect(try await scep(gateway, "enroll").ending == .exited(0))
            let wiped = try await gateway.shell(
                "export SOFTHSM2_CONF=$PWD/softhsm2.conf; softhsm2-util --delete-token --token gateway &&"
                    + " softhsm2-util --init-token --free --label gateway --pin 271828 --so-pin 12345678")
            #expect(wiped.ending == .exited(0), "\(wiped)")
            server.authority.moveClock(by: 200)
            let outcome = try await scep(gateway, "renew")
            #expect(outcome.ending == .exited(6), "\(outcome)")
            #expect(outcome.error?.contains("key") == true, "\(outcome)")
            #expect(FileManager.default.fileExists(atPath: gateway.current.path + "/cert.pem"))
            // From here a person has to decide: a new key.
            #expect(try await scep(gateway, "enroll --again").ending == .exited(0))
        }
    }

    /// Where the key is is for a person to change, never a side effect of a renewal.
    @Test func keysDoNotMoveUnasked() async throws {
        try await withToken(.amd64, ["challenge-use = always"]) { gateway, server in
            let withToken = try gateway.read("scep.conf")
            let withoutToken = withToken.split(separator: "\n").filter { !$0.hasPrefix("pkcs11") }
                .joined(separator: "\n")
            #expect(try await scep(gateway, "enroll").ending == .exited(0))
            server.authority.moveClock(by: 200)
            try gateway.write("scep.conf", withoutToken + "\n")
            for command in ["renew", "agent", "crl"] {
                let outcome = try await scep(gateway, command)
                #expect(outcome.ending == .exited(1), "\(command): \(outcome)")
                #expect(outcome.error?.contains("the key is on a token") == true, "\(outcome)")
            }
            #expect(server.authority.issuedCertificates().count == 1)
            #expect(try await scep(gateway, "enroll --again").ending == .exited(0))
            try await gateway.check()
            try gateway.write("scep.conf", withToken)
            let back = try await scep(gateway, "renew")
            #expect(back.ending == .exited(1), "\(back)")
            #expect(back.error?.contains("the key is in a file") == true, "\(back)")
            #expect(try await scep(gateway, "enroll --again").ending == .exited(0))
            #expect(FileManager.default.fileExists(atPath: gateway.current.path + "/key.uri"))
        }
    }

    /// Half of a token's settings would leave the key in a file.
    @Test func halfATokenIsRefused() async throws {
        try await withToken { gateway, server in
            let whole = try gateway.read("scep.conf")
            try gateway.write("scep.conf", whole.replacingOccurrences(of: "pkcs11-module", with: "# pkcs11-module"))
            let outcome = try await scep(gateway, "enroll")
            #expect(outcome.ending == .exited(1), "\(outcome)")
            #expect(outcome.error?.contains("without pkcs11-module") == true, "\(outcome)")
            #expect(server.authority.issuedCertificates().isEmpty)
        }
    }

    @Test func whatIsNotThereIsNamed() async throws {
        try await withToken { gateway, _ in
            let absent = try await scep(gateway, "enroll --pkcs11-token other")
            #expect(absent.ending == .exited(6) && absent.error?.contains("other: no token") == true, "\(absent)")
            let module = try await scep(gateway, "enroll --pkcs11-module /nowhere.so")
            #expect(module.ending == .exited(6) && module.error?.contains("/nowhere.so") == true, "\(module)")
        }
    }

    @Test(.enabled(if: Kind.chosen().contains(.staticAMD64)))
    func staticProgramSaysThatItLoadsNoModules() async throws {
        try await withToken(.staticAMD64) { gateway, _ in
            let outcome = try await scep(gateway, "enroll")
            #expect(outcome.ending == .exited(6) && outcome.error?.contains("Debian package") == true, "\(outcome)")
        }
    }
}
