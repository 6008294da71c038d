import Foundation
import SCEP
import TestSupport
import Testing

@Suite struct ForeignReplyTests {
    /// What the CA signed as a FAILURE is a refusal, whatever it gives as its reason.
    @Test(
        arguments: [
            ([], .missing, ""),
            ([("1.4", "1301 32")], .badRequest, ""), ([("1.4", "1301 35")], .other(5), ""),
            ([("1.4", "1302 3939")], .other(99), ""), ([("1.4", "1304 31303234")], .other(1024), ""),
            ([("1.4", "1304 39393939")], .other(9999), ""), ([("1.4", "1305 3130303030")], .missing, ""),
            ([("1.4", "0203 00FFFF")], .other(65535), ""), ([("1.4", "0203 010000")], .missing, ""),
            ([("1.4", "0201 02")], .badRequest, ""), ([("1.4", "0202 00FF")], .other(255), ""),
            ([("1.4", "0C01 31")], .badMessageCheck, ""), ([("1.4", "1601 34")], .badCertId, ""),
            ([("1.4", "1300")], .missing, ""), ([("1.4", "1306 626164416C67")], .missing, ""),
            ([("1.4", "0500")], .missing, ""), ([("1.4", "0201 FF")], .missing, ""),
            ([("1.4", "1301 32"), ("1.4", "1301 33")], .missing, ""),
            ([("text", "0C03 C3A46E")], .missing, "än"), ([("1.4", "1301 33"), ("text", "1302 6E6F")], .badTime, "no"),
            ([("text", "1602 6E6F")], .missing, "no"), ([("text", "1402 6E6F")], .missing, "no"),
            ([("text", "1E08 006E 00E4 20AC 006F")], .missing, "nä?o"),
            ([("text", "1C0C 0000006E 0001F600 000000E4")], .missing, "n?ä"),
            ([("text", "1E03 006E 00")], .missing, "n"),
            // Two bytes of UTF-8 end with U+07FF; what is longer, or in a wider plane, is not there.
            ([("text", "1E0A 007F 0080 00FF 07FF 0800")], .missing, "\u{7F}\u{80}ÿ\u{7FF}?"),
            ([("text", "1C10 000007FF 00000800 00010041 01000041")], .missing, "\u{7FF}???"),
            ([("text", "1C07 00000041 000000")], .missing, "A"), ([("text", "3004 1E02 0041")], .missing, "A"),
            ([("text", "3002 3000")], .missing, ""), ([("text", "A003 0C0141")], .missing, ""),
            ([("text", "3006 0C02 6E6F 0C00")], .missing, "no"), ([("text", "3000")], .missing, ""),
            ([("text", "0C00")], .missing, ""),
        ] as [([(String, String)], FailInfo, String)])
    func aFailureIsARefusal(attributes: [(String, String)], failInfo: FailInfo, text: String) throws {
        let root = try Hierarchy.one.root
        var reply = ForeignReply()
        reply.attributes = attributes.map { name, value in
            name == "text" ? (ForeignReply.failInfoText, value) : ForeignReply.attribute(4, value)
        }
        let (answer, said) = try checked(reply.signed(by: root), trusting: [root])
        guard case .failure(failInfo, _) = answer else {
            Issue.record("\(answer)")
            return
        }
        #expect(String(decoding: said, as: UTF8.self) == text)
        // Of a stranger it is nothing.
        let stranger = try Hierarchy.one.impostorsRA
        #expect(throws: SCEPError.unknownSigner) { try checked(reply.signed(by: stranger), trusting: [root]) }
    }

    /// Of what is signed with SHA-1 all that would have to be allowed is told, and whoever has not signed is told first.
    @Test func whoSignedComesBeforeHow() throws {
        let hierarchy = try Hierarchy.one
        let root = hierarchy.root
        let device = try OpenSSLIdentity(subject: "/CN=sensor", for: TestKey.rsa)
        var reply = ForeignReply(
            pkiStatus: "1301 30", content: try device.envelope([1, 2, 3], cipher: "-des3"), digest: "sha1")
        let all = Leniency.sha1.union(.tripleDES)
        #expect(throws: SCEPError.belowFloor(all)) { try checked(reply.signed(by: root), trusting: [root]) }
        let lenient = Policy(digestFloor: .sha1)
        #expect(try checked(reply.signed(by: root), trusting: [root], policy: lenient).1 == reply.content)
        for (content, weakness) in [
            (try device.envelope([1, 2, 3]), .sha1), (Array("no envelope".utf8), .sha1),
            (
                try device.envelope(
                    [1, 2, 3], cipher: "-des-cbc", options: ["-provider", "legacy", "-provider", "default"]),
                Leniency.sha1.union(.des)
            ),
        ] as [([UInt8], Leniency)] {
            reply.content = content
            #expect(throws: SCEPError.belowFloor(weakness)) { try checked(reply.signed(by: root), trusting: [root]) }
        }
        // Nobody's word, so that it may pass: not that the CA is weak.
        let number = try serial(of: root)
        let twin = try OpenSSLIdentity(
            subject: "/O=Example/CN=Root", newKey: ["rsa:2048", "-set_serial", "0x\(number)"])
        #expect(throws: SCEPError.invalidSignature) { try checked(reply.signed(by: twin), trusting: [root]) }
        #expect(throws: SCEPError.unknownSigner) { try checked(reply.signed(by: device), trusting: [root]) }
        // A refusal is not believed either.
        reply = ForeignReply(digest: "sha1")
        #expect(throws: SCEPError.belowFloor(.sha1)) { try checked(reply.signed(by: root), trusting: [root]) }
        var changed = try reply.signed(by: root)
        changed[changed.count - 1] ^= 1
        #expect(throws: SCEPError.invalidSignature) { try checked(changed, trusting: [root]) }
    }

