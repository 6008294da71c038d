import enum Agent.AgentError
import enum Agent.Operation
import Authority
import struct DER.DERError
import Foundation
import struct HTTP.HTTPError
import class LibCrypto.Certificate
import struct SCEP.Leniency
import enum SCEP.SCEPError
import Testing

/// One defect a row: each ends in its own error, leaves the identity as it was, and ends when the CA is honest again.
@Suite struct LifeBadInputTests {
    struct Defect: Sendable, CustomTestStringConvertible {
        let fault: Fault
        let operation: Operation
        let error: SCEPError

        var testDescription: String { "\(fault) at \(operation)" }

        init(_ fault: Fault, at operation: Operation, _ error: SCEPError) {
            (self.fault, self.operation, self.error) = (fault, operation, error)
        }

        var rule: FaultRule {
            switch operation {
            case .getCACert: FaultRule(fault, operations: [.getCACert])
            case .getNextCACert: FaultRule(fault, operations: [.getNextCACert])
            default: FaultRule(fault)
            }
        }

        /// Whether `found` is this row's error: texts of the far side apart.
        func matches(_ found: AgentError?) -> Bool {
            guard case .scep(operation, let error, _) = found else { return false }
            switch (error, self.error) {
            // Where a malformed reply breaks depends on its bytes.
            case (.reply(let found), .reply(let wanted)): return found.kind == wanted.kind
            default: return error == self.error
            }
        }
    }

    static let renewals: [Defect] = [
        Defect(.oldCertificate, at: .renewalReq, .oldCertificate),
        Defect(.expiredCertificate, at: .renewalReq, .certificateExpired),
        Defect(.notYetValidCertificate, at: .renewalReq, .certificateNotYetValid),
        Defect(.certificateForAnotherKey, at: .renewalReq, .certificateForAnotherKey),
        Defect(.unknownIssuer, at: .renewalReq, .certificateNotFromCA),
        Defect(.anotherIssuer, at: .renewalReq, .certificateNotFromCA),
        Defect(.validityNotExtended, at: .renewalReq, .validityNotExtended),
        Defect(.nothingInside, at: .renewalReq, .certificateForAnotherKey),
        Defect(.unknownSigner, at: .renewalReq, .unknownSigner),
        Defect(.brokenSignature, at: .renewalReq, .invalidSignature),
        Defect(.wrongTransactionID, at: .renewalReq, .wrongTransactionID),
        Defect(.wrongRecipientNonce, at: .renewalReq, .wrongRecipientNonce),
        Defect(.obsoleteAlgorithms, at: .renewalReq, .belowFloor(Leniency.sha1.union(.des))),
        Defect(.failure(Refusal(.badRequest, "not now")), at: .renewalReq, .refused(.badRequest)),
        Defect(.failure(Refusal(.badCertId, "revoked")), at: .renewalReq, .refused(.badCertId)),
    ]

    @Test(arguments: renewals)
    func renewalThatIsNoneLeavesTheIdentity(defect: Defect) throws {
        let life = try Life()
        #expect(life.powerUp().verdict == "done")
        let before = try #require(try life.identity())
        life.pass(days: 25)
        try expect(defect, life, keeps: before)
        // An honest CA, asked again, gives what was due.
        let run = life.powerUp()
        #expect(run.verdict == "done", "\(run.lines)")
        let after = try #require(try life.identity())
        #expect(after != before)
        try OpenSSLCheck.verify(after, of: life.authority)
        #expect(life.authority.ledger.transactionIDsOfSeveralKeys.isEmpty)
        #expect(life.authority.ledger.challengesOfSeveralTransactions.isEmpty)
    }

    static let enrolments: [Defect] = [
        Defect(.oldCertificate, at: .pkcsReq, .certificateNotFromCA),
        Defect(.expiredCertificate, at: .pkcsReq, .certificateExpired),
        Defect(.notYetValidCertificate, at: .pkcsReq, .certificateNotYetValid),
        Defect(.certificateForAnotherKey, at: .pkcsReq, .certificateForAnotherKey),
        Defect(.unknownIssuer, at: .pkcsReq, .certificateNotFromCA),
        Defect(.anotherIssuer, at: .pkcsReq, .certificateNotFromCA),
        Defect(.nothingInside, at: .pkcsReq, .certificateForAnotherKey),
        Defect(.unknownSigner, at: .pkcsReq, .unknownSigner),
        Defect(.brokenSignature, at: .pkcsReq, .invalidSignature),
    ]

