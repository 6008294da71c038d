import Authority
import Emulator
import LibCrypto
import Testing

/// Servers whose ways are those of HTTP, over a real connection; all that there are, in process, are in LifeTests.
@Suite struct ProgramServerProfileTests {
    struct Row: Sendable, CustomTestStringConvertible {
        let profile: ServerProfile
        /// Lines of the configuration.
        var lines: [String] = []
        /// What the program says when the challenge is wrong, and its exit code.
        let refusal: String
        let code: Int
        /// As what the renewal comes.
        let renewal: CAMessageType
        var testDescription: String { profile.name }
    }

    private static let refused =
        "the CA says no (badRequest); check challenge-file and subject, and see the CA's log"
    private static func http(_ status: Int) -> String {
        "the answer to PKCSReq is HTTP \(status); check challenge-file and subject, and see the CA's log; "
            + "it says: the challengePassword is wrong"
    }

    static let rows = [
        Row(
            profile: .ndesOld, lines: ["allow = sha1,des"], refusal: refused, code: 4, renewal: .pkcsReq),
        Row(
            profile: .ejbca, lines: ["message = EmbeddedSCEP Test CA"], refusal: http(400), code: 4,
            renewal: .pkcsReq),
        Row(profile: .openXPKI, refusal: http(500), code: 4, renewal: .renewalReq),
        Row(
            profile: .stepCA, lines: ["allow = sha1,des", "challenge-use = always"],
            refusal: refused + "; it says: the challengePassword is wrong", code: 4, renewal: .renewalReq),
        Row(
            profile: .aws, refusal: refused + "; it says: the challengePassword is wrong", code: 4,
            renewal: .renewalReq),
    ]

    @Test(arguments: rows)
    func gatewayEnrolsAndRenews(row: Row) async throws {
        try await withAuthority({ $0.behave(as: row.profile) }) { server in
            try await Gateway.with(.amd64) { gateway in
                try gateway.configure(for: server, row.lines)
                try gateway.write("challenge", "not-this-one-7", mode: 0o600)
                let refused = try await gateway.scep("enroll")
                #expect(refused.ending == .exited(row.code), "\(refused)")
                #expect(refused.error?.contains("error: " + row.refusal) == true, "\(refused)")

                try gateway.write("challenge", Gateway.password, mode: 0o600)
                let enrolled = try await gateway.scep("enroll --again")
                #expect(enrolled.ending == .exited(0), "\(enrolled)")
                try await gateway.check()
                server.authority.moveClock(by: 200)
                let renewed = try await gateway.scep("renew")
                #expect(renewed.ending == .exited(0), "\(renewed)")
                try await gateway.check()
                #expect(server.authority.ledger.entries.last?.messageType == row.renewal)
            }
        }
    }

    /// NDES takes its time; the authority's is cut short here, and so is the program's patience.
    @Test func slowIssuingIsWaitedFor() async throws {
        try await withAuthority({
            $0.behave(as: .ndes)
            $0.issuingDelay = 1.5
        }) { server in
            try await Gateway.with(.amd64) { gateway in
                try gateway.configure(for: server, ["allow = sha1,3des"])
                let impatient = try await gateway.scep("enroll --timeout 1")
                #expect(impatient.ending == .exited(2), "\(impatient)")
                #expect(impatient.error?.contains("the CA was silent for too long; raise timeout") == true)
                let patient = try await gateway.scep("enroll")
                #expect(patient.ending == .exited(0), "\(patient)")
                try await gateway.check()
                #expect(server.authority.issuedCertificates().count == 1)
            }
        }
    }
}
