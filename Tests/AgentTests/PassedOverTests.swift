import Board
import PKIX
import TestSupport
import Testing

@testable import Agent
@testable import SCEP

/// What is said of a certificate that came with the CA's and is not trusted.
@Suite struct PassedOverTests {
    private static func line(_ passedOver: PassedOver, _ work: [UInt8]) -> String {
        var line = Line()
        line.append(passedOver, work.span)
        return String(decoding: line.span.indices.map { line.span[$0] }, as: UTF8.self)
    }

    @Test func reasonsHaveTheirWords() throws {
        let ra = try OpenSSLIdentity.recipient.der
        let rows: [(PassedOver.Reason, String, Bool)] = [
            (.unreadable, "its certificate cannot be read", false), (.notSigned, "no trusted CA signed it", false),
            (.expired, "it has expired", false), (.notYetValid, "it begins later", false),
            (.notCA, "its key usage, or its version, does not let it be a CA", false),
            (.unusableKey(.rsaSize(bits: 1024)), "its key is of no use here", false),
            (.unknownSignatureAlgorithm, "its signature is of a kind not known here", true),
            (.criticalExtension(0..<1), "it has a critical extension not checked here", true),
            (.pathLength, "the CA above may have none below it", true),
            (.weakDigest, "it is signed with a weak digest", true),
            (.caWithoutKeyUsage, "it has no key usage", true), (.unmarkedRA, "nothing marks it as an RA", true),
        ]
        for (reason, words, isCured) in rows {
            for (role, name) in [
                (Certificate.Role.ca, "a CA is"), (.ra, "an RA is"), (.other, "a certificate beside the CA's is"),
            ] {
                let cure = isCured ? "; if the CA's operator confirms it, add its fingerprint" : ""
                let passedOver = PassedOver(certificate: 1..<(ra.count + 1), role: role, reason: reason)
                #expect(
                    Self.line(passedOver, [0] + ra)
                        == "warning: \(name) not trusted: CN=Example RA,O=Example: \(words)\(cure)")
                let unreadable = PassedOver(certificate: 0..<2, role: role, reason: reason)
                #expect(Self.line(unreadable, [0x30, 0]) == "warning: \(name) not trusted: \(words)\(cure)")
            }
        }
    }

    /// Told once, before anything is sent: a certificate that a trusted CA made, and none that a stranger did.
    @Test func whatMattersIsToldOnce() throws {
        struct Journal: AgentLog {
            var lines: [String] = []

            mutating func write(line: Span<UInt8>) {
                lines.append(String(decoding: line.indices.map { line[$0] }, as: UTF8.self))
            }
        }
        let ca = try OpenSSLAuthority.shared
        let below = try OpenSSLIdentity(
            subject: "/CN=Below", for: .rsa, issuedBy: ca, from: "20250801000000Z", until: "20251231000000Z",
            extensions: ["basicConstraints=critical,CA:TRUE", "keyUsage=critical,keyCertSign"])
        let life = try DeviceLife()
        let bundle = try OpenSSLIdentity.bundle([ca, below, .recipient])
        life.answer = { $0.contains("GetCACert") ? OpenSSLAuthority.Reply(body: bundle) : nil }
        let run = try life.powerUp()
        #expect(run.verdict == "done", "\(run.lines)")
        let told = run.lines.enumerated().filter { $0.element.contains("not trusted") }
        #expect(told.map(\.element) == ["warning: a CA is not trusted: CN=Below: it has expired"])
        let place = try #require(told.first?.offset)
        #expect(run.lines[place - 1] == "fetching the CA's certificates")
        #expect(run.lines[place + 1] == "making a key: RSA-2048")
    }

    /// A registration authority without a mark is trusted as long as a leniency takes it, and no longer.
    @Test func leniencyThatIsGoneTakesItsTrustWithIt() throws {
        let ca = try OpenSSLAuthority.shared
        let ra = try OpenSSLIdentity(
            subject: "/CN=RA", issuedBy: ca, extensions: ["keyUsage=critical,digitalSignature,keyEncipherment"])
        for (leniency, isTrusted) in [("allow=unmarked-ra", true), ("retries=0", false)] {
            let life = try DeviceLife("retries=0")
            #expect(try life.powerUp().verdict == "done")
            let records = try life.records().map { record in
                (record, try #require(try life.record(record)) + (record == .caCertificates ? ra.der : []))
            }
            try write(records, to: &life.store)
            life.settings = ["retries=0", leniency].filter { $0 != "retries=0" } + ["retries=0"]
            // A question goes to the certificates that are stored.
            if isTrusted {
                #expect(throws: OpenSSLAuthority.Unreadable.self) {
                    _ = try life.powerUp { $0.requestedGoal = .certificate }
                }
            } else {
                let run = try life.powerUp { $0.requestedGoal = .certificate }
                #expect(run.verdict == "done", "\(run.lines)")
            }
        }
    }
}
