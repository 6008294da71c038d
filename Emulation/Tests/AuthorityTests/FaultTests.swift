import Authority
import LibCrypto
import Testing

@Suite struct FaultTests {
    /// An enrolment that meets `fault`.
    func enrol(_ fault: Fault, _ client: Client) throws -> (authority: Authority, reply: Reply) {
        let authority = try makeAuthority { $0.faults = [FaultRule(fault)] }
        return (authority, try authority.enrol(client))
    }

    @Test func aCertRepOfAnotherTransaction() throws {
        let (authority, reply) = try enrol(.wrongTransactionID, Client())
        #expect(reply.transactionID?.count == 32)
        try OpenSSLCheck.verify(reply.encoded, root: authority.trustAnchor)
    }

    @Test func aCertRepWithAnotherNonce() throws {
        let (authority, reply) = try enrol(.wrongRecipientNonce, Client())
        #expect(reply.recipientNonce != [UInt8](repeating: 7, count: 16))
        #expect(reply.recipientNonce?.count == 16)
        try OpenSSLCheck.verify(reply.encoded, root: authority.trustAnchor)
    }

    @Test func aCertificateForAnotherKey() throws {
        let client = try Client()
        let (authority, reply) = try enrol(.certificateForAnotherKey, client)
        let certificate = try #require(try reply.certificates(for: client).first)
        #expect(certificate.subject == client.subject)
        #expect(try certificate.publicKey != client.key.publicKey())
        try OpenSSLCheck.verify(certificate, root: authority.trustAnchor)
    }

    @Test func aCertificateOfAnUnknownCA() throws {
        let client = try Client()
        let (authority, reply) = try enrol(.unknownIssuer, client)
        let certificate = try #require(try reply.certificates(for: client).first)
        #expect(certificate.issuer == authority.trustAnchor.subject)
        #expect(!certificate.isSigned(by: authority.trustAnchor.publicKey))
    }

    @Test func aCertRepSignedByAnUnknownCA() throws {
        let (authority, reply) = try enrol(.unknownSigner, Client())
        let signer = try #require(reply.signer)
        #expect(signer.subject == authority.trustAnchor.subject)
        #expect(signer != authority.trustAnchor)
        #expect(try reply.signed.isSigned(by: signer))
    }

    @Test func aBrokenSignature() throws {
        let (authority, reply) = try enrol(.brokenSignature, Client())
        #expect(try !reply.signed.isSigned(by: authority.trustAnchor))
    }

    @Test func noCertificatesInTheCertRep() throws {
        let (authority, reply) = try enrol(.noCertificates, Client())
        #expect(reply.signed.certificates.isEmpty)
        #expect(try reply.signed.isSigned(by: authority.trustAnchor))
    }

    @Test func indefiniteLengths() throws {
        let client = try Client()
        let (authority, reply) = try enrol(.indefiniteLength, client)
        #expect(reply.encoded[1] == 0x80)
        let envelope = try OpenSSLCheck.verify(reply.encoded, root: authority.trustAnchor)
        #expect(envelope[1] == 0x80)
        let content = try OpenSSLCheck.decrypt(envelope, key: client.key, certificate: client.certificate)
        #expect(try CertificatesOnly.decode(content).certificates.count == 1)
    }

    @Test func singleDESAndSHA1() throws {
        let client = try Client()
        let (authority, reply) = try enrol(.obsoleteAlgorithms, client)
        #expect(reply.signed.digest == .sha1)
        #expect(try reply.opened(by: client)?.cipher == .des)
        let envelope = try OpenSSLCheck.verify(reply.encoded, root: authority.trustAnchor)
        #expect(try !OpenSSLCheck.decrypt(envelope, key: client.key, certificate: client.certificate).isEmpty)
    }

    @Test(arguments: [(Fault.oaep, KeyTransport.oaep), (.oaepWithoutParameters, .oaepWithoutParameters)])
    func oaep(_ fault: Fault, _ transport: KeyTransport) throws {
        let client = try Client()
        let (_, reply) = try enrol(fault, client)
        let opened = try #require(try reply.opened(by: client))
        #expect(opened.opener == .key(client.certificate, transport))
        #expect(try CertificatesOnly.decode(opened.content).certificates.count == 1)
    }

    @Test func aFailureOnPurpose() throws {
        let refusal = Refusal(.badTime, "what time is it?")
        let (authority, reply) = try enrol(.failure(refusal), Client())
        #expect(reply.refusal == refusal)
        #expect(authority.issuedCertificates().isEmpty)
    }

    @Test func answersThatAreNoCertRep() throws {
        let authority = try makeAuthority()
        func answer(_ fault: Fault, _ operation: CAOperation = .getCACert) -> Answer {
            authority.setFaults([FaultRule(fault, operations: [operation])])
            return authority.get("GetCACert")
        }
        #expect(answer(.html).mediaType == "text/html")
        #expect(answer(.status(503)).status == 503)
        #expect(answer(.emptyBody).body.isEmpty)
        #expect(answer(.truncated(10)).cut == 10)
        #expect(answer(.oversized(1 << 30)).padding == 1 << 30)
        #expect(answer(.stall(2)).delay == 2)
        #expect(answer(.close).isDropped)
        #expect(answer(.html, .getCACaps).body == authority.trustAnchor.der)
    }

    @Test func aFaultWearsOff() throws {
        let authority = try makeAuthority { $0.faults = [FaultRule(.status(503), operations: [.getCACert], times: 2)] }
        #expect((1...3).map { _ in authority.get("GetCACert").status } == [503, 503, 200])
    }

    @Test(arguments: [
        ("html", FaultRule(.html)),
        ("status=503@GetCACert#2", FaultRule(.status(503), operations: [.getCACert], times: 2)),
        ("close@getcacaps,PKIOperation", FaultRule(.close, operations: [.getCACaps, .pkiOperation])),
        ("truncated", FaultRule(.truncated(100))),
        ("oversized=5000", FaultRule(.oversized(5000))),
        ("stall=1.5#1", FaultRule(.stall(1.5), times: 1)),
        ("failure=4:no such thing", FaultRule(.failure(Refusal(.badCertId, "no such thing")))),
        ("oaep-without-parameters", FaultRule(.oaepWithoutParameters)),
        ("crl-huge=70000#1", FaultRule(.hugeList(70_000), times: 1)),
        ("unknown-signer@GetNextCACert", FaultRule(.unknownSigner, operations: [.getNextCACert])),
    ])
    func aRuleIsRead(_ text: String, _ rule: FaultRule) throws {
        #expect(try FaultRule(text: text) == rule)
    }

    @Test(arguments: [
        ("fire", "no fault is called 'fire'; there are "),
        ("status", "fault status: it is written status=CODE"),
        ("status=20", "fault status=20: it is written status=CODE"),
        ("html=1", "fault html=1: it is written html"),
        ("crl-huge=0", "fault crl-huge=0: it is written crl-huge[=ENTRIES]"),
        ("html#0", "fault html#0: a number of times is wanted after '#'"),
        ("html@GetTea", "fault html@GetTea: no operation is called GetTea; there are "),
        ("failure=9", "fault failure=9: it is written failure=FAILINFO[:TEXT]"),
    ])
    func aWrongRuleIsExplained(_ text: String, _ message: String) {
        let error = #expect(throws: CAConfigurationError.self) { try FaultRule(text: text) }
        #expect(error?.description.hasPrefix(message) == true)
    }
}
