import EmulationTestSupport
import Emulator
import Foundation
import Testing

/// Keys in files: encrypted, brought along, damaged.
@Suite struct KeyFileTests {
    /// As Docs/Gateway.md has it: the password belongs to the service, and root enrols by hand.
    @Test(.enabled(if: getuid() == 0, "another user's files need root"))
    func rootTakesTheServicesPassword() async throws {
        try await withAuthority { server in
            try await Gateway.with(.amd64) { gateway in
                try gateway.configure(for: server)
                let made = try await gateway.shell(
                    "chmod 755 . && mkdir identity && chown daemon identity challenge && ls -ld challenge")
                #expect(made.ending == .exited(0), "\(made)")
                let outcome = try await gateway.scep("enroll")
                #expect(outcome.ending == .exited(0), "\(outcome)")
                let owner = try await gateway.shell("stat -c %U identity/current/key.pem")
                #expect(owner.lines == ["daemon"])
            }
        }
    }

    /// A store holds a key, and whoever inspects it may paste what comes into a mail.
    @Test func storeIsNotShown() async throws {
        try await withAuthority { server in
            try await Gateway.with(.amd64) { gateway in
                try gateway.configure(for: server)
                #expect(try await gateway.scep("enroll").ending == .exited(0))
                let store = try await gateway.scep("inspect identity/store/identity")
                #expect(store.ending == .exited(0) && store.lines.count < 9, "\(store)")
                // With the CA's fingerprint in the configuration, a certificate of its is no bad CA.
                let own = try await gateway.scep("inspect identity/current/cert.pem")
                #expect(own.ending == .exited(0) && !own.lines.contains { $0.contains("- fail") }, "\(own)")
            }
        }
    }

    @Test func passphraseEncryptsStoreAndFile() async throws {
        try await withAuthority { server in
            try await Gateway.with(.amd64) { gateway in
                try gateway.write("pass", "open sesame\n", mode: 0o600)
                try gateway.configure(for: server, ["key-passphrase-file = \(gateway.folder.path)/pass"])
                #expect(try await gateway.scep("enroll").ending == .exited(0))
                #expect(try gateway.read("identity/current/key.pem").hasPrefix("-----BEGIN ENCRYPTED PRIVATE KEY-----"))
                let checked = try await gateway.shell(
                    "openssl pkey -in identity/current/key.pem -passin file:pass -pubout > one &&"
                        + " openssl x509 -in identity/current/cert.pem -noout -pubkey | cmp - one")
                #expect(checked.ending == .exited(0), "\(checked)")
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

    /// While an agent waits, nothing of the key that it published is in its memory. The password is, for the next time,
    /// which shows that this finds what there is.
    @Test(.enabled(if: geteuid() == 0, "no other user may read the memory"))
    func agentThatWaitsHasNoKeyInMemory() async throws {
        try await withAuthority { server in
            try await Gateway.with(.amd64) { gateway in
                try gateway.configure(for: server)
                _ = try await gateway.program(["agent", "--stay"]).run(timeLimit: .hang) { running in
                    try await running.line(containing: "next=renew")
                    let store = try Data(contentsOf: gateway.directory.appending(path: "store/identity"))
                    var traces = try #require(tracesOfKey(in: [UInt8](store)))
                    traces += try gateway.read("identity/current/key.pem").split(separator: "\n").dropFirst(8).prefix(4)
                        .map { Data($0.utf8) }
                    // It is a moment from its last line to its sleep, and longer on a busy machine.
                    var left: [Data] = []
                    for _ in 0..<60 {
                        let memory = try writableMemory(of: running.processID)
                        #expect(memory.contains { $0.range(of: Data(Gateway.password.utf8)) != nil })
                        left = traces.filter { trace in memory.contains { $0.range(of: trace) != nil } }
                        if left.isEmpty { break }
                        try await Task.sleep(for: .milliseconds(500))
                    }
                    #expect(left.isEmpty)
                    running.kill()
                    try await running.end()
                }
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
                try await gateway.check()
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
