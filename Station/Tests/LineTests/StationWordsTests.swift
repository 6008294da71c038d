import Agent
import Board
import DER
import HTTP
import Ledger
import SCEP
import Testing

@testable import Provisioning

@Suite("What a station says of the client's errors")
struct StationWordsTests {
    /// Every error of the ways to the CA that a station goes, in the names of a manifest and a profile.
    @Test func namesNoOtherProgramsSettings() {
        let operations: [Operation] = [.getCACaps, .getCACert, .getNextCACert, .pkcsReq, .certPoll]
        let reasons: [FailInfo] = [.badAlg, .badMessageCheck, .badRequest, .badTime, .badCertId, .other(9)]
        let problems: [SCEPError] = [
            .passwordMissing, .noCapabilities, .fingerprintMismatch, .pinnedIsNotCA, .caCertificateExpired, .unmarkedRA,
            .noEncryptionCertificate, .unknownSigner, .invalidSignature, .wrongTransactionID, .certificateNotYetValid,
            .validityNotExtended, .notDER(.html), .reply(.init(.truncated, at: 3)),
        ]
        var errors: [AgentError] = [.passwordSpent, .passwordNeeded, .cannotRenew, .stillPending]
        for operation in operations {
            let statuses: [UInt16] = [302, 400, 401, 403, 404, 405, 407, 408, 426, 429, 500, 501, 502, 503]
            errors += statuses.map { .status(operation, $0, text: 0..<0) }
            errors += statuses.map { .status(operation, $0, text: 0..<6) }
            errors += (problems + reasons.map { .refused($0) }).map { .scep(operation, $0, text: 0..<6) }
            errors += [.exchange(operation, .receiving(.timedOut)), .exchange(operation, .connecting(.unreachable))]
        }
        for page in ["<html>", "0\u{82}\u{1}\u{2}ab"] {
            let work = [UInt8](page.unicodeScalars.map { UInt8($0.value) })
            for (error, knows) in errors.flatMap({ [($0, true), ($0, false)] }) {
                let said = FailureCause(error, work.span, knowsCapabilities: knows).sentence
                for word in ["-file", "scep ca", "scep crl", "scep enroll", "scep inspect", "--"] {
                    #expect(!said.contains(word), "\(error): \(said)")
                }
            }
        }
    }
}
