import Agent
import Board
import DER
import HTTP
import PKIX
import SCEP
import Testing

@Suite struct ConclusionTests {
    private struct Lines: Log {
        var lines: [String] = []

        mutating func write(line: Span<UInt8>) {
            lines.append(String(decoding: line.indices.map { line[$0] }, as: UTF8.self))
        }
    }

    private func words(_ error: AgentError?, _ work: String = "") throws -> String {
        var log = Lines()
        let bytes = Array(work.utf8)
        conclude(error, work: bytes.span, log: &log)
        return try #require(log.lines.first)
    }

    static let errors: [AgentError] =
        [
            .configuration(ConfigurationError(.unknownName, at: 3)), .entropy(.notProvisioned), .entropy(.failed),
            .storage(.full), .storage(.corrupt), .storage(.failed), .storage(.outOfRange), .key(.unsupported),
            .key(.outOfMemory), .exchange(.getCACaps, .notSecured), .status(.getCACert, 404, text: 0..<0),
            .stillPending,
        ]
        + ([
            .noAddress, .nameUnknown, .refused, .unreachable, .timedOut, .reset, .exhausted, .notTLS, .noCommonProtocol,
            .handshakeRefused, .handshakeFailed, .certificateUntrusted, .certificateOfOtherHost, .certificateExpired,
            .certificateNotYetValid, .certificateWeak, .certificateMisused, .pinMismatch, .identityRefused,
            .identityFailed, .proxyUnreachable, .proxyRefused, .proxyAuthentication,
        ] as [TransportError]).map {
            .exchange(.pkcsReq, .connecting($0))
        }
        + ([.noReply, .notHTTP, .redirected, .bodyTooLarge, .truncated, .badChunk] as [HTTPError.Kind]).map {
            .exchange(.getCACert, .reply(HTTPError($0, at: 5)))
        }
        + ([
            .request(DERError(.bufferFull, at: 0)), .request(DERError(.invalidName, at: 0)),
            .request(DERError(.crypto(.outOfMemory), at: 0)), .request(DERError(.crypto(.notSeeded), at: 0)),
            .reply(DERError(.truncated, at: 0)), .reply(DERError(.crypto(.decryptionFailed), at: 0)), .noCapabilities,
            .digestBelowFloor(.sha1),
            .cipherBelowFloor(.desCBC), .fingerprintMismatch, .pinnedIsNotCA, .caCertificateExpired,
            .caCertificateNotYetValid, .nextCANotSigned, .nextCAInvalid, .passwordMissing, .unmarkedRA,
            .noEncryptionCertificate, .tooManyCACertificates, .unknownSigner, .invalidSignature, .wrongMessageType,
            .wrongTransactionID, .wrongRecipientNonce, .unknownStatus, .envelopeMissing, .refused(.badRequest),
            .certificateForAnotherKey, .certificateNotFromCA, .certificateExpired, .certificateNotYetValid,
            .oldCertificate, .validityNotExtended, .wrongCertificate, .crlMissing, .crlFromAnotherIssuer,
            .crlInvalidSignature, .crlStale, .crlNotYetValid, .revoked,
        ] as [SCEPError]).map { .scep(.pkcsReq, $0, text: 0..<0) }

    /// `error <kind>: <sentence>` in one line that fits, whatever happened.
    @Test(arguments: errors) func everyErrorHasItsWords(_ error: AgentError) throws {
        let line = try words(error)
        #expect(line.wholeMatch(of: /error [a-z]+(-[a-z]+)*: .{20,}/) != nil, "\(line)")
        #expect(line.utf8.count < Line.capacity, "cut off: \(line)")
    }

    @Test func noTwoErrorsShareAKind() throws {
        let kinds = try Self.errors.map { try String(#require(words($0).split(separator: ":").first)) }
        #expect(Set(kinds).count == kinds.count)
    }

    @Test func successIsOneWord() throws {
        #expect(try words(nil) == "done")
    }

    /// What the far side said is shown, and cannot forge a line.
    @Test func theFarSideIsQuoted() throws {
        let line = try words(.scep(.pkcsReq, .refused(.badRequest), text: 2..<21), "--no\r\ndone\u{1B}[2J such word")
        #expect(line.contains("badRequest"))
        #expect(line.hasSuffix("it says: no??done?[2J such w"))
    }
}
