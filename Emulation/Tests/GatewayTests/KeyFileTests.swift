import Emulator
import Foundation
import Testing

/// Keys in files: encrypted, brought along, damaged.
@Suite struct KeyFileTests {
    @Test func passphraseEncryptsStoreAndFile() async throws {
        try await withAuthority { server in
            try await Gateway.with(.amd64) { gateway in
                try gateway.write("pass", "open sesame\n", mode: 0o600)
                try gateway.configure(for: server, ["key-passphrase-file = \(gateway.folder.path)/pass"])
                #expect(try await gateway.scep("enroll").ending == .exited(0))
                #expect(try gateway.read("identity/current/key.pem").hasPrefix("-----BEGIN ENCRYPTED PRIVATE KEY-----"))
                let judged = try await gateway.shell(
                    "openssl pkey -in identity/current/key.pem -passin file:pass -pubout > one &&"
                        + " openssl x509 -in identity/current/cert.pem -noout -pubkey | cmp - one")
                #expect(judged.ending == .exited(0), "\(judged)")
                server.authority.moveClock(by: 200)
                try gateway.write("pass", "open barley\n", mode: 0o600)
                let wrong = try await gateway.scep("renew")
                #expect(wrong.ending == .exited(6), "\(wrong)")
                #expect(wrong.error?.contains("passphrase") == true, "\(wrong)")
                try gateway.write("pass", "open sesame\n", mode: 0o600)
                #expect(try await gateway.scep("renew").ending == .exited(0))
            }
        }
    }

    @Test func existingKeyIsEnrolledAndKept() async throws {
        try await withAuthority { server in
            try await Gateway.with(.amd64) { gateway in
                try gateway.configure(for: server, ["renewal-key = same"])
                #expect(try await gateway.shell("umask 077; openssl genrsa -out own.key 2048").ending == .exited(0))
                #expect(try await gateway.scep("enroll --existing-key own.key").ending == .exited(0))
                let same =
                    "openssl pkey -in own.key -pubout > one && openssl x509 -in identity/current/cert.pem -noout -pubkey | cmp - one"
                #expect(try await gateway.shell(same).ending == .exited(0))
                server.authority.moveClock(by: 200)
                #expect(try await gateway.scep("renew").ending == .exited(0))
                #expect(try await gateway.shell(same).ending == .exited(0))
                try await gateway.judge()
            }
        }
    }

    /// A key file that others may read, and one that is no key.
    @Test(arguments: [("chmod 644 own.key", 6, "chmod 600"), ("echo no key > own.key", 6, "key")])
    func existingKeyThatCannotBeTakenIsNamed(_ script: String, _ code: Int, _ words: String) async throws {
        try await withAuthority { server in
            try await Gateway.with(.amd64) { gateway in
                try gateway.configure(for: server)
                let made = try await gateway.shell("umask 077; openssl genrsa -out own.key 2048; \(script)")
                #expect(made.ending == .exited(0), "\(made)")
                let outcome = try await gateway.scep("enroll --existing-key own.key")
                #expect(outcome.ending == .exited(code), "\(outcome)")
                #expect(outcome.error?.contains(words) == true, "\(outcome)")
                #expect(server.authority.issuedCertificates().isEmpty)
            }
        }
    }

    /// Key and certificate in the store that do not belong together, as after a mixed-up copy: said, and left alone.
    @Test func damagedStoreIsLeftAlone() async throws {
        try await withAuthority { server in
            try await Gateway.with(.amd64) { gateway in
                try gateway.configure(for: server)
                #expect(try await gateway.scep("enroll").ending == .exited(0))
                let damaged = try await gateway.shell(
                    "cp identity/store/identity before; printf x | dd of=identity/store/identity bs=1 seek=200 conv=notrunc;"
                        + " cp identity/store/identity after; $SCEP agent -f scep.conf; echo code $?;"
                        + " cmp identity/store/identity after && openssl x509 -in identity/current/cert.pem -noout")
                #expect(damaged.lines.contains("code 6"), "\(damaged)")
                #expect(damaged.ending == .exited(0), "\(damaged)")
            }
        }
    }
}
