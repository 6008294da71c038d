import Authority
import Emulator
import Foundation
import Testing

/// What an operator or a machine can get wrong: a clear sentence, the right exit code, and nothing lost.
@Suite struct ProgramBadInputTests {
    /// One defect a row: arguments, the exit code, and words of the sentence.
    @Test(arguments: [
        ("", 1, "usage"), ("enrol", 1, "no command 'enrol'"), ("enroll --ulr x", 1, "no option --ulr"),
        ("enroll --url", 1, "--url needs a value"), ("enroll --url a --url b", 1, "--url is there twice"),
        ("enroll --json=x", 1, "--json takes no value"), ("enroll x", 1, "'x' is one word too many"),
        ("enroll -u ftp://x -F 00 -s CN=a", 1, "--url cannot be 'ftp://x'"),
        ("enroll -u http://127.0.0.1:9/ -F 00 -s CN=a", 1, "--fingerprint cannot be '00'"),
        ("enroll -u http://127.0.0.1:9/", 1, "--fingerprint is missing"),
        ("caps http://127.0.0.1:9/", 2, "nothing listens"), ("caps http://nowhere.invalid/", 2, "DNS"),
        ("caps", 1, "--url is missing"), ("inspect", 1, "which file"), ("inspect /nowhere", 6, "No such file"),
        ("status --config /nowhere", 6, "No such file"), ("status --min-days x", 1, "--min-days cannot be 'x'"),
        ("caps http://127.0.0.1:9/ --color red", 1, "--color cannot be 'red'"),
        ("status --key p256", 1, "no option --key of status; it is one of ca, enroll, renew, poll, agent"),
        ("inspect --key key.pem x", 1, "no option --key of inspect"),
        ("enroll --fingerp 00", 1, "no option --fingerp of enroll; there is --fingerprint"),
        ("crl -s CN=a", 1, "no option -s of crl"), ("crl --subject CN=a", 1, "no option --subject of crl"),
        ("ca http://127.0.0.1:9/ -F 0000", 1, "--fingerprint cannot be '0000'"),
        ("caps http://127.0.0.1:9/scep", 2, "(http://127.0.0.1:9/scep)"),
    ])
    func commandLine(_ arguments: String, _ code: Int, _ words: String) async throws {
        try await Gateway.with(.amd64) { gateway in
            let outcome = try await gateway.scep(arguments, isConfigured: false)
            #expect(outcome.ending == .exited(code), "\(outcome)")
            #expect(outcome.lines.contains { $0.contains(words) }, "\(outcome)")
        }
    }

    /// One defect a row: a line that is added to a good configuration, the place that is named, and words.
    @Test(arguments: [
        ("colour = red", ":6:1: ", "there is no such word: 'colour'"),
        ("subject = CN=b", ":6:1: ", "'subject' is set above"),
        ("renew = 0", ":6:9: ", "renew cannot be '0'"), ("  key = rsa512", ":6:9: ", "key cannot be 'rsa512'"),
        ("hook-timeout = x", ":6:16: ", "hook-timeout cannot be 'x'"),
    ])
    func configuration(_ line: String, _ place: String, _ words: String) async throws {
        try await withAuthority { server in
            try await Gateway.with(.amd64) { gateway in
                try gateway.configure(for: server, [line, "hook = /bin/true"])
                let outcome = try await gateway.scep("enroll")
                #expect(outcome.ending == .exited(1), "\(outcome)")
                #expect(outcome.error?.contains("scep.conf\(place)\(words)") == true, "\(outcome)")
                #expect(server.authority.issuedCertificates().isEmpty)
            }
        }
    }

    /// What no request can be made of is found before there is a key, or anybody is asked.
    @Test(arguments: [
        ("--subject C=Germany", "--subject cannot be 'C=Germany'"), ("--subject gateway", "--subject cannot be"),
        ("--san IP:300.0.0.1", "--san cannot be"), ("--san host.example", "a name begins with one of DNS:"),
        ("--key-usage signing", "--key-usage cannot be"), ("--template 1.2.", "--template cannot be"),
    ])
    func impossibleRequests(_ arguments: String, _ words: String) async throws {
        try await Gateway.with(.amd64) { gateway in
            let fingerprint = String(repeating: "a5", count: 32)
            let subject = arguments.hasPrefix("--subject") ? "" : "-s CN=a "
            let outcome = try await gateway.scep(
                "enroll -u http://127.0.0.1:9/ -F \(fingerprint) -d \(gateway.directory.path) \(subject)\(arguments)",
                isConfigured: false)
            #expect(outcome.ending == .exited(1), "\(outcome)")
            #expect(outcome.error?.contains(words) == true, "\(outcome)")
            #expect(!FileManager.default.fileExists(atPath: gateway.directory.path))
        }
    }

    @Test func wrongFingerprintOfCAShowsWhatCame() async throws {
        try await withAuthority { server in
            try await Gateway.with(.amd64) { gateway in
                try gateway.configure(for: server)
                let outcome = try await gateway.scep("ca -F \(String(repeating: "a5", count: 32))")
                #expect(outcome.ending == .exited(3), "\(outcome)")
                let root = try server.authority.trustAnchor.fingerprint(.sha256).hexadecimal
                #expect(outcome.error?.contains(root) == true, "\(outcome)")
            }
        }
    }

