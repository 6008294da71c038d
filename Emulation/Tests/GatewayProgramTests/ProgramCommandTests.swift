import Authority
import AuthorityServer
import Emulator
import Foundation
import LibCrypto
import Testing

/// Every command, on every kind of the program.
@Suite(.serialized) struct ProgramCommandTests {
    @Test(arguments: Kind.chosen())
    func everyCommand(kind: Kind) async throws {
        try await withAuthority({ $0.hasNextCA = true }) { server in
            try await Gateway.with(kind) { gateway in
                try gateway.configure(for: server)
                try await askTheCA(gateway, server)
                try await liveWithACertificate(gateway, server)
            }
        }
    }

    private func askTheCA(_ gateway: Gateway, _ server: AuthorityServer) async throws {
        let url = "http://127.0.0.1:\(server.port)/scep"
        let capabilities = try await gateway.scep("caps \(url) --json", isConfigured: false)
        #expect(capabilities.ending == .exited(0), "\(capabilities)")
        let json = try capabilities.json
        #expect(json["cipher"] as? String == "AES-128-CBC")
        #expect((json["capabilities"] as? [String])?.contains("SCEPStandard") == true)

        let bundle = try await gateway.scep("ca --json --output ca.pem")
        #expect(bundle.ending == .exited(0), "\(bundle)")
        #expect(try bundle.json["verified"] as? Bool == true)
        let saved = try await gateway.shell("openssl x509 -in ca.pem -outform DER | sha256sum")
        let root = try server.authority.trustAnchor.fingerprint(.sha256).hexadecimal
        #expect(saved.lines.first?.hasPrefix(root) == true, "\(saved)")
    }

    private func liveWithACertificate(_ gateway: Gateway, _ server: AuthorityServer) async throws {
        let none = try await gateway.scep("status --json")
        #expect(none.ending == .exited(5), "\(none)")

        let enrolled = try await gateway.scep("enroll --json")
        #expect(enrolled.ending == .exited(0), "\(enrolled)")
        let certificate = try enrolled.json["certificate"] as? [String: Any]
        #expect(certificate?["subject"] as? String == "CN=gateway 7,O=Example")
        #expect(try await gateway.fingerprint() == certificate?["sha256"] as? String)
        try await gateway.check()

        let status = try await gateway.scep("status --json")
        #expect(status.ending == .exited(0), "\(status)")
        #expect(try status.json["state"] as? String == "valid")
        #expect((29...30).contains(try status.json["daysLeft"] as? Int ?? 0))
        let soon = try await gateway.scep("status --min-days 31")
        #expect(soon.ending == .exited(3), "\(soon)")

        // A second one costs nothing.
        let before = server.authority.issuedCertificates().count
        #expect(try await gateway.scep("enroll").ending == .exited(0))
        #expect(server.authority.issuedCertificates().count == before)

        let known = try await gateway.scep("cert --output own.pem")
        #expect(known.ending == .exited(0), "\(known)")
        #expect(try gateway.read("own.pem") == gateway.read("identity/current/cert.pem"))

        let list = try await gateway.scep("crl --json --output crl.pem")
        #expect(list.ending == .exited(0), "\(list)")
        #expect(try list.json["revoked"] as? Bool == false)
        let verified = try await gateway.shell("openssl crl -in crl.pem -noout -CAfile identity/current/ca.pem")
        #expect(verified.lines == ["verify OK"])

        let next = try await gateway.scep("next-ca --json")
        #expect(next.ending == .exited(0), "\(next)")
        #expect(try gateway.read("identity/current/next-ca.pem").hasPrefix("-----BEGIN CERTIFICATE-----"))

        let nothing = try await gateway.scep("poll")
        #expect(nothing.ending == .exited(1), "\(nothing)")
    }

    /// A renewal and what the agent does when nothing is due, with a CA that is a day ahead by then.
    @Test(arguments: Kind.chosen())
    func renewal(kind: Kind) async throws {
        try await withAuthority { server in
            try await Gateway.with(kind) { gateway in
                try gateway.configure(for: server)
                #expect(try await gateway.scep("agent").ending == .exited(0))
                let first = try await gateway.fingerprint()
                #expect(try await gateway.scep("agent").ending == .exited(0))
                #expect(try await gateway.fingerprint() == first, "nothing was due")
                server.authority.moveClock(by: 200)
                let renewed = try await gateway.scep("renew --verbose")
                #expect(renewed.ending == .exited(0), "\(renewed)")
                #expect(renewed.lines.contains { $0.contains("event operation=RenewalReq outcome=issued") })
                #expect(try await gateway.fingerprint() != first)
                try await gateway.check()
            }
        }
    }

    @Test(arguments: Kind.chosen(from: [Kind.amd64, .staticARMHF]))
    func pendingRequestIsPolledUntilItIsApproved(kind: Kind) async throws {
        try await withAuthority({ $0.policy = .manual }) { server in
            try await Gateway.with(kind) { gateway in
                try gateway.configure(for: server)
                let pending = try await gateway.scep("enroll")
                #expect(pending.ending == .exited(5), "\(pending)")
                let identifier = try #require(server.authority.transactions().first).transactionID
                #expect(pending.error?.contains("\(identifier) for CN=gateway 7") == true, "\(pending)")
                #expect(try await gateway.scep("poll").ending == .exited(5))
                let other = try await gateway.scep("poll --subject CN=other")
                #expect(other.ending == .exited(1), "\(other)")
                #expect(other.error?.contains("other settings") == true, "\(other)")
                let status = try await gateway.scep("status --json")
                #expect(status.ending == .exited(5))
                #expect(try status.json["state"] as? String == "pending")
                let waiting = try #require(server.authority.transactions().first)
                _ = try server.authority.approve(waiting.transactionID)
                let done = try await gateway.scep("poll")
                #expect(done.ending == .exited(0), "\(done)")
                try await gateway.check()
            }
        }
    }

