import Authority
import LibCrypto
import TestSupport
import Testing

/// What other kinds of servers send, as `openssl` sees it. How a device copes with it, LifeTests try.
@Suite struct AuthorityServerProfileTests {
    /// A CertRep of such a server, to `client`.
    private func reply(_ profile: ServerProfile, to client: Client) throws -> (Authority, Reply) {
        let authority = try makeAuthority { $0.behave(as: profile) }
        return (authority, try authority.enrol(client))
    }

    /// The lines of `openssl asn1parse` for a message, and for the envelope in it.
    private func structures(_ reply: Reply) throws -> (message: [Substring], envelope: [Substring]) {
        let content = try #require(reply.signed.content)
        return try (
            OpenSSL.structure(reply.encoded).split(separator: "\n"), OpenSSL.structure(content).split(separator: "\n")
        )
    }

    /// Who signed it, for those that do not send it along, and what the envelope holds.
    private func check(_ reply: Reply, of authority: Authority, to client: Client) throws {
        let content = try OpenSSLCheck.verify(
            reply.encoded, root: authority.trustAnchor, others: authority.publishedCertificates)
        #expect(content == reply.signed.content)
        let bundle = try OpenSSLCheck.decrypt(content, key: client.signingKey, certificate: client.certificate)
        let issued = try OpenSSL.run(["pkcs7", "-inform", "DER", "-print_certs"], input: bundle)
        #expect(String(decoding: issued, as: UTF8.self).contains("subject=CN = device\n"))
    }

    @Test func bouncyCastlesContentComesInPieces() throws {
        let client = try Client()
        let (authority, reply) = try reply(.bouncyCastle, to: client)
        try check(reply, of: authority, to: client)
        let (message, envelope) = try structures(reply)
        // ContentInfo, [0], SignedData, encapContentInfo, [0], the string; and the same of the envelope.
        #expect(message.filter { $0.contains("l=inf") }.count == 6)
        #expect(envelope.filter { $0.contains("l=inf") }.count == 5)
        let pieces = message.filter { $0.contains("OCTET STRING") && $0.contains("d=6 ") }
        #expect(pieces.count == 2 && pieces[0].contains("l=1000 "), "\(pieces)")
        #expect(reply.signed.digest == .sha1)
        #expect(try reply.opened(by: client)?.cipher == .des3)
    }

    /// The shape of a recorded reply of micromdm's.
    @Test func micromdmsAlgorithmsHaveNoParameters() throws {
        let client = try Client()
        let (authority, reply) = try reply(.micromdm, to: client)
        try check(reply, of: authority, to: client)
        let (message, envelope) = try structures(reply)
        let isConstructed = zip(envelope, envelope.dropFirst()).contains {
            $0.contains("d=4 ") && $0.contains("cons: cont [ 0 ]") && $1.contains("d=5 ") && $1.contains("OCTET STRING")
        }
        #expect(isConstructed, "\(envelope)")
        #expect(!envelope.contains { $0.contains("NULL") })
        let afterRSA = zip(message, message.dropFirst()).filter { $0.0.contains("d=6 ") && $0.0.contains(":rsaEnc") }
        #expect(afterRSA.count == 1 && !afterRSA[0].1.contains("NULL"))
    }

    /// OpenSSL's program reads the name alone, which no standard has.
    @Test func cryptlibsSignaturesAreNamedByTheKey() throws {
        var client = try Client()
        client.password = "word"
        let authority = try makeAuthority {
            $0.behave(as: .cryptlib)
            $0.challenge = .shared("word")
        }
        let reply = try authority.enrol(client, challenge: "word")
        let algorithm = try structures(reply).message.filter { $0.contains("d=6 ") }.suffix(2)
        #expect(algorithm.last?.hasSuffix(":id-ecPublicKey") == true, "\(algorithm)")
        #expect(!reply.signed.attributes.contains { $0.identifier == AttributeIdentifier.senderNonce })
    }