    @Test func wrongFingerprintIsATrustErrorBeforeAnythingIsSent() async throws {
        try await withAuthority { server in
            try await Gateway.with(.amd64) { gateway in
                try gateway.configure(for: server)
                let outcome = try await gateway.scep("enroll -F \(String(repeating: "a5", count: 32)) --json")
                #expect(outcome.ending == .exited(3), "\(outcome)")
                let error = try outcome.json["error"] as? [String: Any]
                #expect(error?["kind"] as? String == "fingerprint-mismatch")
                #expect(error?["exitCode"] as? Int == 3)
                // Which came stands in the log beside which was expected.
                let root = try server.authority.trustAnchor.fingerprint(.sha256).hexadecimal.lowercased()
                let both = "\(String(repeating: "a5", count: 32)) was expected, \(root) came"
                #expect(outcome.lines.contains { $0.lowercased().contains(both) }, "\(outcome)")
                #expect(server.authority.transactions().isEmpty)
            }
        }
    }

    @Test func wrongPasswordIsARefusal() async throws {
        try await withAuthority { server in
            try await Gateway.with(.amd64) { gateway in
                try gateway.configure(for: server)
                try gateway.write("challenge", "not-this-one-7", mode: 0o600)
                let outcome = try await gateway.scep("enroll")
                #expect(outcome.ending == .exited(4), "\(outcome)")
                #expect(!outcome.lines.contains { $0.contains("not-this-one-7") }, "a password was shown")
                // What a timer does then spends no other request.
                #expect(try await gateway.scep("agent").ending == .exited(1))
                try gateway.write("challenge", Gateway.password, mode: 0o600)
                #expect(try await gateway.scep("agent").ending == .exited(0))
            }
        }
    }

    @Test func secretsThatOthersMayReadAreRefused() async throws {
        try await withAuthority { server in
            try await Gateway.with(.amd64) { gateway in
                try gateway.configure(for: server)
                try gateway.write("challenge", Gateway.password, mode: 0o640)
                let outcome = try await gateway.scep("enroll")
                #expect(outcome.ending == .exited(6), "\(outcome)")
                #expect(outcome.error?.contains("chmod 600") == true, "\(outcome)")
            }
        }
    }

    @Test func secondProgramInTheSameFolderIsTurnedAway() async throws {
        try await withAuthority { server in
            try await Gateway.with(.amd64) { gateway in
                try gateway.configure(for: server)
                let first = try gateway.program(["agent", "--stay"])
                _ = try await first.run(timeLimit: .hang) { running in
                    try await running.line(containing: "nothing is due")
                    let second = try await gateway.scep("agent")
                    #expect(second.ending == .exited(6), "\(second)")
                    #expect(second.error?.contains("another scep is at work") == true, "\(second)")
                    // Whoever only looks is not in the way.
                    #expect(try await gateway.scep("status").ending == .exited(0))
                }
                #expect(try await gateway.scep("agent").ending == .exited(0), "the lock outlived its program")
            }
        }
    }

    @Test func folderThatCannotBeWrittenIsNamed() async throws {
        try await withAuthority { server in
            try await Gateway.with(.amd64) { gateway in
                try gateway.configure(for: server)
                try gateway.write("identity", "a file")
                let outcome = try await gateway.scep("enroll")
                #expect(outcome.ending == .exited(6), "\(outcome)")
                #expect(outcome.error?.contains("\(gateway.directory.path): ") == true, "\(outcome)")
                try FileManager.default.removeItem(at: gateway.directory)
                try FileManager.default.createDirectory(
                    at: gateway.directory, withIntermediateDirectories: false, attributes: [.posixPermissions: 0o777])
                try FileManager.default.setAttributes([.posixPermissions: 0o777], ofItemAtPath: gateway.directory.path)
                let exposed = try await gateway.scep("enroll")
                #expect(exposed.ending == .exited(6), "\(exposed)")
                #expect(exposed.error?.contains("chmod go-w") == true, "\(exposed)")
                #expect(server.authority.issuedCertificates().isEmpty)
            }
        }
    }

    /// A disk of a few pages is full before, in and after the store's first write; whatever was refused is done when
    /// there is space, and no certificate is lost on the way.
    @Test(.enabled(if: getuid() == 0, "mounting a small disk needs root"), arguments: [4, 8, 12, 16, 20, 24, 32, 40])
    func fullDiskIsSaidAndMadeUpFor(kilobytes: Int) async throws {
        try await withAuthority { server in
            try await Gateway.with(.amd64) { gateway in
                try gateway.configure(for: server, ["challenge-use = always"])
                let script = """
                    mkdir identity && chmod 755 identity
                    mount -t tmpfs -o size=\(kilobytes)k,mode=755 tmpfs identity || exit 99
                    $SCEP enroll -f scep.conf; first=$?
                    test -e identity/store/identity && cp -r identity/store before
                    mount -o remount,size=4m identity
                    $SCEP agent -f scep.conf || exit 98
                    cp -rL identity/current result
                    echo first $first
                    """
                let words = "SCEP='\(try gateway.kind.command.joined(separator: " "))'; "
                let unshare = Program(
                    executable: "/usr/bin/unshare", arguments: ["--mount", "/bin/sh", "-c", words + script],
                    folder: gateway.folder, origin: "Debian's package util-linux")
                let run = try await unshare.run(timeLimit: .hang) { try await $0.end() }
                let lines = run.lines.map(\.text)
                #expect(run.ending == .exited(0), "\(lines.joined(separator: "\n"))")
                let first = lines.last
                #expect(first == "first 0" || first == "first 6", "\(lines)")
                if first == "first 6" {
                    #expect(lines.contains { $0.contains("full") || $0.contains("No space") }, "\(lines)")
                }
                let checked = try await gateway.shell(
                    "cd result && openssl verify -CAfile ca.pem cert.pem && test \"$(openssl pkey -in key.pem -pubout)\""
                        + " = \"$(openssl x509 -in cert.pem -noout -pubkey)\"")
                #expect(checked.ending == .exited(0), "\(checked)")
            }
        }
    }
}
