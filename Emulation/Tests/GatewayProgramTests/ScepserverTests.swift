import Emulator
import EmulationTestSupport
import Foundation
import LibCrypto
import Testing

/// Debian's `scepserver`, which is micromdm's: everything that it can say.
@Suite struct ScepserverTests {
    struct Row: Sendable, CustomTestStringConvertible {
        let name: String
        var server = ["-allowrenew", "0"]
        var path = "scep"
        var challenge = SCEPServer.challenge
        /// Lines of the configuration.
        var lines = ["allow = sha1,des"]
        /// What is done before, with success.
        var before: String?
        let command: String
        let code: Int
        /// What the program says when it fails; `$URL` stands for the server's, `$UNKNOWN` for its words.
        var words = ""
        /// The same of release 2.3.0, where that differs.
        var newer: (code: Int, words: String)?
        var testDescription: String { name }
    }

    /// It gives no reason.
    private static let refused =
        "the CA says no (badRequest); check challenge-file and subject, and see the CA's log"
    private static let refusedAgain =
        "the CA says no (badRequest); it may have revoked the certificate (scep crl asks), want the password "
        + "(challenge-use = always), or another renewal-type; scep enroll --again asks for a new one"
    private static func unknown(_ operation: String) -> String {
        "the answer to \(operation) is HTTP 500; the CA may not answer this question at all: see its log; "
            + "it says: $UNKNOWN ($URL)"
    }

    static let rows = [
        Row(
            name: "SHA-1", lines: [], command: "enroll", code: 3,
            words: "the CA uses SHA-1 and single DES; upgrade it, or add to allow: sha1,des"),
        Row(
            name: "single DES", lines: ["allow = sha1"], command: "enroll", code: 3,
            words: "the CA uses single DES; upgrade it, or add to allow: des"),
        Row(name: "a wrong challenge", challenge: "not-this-one", command: "enroll", code: 4, words: refused),
        Row(
            name: "a name that is taken", server: ["-allowrenew", "14"],
            lines: ["allow = sha1,des", "challenge-use = always"], before: "enroll", command: "enroll --again",
            code: 4, words: refused),
        Row(
            name: "a verifier that says no", server: ["-csrverifierexec", "/bin/false"], command: "enroll", code: 4,
            words: refused),
        Row(
            name: "an elliptic key", lines: ["allow = sha1,des", "key = p256", "challenge-use = always"],
            command: "enroll", code: 4, words: refused,
            // It ends in a nil pointer, and closes.
            newer: (2, "the server closed without a reply; try again (PKCSReq, byte 0) ($URL)")),
        Row(
            name: "another path", path: "other", command: "enroll", code: 2,
            words: "the answer to GetCACert is HTTP 404; check url and message; it says: 404 page not found ($URL)"),
        Row(name: "GetCRL", before: "enroll", command: "crl", code: 4, words: unknown("GetCRL")),
        Row(name: "GetCert", before: "enroll", command: "cert", code: 4, words: unknown("GetCert")),
        Row(
            name: "GetNextCACert", before: "enroll", command: "next-ca", code: 4,
            words: "the CA has no next certificate to offer; ask again before its own expires"),
        Row(name: "a renewal without challenge", before: "enroll", command: "renew", code: 4, words: refusedAgain),
        Row(
            name: "a renewal", lines: ["allow = sha1,des", "challenge-use = always"], before: "enroll",
            command: "renew", code: 0),
    ]

    @Test(arguments: rows, SCEPServer.Release.allCases)
    func gatewayUnderstands(row: Row, release: SCEPServer.Release) async throws {
        try await Gateway.with(.amd64) { gateway in
            try await SCEPServer.run(release, in: gateway.folder, options: row.server) { server in
                let root = try Certificate(der: [UInt8](server.root))
                try gateway.configure(
                    port: server.port, path: row.path, root: root, challenge: row.challenge, row.lines)
                if let before = row.before {
                    let done = try await gateway.scep(before)
                    #expect(done.ending == .exited(0), "\(done)")
                    // It counts in seconds, and a certificate of the same second is not valid for longer.
                    try await Task.sleep(for: .milliseconds(1100))
                }
                let outcome = try await gateway.scep(row.command)
                let expected = (release == .debian13 ? row.newer : nil) ?? (code: row.code, words: row.words)
                #expect(outcome.ending == .exited(expected.code), "\(outcome)")
                if row.code == 0 {
                    try await gateway.check()
                } else {
                    let unknown = release == .debian12 ? "not implemented" : "scep: not implemented"
                    let words = expected.words.replacing("$URL", with: "http://127.0.0.1:\(server.port)/\(row.path)")
                        .replacing("$UNKNOWN", with: unknown)
                    #expect(outcome.error?.hasSuffix("error: " + words) == true, "\(outcome)")
                }
            }
        }
    }
}
