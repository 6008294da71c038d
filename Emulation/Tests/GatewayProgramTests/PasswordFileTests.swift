import Authority
import Emulator
import Foundation
import Testing

/// The file with the password is missed by what needs a password, and by nothing else.
@Suite struct PasswordFileTests {
    private static let states: [(String, String)] = [
        ("rm challenge", "No such file"), (": > challenge", "is empty"), ("chmod 644 challenge", "chmod 600"),
        ("rm challenge; mkdir challenge", "Is a directory"),
    ]

    @Test(arguments: states) func renewalGoesOnWithout(_ script: String, _ words: String) async throws {
        try await withAuthority { server in
            try await Gateway.with(.amd64) { gateway in
                try gateway.configure(for: server)
                #expect(try await gateway.scep("enroll").ending == .exited(0))
                #expect(try await gateway.shell(script).ending == .exited(0))
                for command in ["agent", "status", "crl"] {
                    let outcome = try await gateway.scep(command)
                    #expect(outcome.ending == .exited(0), "\(outcome)")
                }
                server.authority.moveClock(by: 200)
                let renewed = try await gateway.scep("renew")
                #expect(renewed.ending == .exited(0), "\(renewed)")
                #expect(server.authority.issuedCertificates().count == 2)
                // What needs it says so, before anybody is asked.
                for line in ["enroll --again", "renew --challenge-use always"] {
                    let outcome = try await gateway.scep(line)
                    #expect(outcome.ending == .exited(6) || outcome.ending == .exited(1), "\(outcome)")
                    #expect(outcome.error?.contains(words) == true, "\(outcome)")
                    #expect(!outcome.lines.contains { $0.contains("asking the CA") }, "\(outcome)")
                }
                #expect(server.authority.issuedCertificates().count == 2)
            }
        }
    }

    @Test(arguments: states) func firstCertificateIsNotAskedForWithout(_ script: String, _ words: String) async throws {
        try await withAuthority { server in
            try await Gateway.with(.amd64) { gateway in
                try gateway.configure(for: server)
                #expect(try await gateway.shell(script).ending == .exited(0))
                for command in ["enroll", "agent"] {
                    let outcome = try await gateway.scep(command)
                    #expect(outcome.ending == .exited(6) || outcome.ending == .exited(1), "\(outcome)")
                    #expect(outcome.error?.contains(words) == true, "\(outcome)")
                }
                #expect(server.authority.transactions().isEmpty)
            }
        }
    }

    /// Another CA is another enrolment, and gets no request without the password that it may want.
    @Test func anotherCAIsNotAskedWithout() async throws {
        try await withAuthority { first in
            try await withAuthority { second in
                try await Gateway.with(.amd64) { gateway in
                    try gateway.configure(for: first)
                    #expect(try await gateway.scep("enroll").ending == .exited(0))
                    try gateway.configure(for: second)
                    #expect(try await gateway.shell("rm challenge").ending == .exited(0))
                    let outcome = try await gateway.scep("agent")
                    #expect(outcome.ending == .exited(6), "\(outcome)")
                    #expect(outcome.error?.contains("challenge: ") == true, "\(outcome)")
                    #expect(second.authority.transactions().isEmpty)
                    try await gateway.check()
                }
            }
        }
    }

    /// A renewal makes a key of its own, so that the one which was brought along may be gone.
    @Test func existingKeyIsMissedByNoRenewal() async throws {
        try await withAuthority { server in
            try await Gateway.with(.amd64) { gateway in
                try gateway.configure(for: server, ["existing-key = \(gateway.folder.path)/own.pem"])
                let made = try await gateway.shell("umask 077; openssl genrsa -out own.pem 2048")
                #expect(made.ending == .exited(0))
                #expect(try await gateway.scep("enroll").ending == .exited(0))
                #expect(try await gateway.shell("rm own.pem").ending == .exited(0))
                server.authority.moveClock(by: 200)
                #expect(try await gateway.scep("renew").ending == .exited(0))
                let again = try await gateway.scep("enroll --again")
                #expect(again.ending == .exited(6), "\(again)")
                #expect(again.error?.contains("own.pem: ") == true, "\(again)")
            }
        }
    }

    /// Each row: what the service's user puts into its own folder, for root to read.
    @Test(.enabled(if: getuid() == 0, "another user's files need root"), arguments: ["challenge-file", "existing-key"])
    func rootFollowsNoLinkOfTheService(option: String) async throws {
        try await withAuthority { server in
            try await Gateway.with(.amd64) { gateway in
                try gateway.configure(for: server)
                let laid = try await gateway.shell(
                    "chmod 755 . && mkdir identity && ln -s ../secret identity/link && openssl genrsa -out secret 2048"
                        + " && chmod 600 secret && chown -h daemon identity identity/link")
                #expect(laid.ending == .exited(0), "\(laid)")
                let outcome = try await gateway.scep("enroll --\(option) \(gateway.directory.path)/link")
                #expect(outcome.ending == .exited(6), "\(outcome)")
                #expect(outcome.error?.contains("root does not open this") == true, "\(outcome)")
                #expect(server.authority.transactions().isEmpty)
            }
        }
    }
}