    /// The one-time password is spent by then; sending the same request again spends it on nothing else.
    @Test(arguments: enrolments)
    func enrolmentThatIsNoneIsAskedForAgain(defect: Defect) throws {
        let life = try Life()
        try expect(defect, life, keeps: nil)
        let run = life.powerUp()
        #expect(run.verdict == "done", "\(run.lines)")
        try OpenSSLCheck.verify(#require(try life.identity()), of: life.authority)
        #expect(life.authority.ledger.entries.count == 1)
    }

    static let nextCAs: [Defect] = [
        Defect(.unknownSigner, at: .getNextCACert, .nextCANotSigned),
        Defect(.signedByNextCA, at: .getNextCACert, .nextCANotSigned),
        Defect(.signedByRegistrationAuthority, at: .getNextCACert, .nextCANotSigned),
        Defect(.brokenSignature, at: .getNextCACert, .invalidSignature),
        Defect(.nothingInside, at: .getNextCACert, .nextCAInvalid),
    ]

    @Test(arguments: nextCAs)
    func nextCAThatTheCurrentOneHasNotSignedIsNotTrusted(defect: Defect) throws {
        let life = try Rollover.life { $0.registrationAuthority = .single }
        #expect(life.powerUp().verdict == "done")
        life.pass(days: 45)
        let run = life.powerUp(defect.rule)
        #expect(defect.matches(run.error), "\(String(describing: run.error)): \(run.lines)")
        let event = try #require(run.events.last { ["failed", "refused"].contains($0.outcome) }, "\(run.lines)")
        #expect(event["error"] == run.verdict && event["operation"] == "GetNextCACert", "\(run.lines)")
        // The renewal that is due is the current CA's.
        try OpenSSLCheck.verify(#require(try life.identity()), of: life.authority)
        #expect(try life.records()[6] == nil && life.records()[9] == nil)
        let next = life.powerUp()
        #expect(next.verdict == "done", "\(next.lines)")
        #expect(next.events.contains { $0.outcome == "next-ca" })
    }

    static let lists: [Defect] = [
        Defect(.staleList, at: .getCRL, .crlStale),
        Defect(.listNotYetValid, at: .getCRL, .crlNotYetValid),
        Defect(.listOfAnotherIssuer, at: .getCRL, .crlFromAnotherIssuer),
        Defect(.listOfUnknownIssuer, at: .getCRL, .crlInvalidSignature),
        Defect(.listWithBrokenSignature, at: .getCRL, .crlInvalidSignature),
        Defect(.nothingInside, at: .getCRL, .crlMissing),
        Defect(.unknownSigner, at: .getCRL, .unknownSigner),
        Defect(.listWithCriticalExtension, at: .getCRL, .reply(DERError(.unknownCriticalExtension, at: 0))),
    ]

    @Test(arguments: lists)
    func listThatProvesNothingIsNamed(defect: Defect) throws {
        let life = try Life(["check": "crl"])
        #expect(life.powerUp().events.last?.outcome == "not-revoked")
        let before = try #require(try life.identity())
        try expect(defect, life, keeps: before)
        let run = life.powerUp()
        #expect(run.verdict == "done" && run.events.last?.outcome == "not-revoked", "\(run.lines)")
        #expect(run.operations == ["GetCACaps", "GetCRL"])
    }

    /// Larger than the device's buffer: refused by name, with the size that it has.
    @Test func listThatDoesNotFitIsRefusedByName() throws {
        let life = try Life(["check": "crl"])
        #expect(life.powerUp().verdict == "done")
        let before = try #require(try life.identity())
        let run = life.powerUp(FaultRule(.hugeList(1000)))
        guard case .exchange(.getCRL, .reply(let error)) = run.error else {
            Issue.record("\(run.lines)")
            return
        }
        #expect(error.kind == .bodyTooLarge && error.size > 37_000)
        #expect(run.verdict == "reply-too-large")
        #expect(try life.identity() == before)
        // A long list that does fit is searched to its end.
        life.workSize = 65_536
        #expect(life.powerUp(FaultRule(.hugeList(1000))).events.last?.outcome == "not-revoked")
    }

    @Test func revokedCertificateIsNamed() throws {
        let life = try Life(["check": "crl"])
        #expect(life.powerUp().verdict == "done")
        let before = try #require(try life.identity())
        try life.authority.revoke(serial: before.serialText)
        for fault in [nil, FaultRule(.hugeList(300))] {
            life.workSize = 32_768
            let run = fault.map { life.powerUp($0) } ?? life.powerUp()
            #expect(run.error == .revoked && run.verdict == "revoked", "\(run.lines)")
            #expect(run.events.last?.outcome == "refused" && run.events.last?["error"] == "revoked")
            #expect(try life.identity() == before)
        }
    }

    static let certificates: [Defect] = [
        Defect(.anotherCertificate, at: .getCert, .wrongCertificate),
        Defect(.nothingInside, at: .getCert, .wrongCertificate),
        Defect(.failure(Refusal(.badCertId, "never seen")), at: .getCert, .refused(.badCertId)),
    ]

    @Test(arguments: certificates)
    func certificateThatTheCADoesNotHaveAsItIsHereIsNamed(defect: Defect) throws {
        let life = try Life(["check": "certificate"])
        #expect(life.powerUp().events.last?.outcome == "known")
        let before = try #require(try life.identity())
        try expect(defect, life, keeps: before)
        #expect(life.powerUp().events.last?.outcome == "known")
    }

    /// Runs `life` with the defect, and expects its error, its line, its event, and the identity as it was.
    private func expect(
        _ defect: Defect, _ life: Life, keeps identity: Certificate?, sourceLocation: SourceLocation = #_sourceLocation
    ) throws {
        let records = try life.records()
        let run = life.powerUp(defect.rule)
        #expect(
            defect.matches(run.error), "\(String(describing: run.error)): \(run.lines)", sourceLocation: sourceLocation)
        let event = try #require(run.events.last, "\(run.lines)", sourceLocation: sourceLocation)
        #expect(["failed", "refused"].contains(event.outcome), sourceLocation: sourceLocation)
        #expect(event["error"] == run.verdict, sourceLocation: sourceLocation)
        #expect(try life.identity() == identity, sourceLocation: sourceLocation)
        let after = try life.records()
        for number in [1, 2, 6, 8, 9] as [UInt8] {
            #expect(after[number] == records[number], "record \(number)", sourceLocation: sourceLocation)
        }
    }
}
