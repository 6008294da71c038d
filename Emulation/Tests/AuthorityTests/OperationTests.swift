import Authority
import Foundation
import LibCrypto
import TestSupport
import Testing

@Suite struct OperationTests {
    @Test func capabilitiesAreThoseOfRFC8894() throws {
        let answer = Shared.plain.get("GetCACaps")
        #expect(answer.mediaType == "text/plain")
        #expect(
            String(decoding: answer.body, as: UTF8.self)
                == "AES\nDES3\nPOSTPKIOperation\nRenewal\nSHA-1\nSHA-256\nSHA-512\nSCEPStandard\n")
        let rolling = try makeAuthority { $0.hasNextCA = true }
        #expect(String(decoding: rolling.get("GetCACaps").body, as: UTF8.self).hasSuffix("\nGetNextCACert\n"))
    }

    @Test func aLoneRootIsSentAsItIs() {
        let answer = Shared.plain.get("GetCACert")
        #expect(answer.mediaType == "application/x-x509-ca-cert")
        #expect(answer.body == Shared.plain.trustAnchor.der)
    }

    @Test func moreCertificatesComeInACertificatesOnlyMessage() throws {
        let authority = try makeAuthority {
            $0.hasIntermediate = true
            $0.registrationAuthority = .split
        }
        let answer = authority.get("GetCACert")
        #expect(answer.mediaType == "application/x-x509-ca-ra-cert")
        let text = String(
            decoding: try OpenSSL.run(["pkcs7", "-inform", "DER", "-print_certs"], input: answer.body), as: UTF8.self)
        let subjects = text.split(separator: "\n").filter { $0.hasPrefix("subject=") }
            .map { $0.split(separator: "CN = ")[1] }
        #expect(
            subjects == [
                "EmbeddedSCEP Test CA RA Encryption", "EmbeddedSCEP Test CA RA Signing",
                "EmbeddedSCEP Test CA Intermediate", "EmbeddedSCEP Test CA",
            ])
        // No content and no signers (RFC 8894, section 3.4).
        let structure = try OpenSSL.structure(answer.body)
        #expect(structure.contains("OBJECT            :pkcs7-data\n"))
        #expect(!structure.contains("OCTET STRING      [HEX DUMP]:\n"))
        let usages = try authority.publishedCertificates.map { try $0.extensions().compactMap(\.keyUsage).first }
        #expect(
            usages == [.keyEncipherment, .digitalSignature, [.keyCertSign, .cRLSign], [.keyCertSign, .cRLSign]])
    }

    @Test func dogtagTellsItsChainOneByOne() throws {
        let log = LogBook()
        let authority = try makeAuthority(log: log) {
            $0.profile = .dogtag
            $0.hasIntermediate = true
        }
        let chain = authority.publishedCertificates
        #expect(chain.count == 2)
        // Beyond the end, or no number at all, it is the first one again.
        let asked = ["GetCACert", "GetCACert&message=0", "GetCACert&message=1", "GetCACert&message=2"]
        for (operation, expected) in zip(asked + ["GetCACert&message=x"], [0, 0, 1, 0, 0]) {
            let answer = authority.get(operation)
            #expect(answer.body == chain[expected].der, "\(operation)")
            #expect(answer.mediaType == "application/x-x509-ca-cert")
        }
        #expect(log.events.map(\.identifier) == [nil, "0", "1", "2", "x"])
        try #require(log.events.count > 2)
        #expect(log.events[2].description.contains("GET GetCACert message=1 -> 200"))
        for operation in ["GetCACaps", "GetNextCACert"] { #expect(authority.get(operation).status == 500) }
        let client = try Client()
        let reply = try authority.enrol(client)
        #expect(reply.signed.digest == .sha1)
        #expect(try reply.opened(by: client)?.cipher == .des3)
    }

    @Test(arguments: [
        ("", 404), ("&message=", 404), ("&message=other", 404), ("&message=line%207", 200),
    ])
    func aCAIdentifierIsWanted(_ message: String, _ status: Int) throws {
        let authority = try makeAuthority {
            $0.identifier = "line 7"
            $0.hasNextCA = true
        }
        for operation in ["GetCACaps", "GetCACert", "GetNextCACert"] {
            #expect(authority.get(operation + message).status == status, "\(operation)")
        }
        #expect(try authority.enrol(Client()).status == .success)
    }

    @Test func aGetCarriesTheWholeMessage() throws {
        let log = LogBook()
        let authority = try makeAuthority(log: log)
        let client = try Client()
        let message = try client.message(.pkcsReq, client.request(), transactionID: "get", for: authority.recipient)
        let base64 = Data(message).base64EncodedString()
        let encoded = try #require(base64.addingPercentEncoding(withAllowedCharacters: .alphanumerics))
        for (text, notes) in [(encoded, []), (base64, ["the message is not percent-encoded"])] {
            let answer = authority.answer(Request(method: "GET", query: "operation=PKIOperation&message=\(text)"))
            #expect(try Reply(answer.body).status == .success)
            #expect(log.events.last?.notes == notes)
        }
    }

    @Test(arguments: [
        ("operation=Nonsense", 400, "no operation is called Nonsense\n"),
        ("operation=PKIOperation", 400, "the message is missing\n"),
        ("operation=PKIOperation&message=%21", 400, "the message is not base64\n"),
        ("operation=GetNextCACert", 404, "there is no next CA\n"),
    ])
    func aWrongQueryIsAnsweredInWords(_ query: String, _ status: Int, _ text: String) {
        let answer = Shared.plain.answer(Request(method: "GET", query: query))
        #expect(answer.status == status)
        #expect(String(decoding: answer.body, as: UTF8.self) == text)
    }

    @Test func whatIsOddIsNoted() throws {
        let log = LogBook()
        let authority = try makeAuthority(log: log)
        let client = try Client(usage: nil)
        let message = try client.message(.pkcsReq, client.request(), transactionID: "odd", for: authority.recipient)
        var request = Request(method: "POST", body: message)
        request.host = nil
        #expect(try Reply(authority.answer(request).body).status == .success)
        #expect(
            log.events.last?.notes == [
                "no operation is named; taken as PKIOperation", "no Host header", "Content-Type is missing",
                "the self-signed certificate has no keyUsage",
            ])
    }
}
