import Authority
import Foundation
import LibCrypto
import TestSupport
import Testing

/// Certificates, CRLs and next CAs that a client must not take.
@Suite struct CorruptedCertificateTests {
    /// 2026-01-01T00:00:00Z.
    static let start = Date(timeIntervalSince1970: 1_767_225_600)

    /// A device with a certificate for 30 days, which renews it a day later and meets `fault`.
    private func renew(_ fault: Fault) throws -> (authority: Authority, old: Certificate, reply: [Certificate]) {
        let authority = try makeAuthority { $0.clock = { Self.start } }
        let client = try Client()
        let old = try #require(try authority.enrol(client).certificates(for: client).first)
        authority.moveClock(by: 86_400)
        authority.setFaults([FaultRule(fault, times: 1)])
        let renewing = try Client(renewing: old, of: client)
        let reply = try authority.enrol(renewing, .renewalReq, transactionID: "2")
        #expect(reply.status == .success)
        // It was issued all the same: asked again, the certificate is the right one.
        let good = try #require(
            try authority.enrol(renewing, .renewalReq, transactionID: "2").certificates(for: renewing).first)
        #expect(try good.publicKey == renewing.key.publicKey())
        #expect(good.notAfter == old.notAfter.addingTimeInterval(86_400))
        try OpenSSLCheck.verify(good, root: authority.trustAnchor, at: authority.now)
        return (authority, old, try reply.certificates(for: renewing))
    }

    @Test func theOldCertificateAgain() throws {
        let (_, old, reply) = try renew(.oldCertificate)
        #expect(reply == [old])
    }

    @Test func nothingAtAll() throws {
        #expect(try renew(.nothingInside).reply.isEmpty)
    }

    @Test(arguments: [
        (Fault.expiredCertificate, "notBefore=Dec 31 00:00:00 2025 GMT\nnotAfter=Jan  1 00:00:00 2026 GMT\n"),
        (.notYetValidCertificate, "notBefore=Jan  3 00:00:00 2026 GMT\nnotAfter=Feb  2 00:00:00 2026 GMT\n"),
        (.validityNotExtended, "notBefore=Jan  1 23:59:00 2026 GMT\nnotAfter=Jan 30 23:59:59 2026 GMT\n"),
    ])
    func anotherValidity(_ fault: Fault, _ dates: String) throws {
        let (authority, _, reply) = try renew(fault)
        let certificate = try #require(reply.first)
        #expect(try OpenSSLCheck.describe(certificate, ["-dates"]) == dates)
        #expect(certificate.isSigned(by: authority.trustAnchor.publicKey))
        #expect(try certificate.publicKey == Keys.device(2).publicKey())
    }

    @Test func anotherIssuer() throws {
        let (authority, _, reply) = try renew(.anotherIssuer)
        let certificate = try #require(reply.first)
        #expect(certificate.issuer != authority.trustAnchor.subject)
        #expect(certificate.issuer.description.hasPrefix("CN=Another CA,"))
        #expect(!certificate.isSigned(by: authority.trustAnchor.publicKey))
    }

    @Test func anotherCertificateThanAskedFor() throws {
        let authority = try makeAuthority { $0.faults = [FaultRule(.anotherCertificate)] }
        let client = try Client()
        let certificate = try #require(try authority.enrol(client).certificates(for: client).first)
        let name = IssuerAndSerialNumber(issuer: certificate.issuer, serial: certificate.serial)
        let reply = try authority.exchange(
            client.message(.getCert, name.der(), transactionID: "2", for: authority.recipient))
        #expect(try reply.certificates(for: client) == [authority.issuingCertificate])
    }

    /// The CRL that a device gets whose certificate was revoked.
    private func list(_ fault: Fault?) throws -> (authority: Authority, revoked: Certificate, list: RevocationList?) {
        let authority = try makeAuthority { $0.clock = { Self.start } }
        let client = try Client()
        let certificate = try #require(try authority.enrol(client).certificates(for: client).first)
        try authority.revoke(serial: certificate.serialText)
        authority.setFaults(fault.map { [FaultRule($0)] } ?? [])
        let name = IssuerAndSerialNumber(issuer: certificate.issuer, serial: certificate.serial)
        let reply = try authority.exchange(
            client.message(.getCRL, name.der(), transactionID: "2", for: authority.recipient))
        return (authority, certificate, try reply.lists(for: client).first)
    }

    /// What `openssl` says of the revoked certificate and the list.
    @Test(arguments: [
        (nil, "certificate revoked"), (Fault.staleList, "CRL has expired"),
        (.listNotYetValid, "CRL is not yet valid"), (.listOfAnotherIssuer, "unable to get certificate CRL"),
        (.listOfUnknownIssuer, "CRL signature failure"), (.listWithBrokenSignature, "CRL signature failure"),
        (.listWithCriticalExtension, "unhandled critical CRL extension"), (.hugeList(5000), "certificate revoked"),
    ])
    func lists(_ fault: Fault?, _ verdict: String) throws {
        let (authority, revoked, list) = try list(fault)
        let failure = #expect(throws: OpenSSL.Failure.self) {
            try OpenSSLCheck.verify(
                revoked, root: authority.trustAnchor, lists: [#require(list).der], at: authority.now)
        }
        #expect(failure?.description.contains("depth lookup: \(verdict)") == true, "\(failure?.description ?? "")")
        #expect(try list?.serials().count == (fault == .hugeList(5000) ? 5000 : 1))
        if fault == .listOfAnotherIssuer {
            let text = try OpenSSL.run(
                ["crl", "-inform", "DER", "-noout", "-issuer", "-nameopt", "RFC2253"], input: #require(list).der)
            #expect(String(decoding: text, as: UTF8.self).hasPrefix("issuer=CN=Another CA,"))
        }
    }

    @Test func aMissingList() throws {
        #expect(try list(.nothingInside).list == nil)
    }

    @Test(arguments: [
        (nil, ""), (Fault.signedByNextCA, "EmbeddedSCEP Test CA 2"),
        (.signedByRegistrationAuthority, "EmbeddedSCEP Test CA RA"), (.unknownSigner, "EmbeddedSCEP Test CA"),
    ])
    func nextCAsThatTheCurrentOneDidNotSign(_ fault: Fault?, _ name: String) throws {
        let authority = try makeAuthority {
            $0.hasNextCA = true
            $0.registrationAuthority = .single
            $0.faults = fault.map { [FaultRule($0, operations: [.getNextCACert])] } ?? []
        }
        let body = authority.get("GetNextCACert").body
        let message = try SignedMessage(body)
        let signer = try #require(message.signer)
        #expect(try message.isSigned(by: signer))
        #expect((signer == authority.trustAnchor) == (fault == nil))
        if fault != nil { #expect(signer.subject.identifiers == [name]) }
        let content = try #require(message.content)
        #expect(try CertificatesOnly.decode(content).certificates.last == authority.nextTrustAnchor)
    }

    @Test func aNextCAWithABrokenSignatureOrNothing() throws {
        let authority = try makeAuthority { $0.hasNextCA = true }
        authority.setFaults([FaultRule(.brokenSignature, operations: [.getNextCACert])])
        #expect(throws: OpenSSL.Failure.self) {
            try OpenSSLCheck.verify(authority.get("GetNextCACert").body, root: authority.trustAnchor)
        }
        authority.setFaults([FaultRule(.nothingInside, operations: [.getNextCACert])])
        let content = try OpenSSLCheck.verify(authority.get("GetNextCACert").body, root: authority.trustAnchor)
        #expect(try CertificatesOnly.decode(content).certificates.isEmpty)
    }

    @Test func anEmptyAnswerToPOSTAlone() throws {
        let authority = try makeAuthority { $0.faults = [FaultRule(.emptyPost)] }
        let client = try Client()
        let message = try client.message(.pkcsReq, client.request(), transactionID: "1", for: authority.recipient)
        let post = authority.answer(Request(method: "POST", query: "operation=PKIOperation", body: message))
        #expect(post.status == 200)
        #expect(post.body.isEmpty)
        let text = Data(message).base64EncodedString().addingPercentEncoding(withAllowedCharacters: .alphanumerics)
        let get = authority.answer(
            Request(method: "GET", query: "operation=PKIOperation&message=\(try #require(text))"))
        #expect(try Reply(get.body).status == .success)
    }
}