    @Test func revokedCertificateIsReportedAndItsListSaved() async throws {
        try await withAuthority { server in
            try await Gateway.with(.amd64) { gateway in
                try gateway.configure(for: server)
                #expect(try await gateway.scep("enroll").ending == .exited(0))
                let issued = try #require(server.authority.issuedCertificates().first)
                try server.authority.revoke(serial: issued.serial)
                let outcome = try await gateway.scep("crl --output crl.pem")
                #expect(outcome.ending == .exited(3), "\(outcome)")
                #expect(try gateway.read("crl.pem").hasPrefix("-----BEGIN X509 CRL-----"))
                // It stays revoked, whatever is run next, until there is another.
                _ = try await gateway.scep("agent")
                let status = try await gateway.scep("status --json")
                #expect(status.ending == .exited(3), "\(status)")
                #expect(try status.json["state"] as? String == "revoked")
                #expect(try await gateway.scep("enroll --again --challenge-use always").ending == .exited(0))
                #expect(try await gateway.scep("status --json").json["state"] as? String == "valid")
            }
        }
    }

    /// What only asks has no need of a subject.
    @Test func questionsTakeNoMoreThanTheCA() async throws {
        try await withAuthority({ $0.hasNextCA = true }) { server in
            try await Gateway.with(.amd64) { gateway in
                try gateway.configure(for: server)
                #expect(try await gateway.scep("enroll").ending == .exited(0))
                let fingerprint = try server.authority.trustAnchor.fingerprint(.sha256).hexadecimal
                for command in ["crl", "cert", "next-ca"] {
                    let outcome = try await gateway.scep(
                        "\(command) -u http://127.0.0.1:\(server.port)/scep -F \(fingerprint) -d identity",
                        isConfigured: false)
                    #expect(outcome.ending == .exited(0), "\(command): \(outcome)")
                }
            }
        }
    }

    /// Who monitors an agent that stays sees what it last ran into, and what it does next; its events are JSON by option.
    @Test func statusOfAnAgentThatStays() async throws {
        try await withAuthority({ $0.policy = .manual }) { server in
            try await Gateway.with(.amd64) { gateway in
                try gateway.configure(for: server, ["poll = 3600"])
                let program = try gateway.program(["agent", "--stay", "--json"])
                let run = try await program.run(timeLimit: .hang) { running in
                    try await running.line(containing: "pending:")
                    let status = try await gateway.scep("status --json")
                    #expect(status.ending == .exited(5), "\(status)")
                    let waiting = try #require(server.authority.transactions().first)
                    #expect(try status.json["transactionID"] as? String == waiting.transactionID)
                    #expect(try status.json["nextAttempt"] as? String == "poll")
                    #expect(try status.json["nextAttemptTime"] is String)
                    _ = kill(running.processID, SIGTERM)
                    try await running.end()
                }
                let outcome = Outcome(ending: run.ending, lines: run.lines.map(\.text))
                #expect(try outcome.json["outcome"] as? String == "pending")
            }
        }
    }

    /// An agent that stays follows a certificate of seconds through several renewals, and ends when it is told to.
    @Test(arguments: Kind.chosen(from: [Kind.amd64, .staticARM64]))
    func agentStaysAndRenews(kind: Kind) async throws {
        try await withAuthority({
            $0.lifetime = 240; $0.backdating = 0
        }) { server in
            try await Gateway.with(kind) { gateway in
                // Due after 2 % of 4 minutes; an agent looks no more than once a minute by itself.
                try gateway.configure(for: server, ["renew = 1", "jitter = 0", "check-interval = 60"])
                let program = try gateway.program(["agent", "--stay"])
                let run = try await program.run(timeLimit: .hang) { running in
                    try await running.line(containing: "outcome=issued")
                    try await running.line(containing: "nothing is due")
                    _ = kill(running.processID, SIGTERM)
                    try await running.end()
                }
                #expect(run.ending == .signalled(15) || run.ending == .exited(143), "\(run.ending)")
                #expect(run.lines.contains { $0.text.contains("interrupted") })
                try await gateway.check()
                #expect(try await gateway.scep("agent").ending == .exited(0))
            }
        }
    }

    @Test func passwordsAreTakenFromStandardInput() async throws {
        try await withAuthority { server in
            try await Gateway.with(.amd64) { gateway in
                try gateway.configure(for: server)
                let outcome = try await gateway.shell(
                    "echo \(Gateway.password) | $SCEP enroll -f scep.conf --challenge-file -")
                #expect(outcome.ending == .exited(0), "\(outcome)")
                try await gateway.check()
            }
        }
    }

    @Test func everyCommandHasHelp() async throws {
        try await Gateway.with(.amd64) { gateway in
            for command in [
                "caps", "ca", "enroll", "renew", "poll", "cert", "crl", "next-ca", "status", "inspect", "agent",
            ] {
                let help = try await gateway.scep("\(command) --help", isConfigured: false)
                #expect(help.ending == .exited(0))
                #expect(help.lines.first?.hasPrefix("usage: scep \(command)") == true)
            }
            #expect(try await gateway.scep("--version", isConfigured: false).ending == .exited(0))
        }
    }
}