    @Test func modSCEPsBundlesHoldAnEmptyString() throws {
        let client = try Client()
        let (authority, reply) = try reply(.modSCEP, to: client)
        try check(reply, of: authority, to: client)
        let opened = try #require(try reply.opened(by: client)).content
        for bundle in [authority.get("GetCACert").body, opened] {
            let lines = try OpenSSL.structure(bundle).split(separator: "\n")
            #expect(lines.contains { $0.contains("l=   0 prim: OCTET STRING") }, "\(lines.prefix(12))")
        }
    }

    /// As a real NDES refused, which is recorded: the same attributes, one byte, no certificate.
    @Test func ndesHasAttributesOfItsOwn() throws {
        let client = try Client()
        let authority = try makeAuthority {
            $0.behave(as: .ndes)
            $0.challenge = .shared("word")
        }
        let refused = try authority.enrol(client, challenge: "another")
        #expect(refused.status == .failure && refused.signed.content == [0] && refused.signed.certificates.isEmpty)
        let lines = try OpenSSL.structure(refused.encoded).split(separator: "\n")
        #expect(lines.contains { $0.hasSuffix("OBJECT            :1.3.6.1.4.1.311.21.33") })
        #expect(lines.contains { $0.hasSuffix("OBJECT            :1.3.6.1.4.1.311.21.38") })
        #expect(!lines.contains { $0.contains(AttributeIdentifier.failInfoText) })

        let accepted = try authority.enrol(client, transactionID: "2", challenge: "word")
        try OpenSSLCheck.verify(accepted.encoded, root: authority.trustAnchor, others: authority.publishedCertificates)
        // The program takes no OAEP without parameters, so it is the library that opens it.
        #expect(try accepted.certificates(for: client).first?.subject == client.subject)
        let (_, envelope) = try structures(accepted)
        let place = try #require(envelope.firstIndex { $0.contains(":rsaesOaep") })
        #expect(envelope[place + 1].contains("OCTET STRING"), "no parameters")
        // None of the three is where it would be looked for first.
        let bundle = try CertificatesOnly.decode(authority.get("GetCACert").body).certificates
        let usages = try bundle.map { try $0.extensions().compactMap(\.keyUsage).first }
        #expect(usages == [.digitalSignature, [.keyCertSign, .cRLSign], .keyEncipherment])
    }

    @Test func othersRefuseInTheirWays() throws {
        func answer(
            _ profile: ServerProfile, _ type: CAMessageType = .pkcsReq, _ edit: (inout Request) -> Void = { _ in }
        ) throws -> Answer {
            let authority = try makeAuthority {
                $0.behave(as: profile)
                $0.policy = .refuse(Refusal(.badRequest, "not today"))
            }
            let client = try Client()
            let message = try client.message(
                type, client.request(), transactionID: "1", for: authority.recipient)
            var request = Request(
                method: "POST", query: "operation=PKIOperation", mediaType: "application/x-pki-message", body: message)
            edit(&request)
            return authority.answer(request)
        }
        for (profile, status) in [(ServerProfile.ejbca, 400), (.openXPKI, 500)] {
            let answer = try answer(profile)
            #expect(answer.status == status && String(decoding: answer.body, as: UTF8.self) == "not today\n")
        }
        let aws = try answer(.aws)
        #expect(aws.status == 400 && aws.mediaType == "application/x-pki-message")
        #expect(try Reply(aws.body).refusal == Refusal(.badRequest, "not today"))
        // As they were seen to: a refusal is a CertRep, and what they do not know HTTP 500.
        for (profile, text) in [(ServerProfile.stepCA, "not today"), (.micromdm, "")] {
            let refused = try answer(profile)
            #expect(refused.status == 200 && refused.mediaType == "application/x-pki-message")
            #expect(try Reply(refused.body).refusal == Refusal(.badRequest, text))
            #expect(try Reply(refused.body).signed.digest == .sha1)
            let unknown = try answer(profile, .getCRL)
            #expect(unknown.status == 500)
            #expect(String(decoding: unknown.body, as: UTF8.self) == "messageType 22 is not served\n")
        }
        #expect(try answer(.openXPKI) { $0.host = nil }.status == 400)
        let silent = try answer(.ndesOld)
        #expect(silent.status == 200 && silent.body.isEmpty)
        #expect(try answer(.ndesOld) { ($0.method, $0.query) = ("GET", "operation=GetCACaps") }.isDropped)
    }
}
