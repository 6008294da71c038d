import Authority
import Emulator
import Foundation
import Testing

/// What other programs find, whatever the store, the CA and the disk are about.
@Suite struct PublishedSetTests {
    private func hook(_ gateway: Gateway) throws -> [String] {
        try gateway.write("hook", "#!/bin/sh\necho $SCEP_EVENT >> '\(gateway.folder.path)/log'\n", mode: 0o755)
        return ["hook = \(gateway.folder.path)/hook"]
    }

    /// With a certificate, a configuration for another CA, and its reply pending.
    @Test func setStaysWhileAnotherCAIsAsked() async throws {
        try await withAuthority { first in
            try await withAuthority({ $0.policy = .manual }) { second in
                try await Gateway.with(.amd64) { gateway in
                    let lines = try hook(gateway) + ["challenge-use = always"]
                    try gateway.configure(for: first, lines)
                    #expect(try await gateway.scep("enroll").ending == .exited(0))
                    let before = try await gateway.shell("cd identity/current/ && sha256sum * && readlink ../current")
                    try gateway.configure(for: second, lines)
                    for _ in 0..<2 {
                        let pending = try await gateway.scep("agent")
                        #expect(pending.ending == .exited(5), "\(pending)")
                        let now = try await gateway.shell("cd identity/current/ && sha256sum * && readlink ../current")
                        #expect(now.lines == before.lines)
                        try await gateway.check()
                        #expect(try gateway.read("log") == "issued\n")
                    }
                }
            }
        }
    }

    /// The CA that issues is pinned: the set is whole all the same, also after a renewal and a pass that asks nobody.
    @Test func pinnedIntermediateHasAWholeChain() async throws {
        try await withAuthority({ $0.hasIntermediate = true }) { server in
            try await Gateway.with(.amd64) { gateway in
                let pin = try server.authority.issuingCertificate.fingerprint(.sha256).hexadecimal
                try gateway.configure(for: server, try hook(gateway))
                let text = try gateway.read("scep.conf").split(separator: "\n")
                    .map { $0.hasPrefix("fingerprint") ? "fingerprint = \(pin)" : String($0) }
                try gateway.write("scep.conf", text.joined(separator: "\n") + "\n")
                #expect(try await gateway.scep("enroll").ending == .exited(0))
                try await gateway.check()
                let certificates = try await gateway.shell(
                    "cd identity/current; for f in cert fullchain chain ca; do grep -c BEGIN $f.pem; done")
                #expect(certificates.lines == ["1", "2", "2", "1"], "\(certificates)")
                #expect(try await gateway.scep("agent").ending == .exited(0))
                try await gateway.check()
                server.authority.moveClock(by: 200)
                #expect(try await gateway.scep("renew").ending == .exited(0))
                try await gateway.check()
                #expect(try gateway.read("log") == "issued\nrenewed\n")
            }
        }
    }

    /// Each row: what somebody does to the folder. The next pass, in which nothing is due, puts it right, and runs no hook.
    @Test(arguments: [
        "rm identity/current", "ln -sfn issued/gone identity/current", "rm identity/current/chain.pem",
        "chmod 644 identity/current/key.pem", "rm -r identity/issued", ": > identity/current/fullchain.pem",
    ]) func damageIsMendedByAPass(script: String) async throws {
        try await withAuthority { server in
            try await Gateway.with(.amd64) { gateway in
                try gateway.configure(for: server, try hook(gateway))
                let enrolled = try await gateway.shell("umask 0077; exec $SCEP enroll -f scep.conf")
                #expect(enrolled.ending == .exited(0), "\(enrolled)")
                let damaged = try await gateway.shell(script)
                #expect(damaged.ending == .exited(0), "\(damaged)")
                let pass = try await gateway.shell("umask 0; exec $SCEP agent -f scep.conf")
                #expect(pass.ending == .exited(0), "\(pass)")
                try await gateway.check()
                let modes = try await gateway.shell(
                    "stat -L -c %a identity identity/issued identity/current identity/current/cert.pem"
                        + " identity/current/key.pem identity/store identity/store/identity identity/status")
                #expect(modes.lines == ["755", "755", "755", "644", "600", "700", "600", "600"], "\(modes)")
                #expect(try gateway.read("log") == "issued\n")
                #expect(server.authority.issuedCertificates().count == 1)
            }
        }
    }

    /// Where `int` has 32 bits a larger number ended the program.
    @Test(arguments: Kind.chosen()) func fileOfThreeGigabytesIsRefused(kind: Kind) async throws {
        try await Gateway.with(kind) { gateway in
            #expect(try await gateway.shell("truncate -s 3G large; chmod 600 large").ending == .exited(0))
            for line in ["inspect large", "inspect large --challenge-file large", "caps http://127.0.0.1:9/ -f large"] {
                let outcome = try await gateway.scep(line, isConfigured: false)
                #expect(outcome.ending == .exited(6), "\(outcome)")
                #expect(outcome.error?.contains("is larger than the ") == true, "\(outcome)")
            }
        }
    }
}
