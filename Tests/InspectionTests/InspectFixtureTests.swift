import DeviceCrypto
import Foundation
import SCEP
import TestSupport
import Testing

@testable import Inspection
@testable import InspectionSupport
@testable import Output

/// What openssl says of a structure, without the names of its fields.
private func openssl(_ command: String, _ options: [String], _ der: [UInt8]) throws -> [String] {
    let output = try OpenSSL.run([command, "-noout", "-inform", "DER"] + options, input: der)
    return String(decoding: output, as: UTF8.self).split(separator: "\n").map {
        String($0.drop { $0 != "=" }.dropFirst())
    }
}

/// A time as openssl writes it with `-dateopt iso_8601`, as ours.
private func time(_ text: String) -> String { text.replacingOccurrences(of: " ", with: "T") }

/// Holds a certificate's description against openssl's.
func check(_ found: Found, certificate der: [UInt8]) throws {
    let dates = try openssl("x509", ["-startdate", "-enddate", "-dateopt", "iso_8601"], der).map(time)
    let names = try openssl("x509", ["-serial", "-subject", "-issuer", "-nameopt", "RFC2253"], der)
    let digests = try ["-sha1", "-sha256"].map {
        try openssl("x509", ["-fingerprint", $0], der)[0].replacingOccurrences(of: ":", with: "").lowercased()
    }
    #expect(found["kind"].text == "certificate")
    #expect(found["serialNumber"].text == names[0].lowercased())
    #expect(found["subject"].text == names[1])
    #expect(found["issuer"].text == names[2])
    #expect(found["notBefore"].text == dates[0])
    #expect(found["notAfter"].text == dates[1])
    #expect(found["sha1"].text == digests[0])
    #expect(found["sha256"].text == digests[1])
    let text = String(
        decoding: try OpenSSL.run(["x509", "-inform", "DER", "-noout", "-text"], input: der), as: UTF8.self)
    let bits = try #require(found["publicKey"]["bits"].number)
    #expect(text.contains("Public-Key: (\(bits) bit)"))
    let algorithm = try #require(found["signatureAlgorithm"].text)
    #expect(text.contains("Signature Algorithm: \(algorithm)"))
    #expect(
        found["extensions"].count == text.components(separatedBy: "X509v3 ").count
            - (text.contains("X509v3 extensions") ? 2 : 1))
}

