import Authority
import Foundation
import LibCrypto
import TestSupport
import Testing

/// Messages that others made.
@Suite struct ForeignTests {
    /// An authority that has the key which the recorded requests are encrypted for.
    private func recorded(_ directory: URL, _ edit: (inout CAConfiguration) -> Void = { _ in }) throws -> Authority {
        let folder = directory.appendingPathComponent("ca-1")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        let bytes = try Fixtures.read("jscep/ca.crt")
        let certificate = try (try? Certificate(der: bytes)) ?? Certificate(pem: bytes)
        try Data(certificate.pem()).write(to: folder.appendingPathComponent("root.pem"))
        let key = try PrivateKey(der: Fixtures.read("jscep/server-ca-key.pkcs8.der"))
        try Data(key.pem()).write(to: folder.appendingPathComponent("root.key"))
        return try makeAuthority {
            $0.directory = directory
            edit(&$0)
        }
    }

    struct Recording: CustomStringConvertible, Sendable {
        let file: String
        let status: PKIStatus
        var refusal: Refusal?
        var challenge = ChallengePolicy.none
        /// Which key opens the reply.
        var key: String?
        var description: String { file }
    }

    @Test(
        .enabled(if: Fixtures.areThere, Comment(rawValue: Fixtures.absence)),
        arguments: [
            Recording(file: "04", status: .success, key: "client.key"),
            Recording(
                file: "08", status: .failure, refusal: Refusal(.badRequest, "the challengePassword is wrong"),
                challenge: .shared("another")),
            Recording(file: "10", status: .success, key: "des3.key"),
            Recording(file: "12", status: .success, key: "client.key"),
            Recording(file: "14", status: .failure, refusal: Refusal(.badCertId, "there is no such certificate")),
            Recording(
                file: "17", status: .failure,
                refusal: Refusal(.badCertId, "no request was made under this transactionID")),
        ])
    func sscepAndJscepAreUnderstood(_ recording: Recording) throws {
        try withTemporaryDirectory { directory in
            let authority = try recorded(directory) { $0.challenge = recording.challenge }
            let reply = try authority.exchange(Fixtures.read("jscep/\(recording.file)-PKIOperation.req.der"))
            #expect(reply.refusal == recording.refusal)
            #expect(reply.status == recording.status)
            try OpenSSLCheck.verify(reply.encoded, root: authority.trustAnchor, absent: reply.signed.content == nil)
            guard let file = recording.key else { return }
            let key = try PrivateKey(pem: Fixtures.read("jscep/\(file)"))
            let pem = directory.appendingPathComponent("key.pem")
            try Data(key.pem()).write(to: pem)
            let content = try OpenSSL.run(
                ["cms", "-decrypt", "-inform", "DER", "-binary", "-inkey", pem.path],
                input: #require(reply.signed.content))
            let (certificates, lists) = try CertificatesOnly.decode(content)
            #expect(certificates.count + lists.count == 1)
        }
    }

    @Test(.enabled(if: Fixtures.areThere, Comment(rawValue: Fixtures.absence)))
    func aRecordedPollFollowsARecordedRequest() throws {
        try withTemporaryDirectory { directory in
            let authority = try recorded(directory) { $0.policy = .afterPolls(1) }
            #expect(try authority.exchange(Fixtures.read("jscep/16-PKIOperation.req.der")).status == .pending)
            #expect(try authority.exchange(Fixtures.read("jscep/17-PKIOperation.req.der")).status == .success)
        }
    }
}