    private func serial(of identity: OpenSSLIdentity) throws -> String {
        let text = try OpenSSL.run(["x509", "-noout", "-serial"], input: identity.certificate)
        return String(decoding: text, as: UTF8.self).trimmingCharacters(in: .whitespacesAndNewlines).replacing(
            "serial=", with: "")
    }

    /// One server calls what it encloses envelopedData, against RFC 8894, 3.2: it is signed all the same.
    @Test func anEnvelopeMayBeCalledThat() throws {
        let root = try Hierarchy.one.root
        var reply = ForeignReply(pkiStatus: "1301 30", contentType: "06092A864886F70D010703", content: [4, 2, 1])
        #expect(try checked(reply.signed(by: root), trusting: [root]).1 == [4, 2, 1])
        #expect(try noted(reply.signed(by: root), trusting: root) == .contentType)
        for other in ["06092A864886F70D010702", "06092A864886F70D010706"] {
            reply.contentType = other
            #expect {
                try checked(reply.signed(by: root), trusting: [root])
            } throws: {
                guard case .reply(let error) = $0 as? SCEPError else { return false }
                return error.kind == .unexpectedContentType
            }
        }
        // Not the type of what is enclosed, but another (RFC 5652, 11.1).
        reply.contentType = "06092A864886F70D010703"
        var forged = try reply.signed(by: root)
        let place = try #require(forged.firstRange(of: [UInt8](hex: "06092A864886F70D010703")))
        forged[place.upperBound - 1] = 1
        #expect {
            try checked(forged, trusting: [root])
        } throws: {
            guard case .reply(let error) = $0 as? SCEPError else { return false }
            return error.kind == .unexpectedContentType
        }
    }

    /// cryptlib names its signatures by their key: id-ecPublicKey, with or without the curve.
    @Test(arguments: [
        "3009 0607 2A8648CE3D0201", "300B 0607 2A8648CE3D0201 0500", "3013 0607 2A8648CE3D0201 0608 2A8648CE3D030107",
    ])
    func aSignatureMayBeNamedByItsKey(algorithm: String) throws {
        let hierarchy = try Hierarchy.one
        let reply = ForeignReply(pkiStatus: "1301 33", signatureAlgorithm: algorithm)
        #expect(try checked(reply.signed(by: hierarchy.ec), trusting: [hierarchy.ec]).0 == .pending)
        #expect(try noted(reply.signed(by: hierarchy.ec), trusting: hierarchy.ec) == .signatureName)
        // The digest is still what digestAlgorithm says, and the floor is checked by it.
        let weak = ForeignReply(pkiStatus: "1301 33", digest: "sha1", signatureAlgorithm: algorithm)
        #expect(throws: SCEPError.belowFloor(.sha1)) {
            try checked(weak.signed(by: hierarchy.ec), trusting: [hierarchy.ec])
        }
        // An RSA signature is none of an elliptic curve key's.
        #expect(throws: SCEPError.invalidSignature) {
            try checked(reply.signed(by: hierarchy.root), trusting: [hierarchy.root])
        }
        var changed = try reply.signed(by: hierarchy.ec)
        changed[changed.count - 1] ^= 1
        #expect(throws: SCEPError.invalidSignature) { try checked(changed, trusting: [hierarchy.ec]) }
    }

    private func noted(_ message: [UInt8], trusting ca: OpenSSLIdentity) throws -> Leniency {
        var policy = Policy()
        var work = message
        let trusted = ca.der
        var bytes = work.mutableSpan
        _ = try CertRep(
            &bytes, body: 0..<message.count, from: CACertificates(trusted.span), to: Reply.transaction(),
            policy: &policy, moment: .unknown)
        return policy.used
    }
}