@Suite(.enabled(if: Fixtures.areThere, Comment(rawValue: Fixtures.absence))) struct InspectFixtureTests {
    private func jscep(_ name: String) throws -> [UInt8] { try Fixtures.read("jscep/\(name)") }

    /// A conversation from end to end, by both keys: type, status and the checks that fail where nothing is allowed.
    @Test(
        arguments: [
            ("04", "19 (PKCSReq)", "0 (SUCCESS)", "client.key"), ("06", "19 (PKCSReq)", "0 (SUCCESS)", ""),
            ("08", "19 (PKCSReq)", "2 (FAILURE)", "client.key"), ("10", "19 (PKCSReq)", "0 (SUCCESS)", "des3.key"),
            ("12", "22 (GetCRL)", "0 (SUCCESS)", "client.key"), ("14", "21 (GetCert)", "0 (SUCCESS)", "client.key"),
            ("16", "19 (PKCSReq)", "3 (PENDING)", "client.key"), ("17", "20 (CertPoll)", "3 (PENDING)", "client.key"),
        ])
    func conversation(row: (number: String, type: String, status: String, key: String)) throws {
        let ca = try jscep("02-GetCACert.rsp.der")
        let request = try jscep("\(row.number)-PKIOperation.req.der")
        let policy = Policy(digestFloor: .sha1, cipherFloor: .tripleDESCBC)
        var inspecting = Inspecting(key: try jscep("server-ca-key.pkcs8.der"), ca: ca, policy: policy)
        let asked = try inspecting.json(request).object
        #expect(asked["kind"].text == "pkiMessage")
        #expect(asked["messageType"].text == row.type)
        #expect(asked["encoding"].text == "DER")
        #expect(asked["content"].result("decryption") == "pass")
        #expect(asked["content"].result("recipient") == "pass")
        #expect(asked.failures == [])
        let content = asked["content"]["content"]
        switch row.number {
        case "12", "14": #expect(content["kind"].text == "IssuerAndSerialNumber")
        case "17": #expect(content["kind"].text == "IssuerAndSubject")
        default:
            #expect(content["kind"].text == "certification request")
            #expect(asked.result("requestKey") == "pass")
        }

        inspecting.key = row.key.isEmpty ? [] : try jscep(row.key)
        inspecting.request = request
        let answered = try inspecting.json(try jscep("\(row.number)-PKIOperation.rsp.der")).object
        #expect(answered["messageType"].text == "3 (CertRep)")
        #expect(answered["encoding"].text == "BER")
        #expect(answered["pkiStatus"].text == row.status)
        #expect(answered["transactionID"].text == asked["transactionID"].text)
        #expect(answered["recipientNonce"].text == asked["senderNonce"].text)
        #expect(answered.result("transactionMatches") == "pass")
        #expect(answered.result("nonceMatches") == "pass")
        #expect(answered.result("signature") == "pass")
        #expect(answered.result("messageDigest") == "pass")
        #expect(answered.failures == [])
        #expect((answered["failInfo"].text == "2 (badRequest)") == (row.number == "08"))
        guard row.status.hasPrefix("0"), !row.key.isEmpty else { return }
        let brought = answered["content"]["content"]
        #expect(brought["kind"].text == "certificates-only SignedData")
        if row.number == "12" {
            #expect(brought["crls"][0]["kind"].text == "CRL")
            #expect(brought["crls"][0].result("signature") == "pass")
        } else {
            #expect(brought["certificates"].count == 1)
        }
        if row.number == "04" || row.number == "10" { #expect(answered.result("issuedCertificate") == "pass") }
    }

    /// What the strict default refuses, and the word that lets it pass.
    @Test func weaknessesAreNamed() throws {
        let inspecting = Inspecting(
            key: try jscep("client.key"), ca: try jscep("02-GetCACert.rsp.der"),
            request: try jscep("04-PKIOperation.req.der"))
        let found = try inspecting.json(try jscep("04-PKIOperation.rsp.der")).object
        #expect(found.result("digestAlgorithm") == "fail")
        #expect(found["content"].result("cipher") == "fail")
        let lines = try inspecting.lines(try jscep("04-PKIOperation.rsp.der"))
        #expect(lines.contains("- fail digestAlgorithm: SHA-1 is below the client's floor; allow=sha1 lets it pass"))
        #expect(lines.contains("- fail cipher: 3DES-CBC is below the client's floor; allow=3des lets it pass"))
        #expect(lines.contains("BER, which the client turns into DER: 7 indefinite lengths, 1 octet strings in pieces"))
    }

    @Test func capabilities() throws {
        let found = try Inspecting().json(try jscep("01-GetCACaps.rsp.txt"))
        #expect(found["form"].text == "text")
        #expect(found.object["capabilities"].items.compactMap(\.text).contains("POSTPKIOperation"))
        #expect(found.object.result("algorithms") == "pass")
    }

    @Test func certificates() throws {
        let ca = try jscep("02-GetCACert.rsp.der")
        try check(try Inspecting().json(ca).object, certificate: ca)
        let pem = try jscep("issued.crt")
        let found = try Inspecting(ca: ca, policy: Policy(digestFloor: .sha1)).json(pem)
        #expect(found["form"].text == "PEM")
        #expect(found.object["label"].text == "CERTIFICATE")
        #expect(found.object.result("issuedByCA") == "pass")
        try check(found.object, certificate: try OpenSSL.run(["x509", "-outform", "DER"], input: pem))
    }

    /// A real NDES: one byte of content, an attribute of Microsoft's, no certificate.
    @Test func refusalOfNDES() throws {
        let found = try Inspecting(policy: Policy(digestFloor: .sha1)).json(try Fixtures.read("ndes_failure.der"))
            .object
        #expect(found["pkiStatus"].text == "2 (FAILURE)")
        #expect(found["failInfo"].text == "2 (badRequest)")
        #expect(found["signer"]["issuer"].text == "CN=SRV2012-CA")
        #expect(found["eContentBytes"].number == 1)
        #expect(found.result("signature") == "unknown")
        #expect(found.result("content") == "pass")
        #expect(found.failures == [])
        let ids = found["signer"]["signedAttributes"].items.map { $0["id"].text }
        #expect(ids.contains("1.3.6.1.4.1.311.21.33"))
    }

    @Test func micromdm() throws {
        let reply = try Inspecting().json(try Fixtures.read("micromdm_certrep.der")).object
        #expect(reply.result("signature") == "pass")
        #expect(reply.failures == ["digestAlgorithm", "senderNonce", "recipientNonce", "cipher"])
        #expect(reply["content"]["contentEncryptionAlgorithm"].text == "DES-CBC")
        let request = try Inspecting().json(try Fixtures.read("micromdm_pkcsreq.der")).object
        #expect(request["messageType"].text == "19 (PKCSReq)")
        for certificate in reply["certificates"].items { #expect(certificate["kind"].text == "certificate") }
    }

    @Test func cryptlib() throws {
        let der = try Fixtures.read("cryptlib_req0.der")
        let request = try Inspecting(showsChallenge: true).json(der).object
        #expect(request["kind"].text == "certification request")
        #expect(try [request["subject"].text] == openssl("req", ["-subject", "-nameopt", "RFC2253"], der))
        #expect(request.result("proofOfPossession") == "pass")
        let text = String(
            decoding: try OpenSSL.run(["req", "-inform", "DER", "-noout", "-text"], input: der), as: UTF8.self)
        let attribute = request["attributes"].items.first { $0["attribute"].text == "challengePassword" }
        let password = try #require(attribute?["value"].text)
        #expect(attribute?["bytes"].number == password.utf8.count)
        #expect(text.contains(":\(password)\n"))
        // It is a secret unless it is asked for.
        #expect(try !Inspecting().lines(der).contains(password))

        #expect(try Inspecting().json(try Fixtures.read("cryptlib_req1.der")).object["kind"].text == "EnvelopedData")
        #expect(try Inspecting().json(try Fixtures.read("cryptlib_resp1.der")).object["kind"].text == "EnvelopedData")
        let bundle = try Inspecting().json(try Fixtures.read("cryptlib_resp0.der")).object
        #expect(bundle["kind"].text == "certificates-only SignedData")
    }

    static let all =
        ["cryptlib_req0", "cryptlib_req1", "cryptlib_resp0", "cryptlib_resp1", "micromdm_certrep", "micromdm_pkcsreq"]
        .map { "\($0).der" } + ["ndes_failure.der", "jscep/02-GetCACert.rsp.der"]
        + ["04", "06", "08", "10", "12", "14", "16", "17"].flatMap { number in
            ["req", "rsp"].map { "jscep/\(number)-PKIOperation.\($0).der" }
        }

    /// The two forms say the same: every text and number of the JSON stands in the lines.
    @Test(arguments: all)
    func linesSayWhatJSONSays(name: String) throws {
        let file = try Fixtures.read(name)
        let lines = try Inspecting().lines(file)
        func check(_ found: Found) {
            if let list = found.value as? [Any] { return list.forEach { check(Found(value: $0)) } }
            if let object = found.value as? [String: Any] {
                return object.forEach { if $0.key != "file" { check(Found(value: $0.value)) } }
            }
            if let text = found.text { #expect(lines.contains(text), "\(text)") }
        }
        check(try Inspecting().json(file))
    }

    /// Whatever is cut off or changed, it is described: no crash, and always one object at least.
    @Test(arguments: ["jscep/16-PKIOperation.rsp.der", "jscep/08-PKIOperation.req.der", "ndes_failure.der"])
    func damageIsDescribed(name: String) throws {
        let file = try Fixtures.read(name)
        var random = SeededGenerator(seed: 4)
        for round in 0..<120 {
            var damaged = file
            let noise = random.bytes(4)
            let position = (Int(noise[0]) << 8 | Int(noise[1])) % file.count
            if round % 3 == 0 {
                damaged = Array(file.prefix(position))
            } else {
                damaged[position] ^= noise[2] | 1
            }
            let found = try Inspecting().json(damaged)
            #expect(found["objects"].count >= 1 || found["kind"].text == "unrecognized", "\(position)")
        }
    }
}
