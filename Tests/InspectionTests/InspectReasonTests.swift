import Foundation
import SCEP
import TestSupport
import Testing

@testable import Inspection
@testable import InspectionSupport
@testable import Output

/// Why each check of `scep inspect` came out as it did: the words that an operator acts upon.
@Suite struct InspectReasonTests {
    struct Row: CustomTestStringConvertible, Sendable {
        let check: String
        let result: String
        let reason: String
        /// What is inspected, and with what.
        let make: @Sendable (inout Inspecting) throws -> [UInt8]
        /// Where in the description of the file's object the check stands.
        var place: [String] = []

        init(
            _ check: String, _ result: String, _ reason: String, in place: [String] = [],
            _ make: @escaping @Sendable (inout Inspecting) throws -> [UInt8]
        ) {
            (self.check, self.result, self.reason, self.place, self.make) = (check, result, reason, place, make)
        }

        var testDescription: String { "\(check): \(result): \(reason)" }
    }

    private static func ca() throws -> OpenSSLIdentity { try .authority }

    /// One key for whatever need not differ.
    private static func identity(
        _ subject: String, by issuer: OpenSSLIdentity? = nil, _ extensions: [String] = [], options: [String] = []
    ) throws -> OpenSSLIdentity {
        guard let issuer else { return try OpenSSLIdentity(subject: subject, for: .rsa, extensions: extensions) }
        return try OpenSSLIdentity(
            subject: subject, for: .rsa, issuedBy: issuer, extensions: extensions, options: options)
    }

    private static let device = Result { try identity("/O=Example/CN=gateway 7") }
    private static let stranger = Result { try OpenSSLIdentity(subject: "/CN=stranger") }
    private static let impostor = Result { try OpenSSLIdentity(subject: "/C=DE/O=Example/CN=Example CA") }

    private static func request(_ type: String = "19", from signer: OpenSSLIdentity? = nil) throws -> [UInt8] {
        let signer = try signer ?? device.get()
        return try SignedMessage.request(
            type, from: signer, content: ca().envelope(signer.request(subject: "/O=Example/CN=gateway 7"))
        ).encoded()
    }

    private static func reply(
        _ issued: [OpenSSLIdentity], to recipient: OpenSSLIdentity? = nil, from signer: OpenSSLIdentity? = nil
    ) throws -> [UInt8] {
        let content = try (recipient ?? device.get()).envelope(OpenSSLIdentity.bundle(issued))
        return try SignedMessage.reply("0", from: signer ?? ca(), content: content).encoded()
    }

    private static func issued(by issuer: OpenSSLIdentity? = nil) throws -> OpenSSLIdentity {
        try identity("/O=Example/CN=gateway 7", by: issuer ?? ca())
    }

    /// A request's value of an attribute of SCEP's, by the arc of its identifier.
    private static func changed(_ arc: UInt8, _ value: [UInt8]?, status: String = "3") throws -> [UInt8] {
        try SignedMessage.reply(status, from: ca()).setting(arc, value).encoded()
    }

    static let certificates: [Row] = [
        Row("issuedByCA", "unknown", "no certificate of the CA was given") { _ in try issued().der },
        Row("issuedByCA", "pass", "a given CA certificate's key has signed it") {
            $0.ca = try ca().der
            return try issued().der
        },
        Row("issuedByCA", "fail", "no given CA certificate has the name of its issuer") {
            $0.ca = try stranger.get().der
            return try issued().der
        },
        Row(
            "issuedByCA", "fail",
            "the given CA certificate with the name of its issuer has another key: it did not sign this"
        ) {
            $0.ca = try impostor.get().der
            return try issued().der
        },
        Row("issuedByCA", "fail", "the given CA certificate's keyUsage does not allow it to sign certificates") {
            let sub = try identity("/CN=Sub", ["basicConstraints=critical,CA:TRUE", "keyUsage=cRLSign"])
            $0.ca = sub.der
            return try issued(by: sub).der
        },
        Row("issuedByCA", "fail", "the given certificate that signed it is no CA's by its basicConstraints") {
            let sub = try identity("/CN=Sub", by: ca(), ["basicConstraints=critical,CA:FALSE"])
            $0.ca = sub.der
            return try issued(by: sub).der
        },
        Row(
            "issuedByCA", "fail",
            "the client has no use for the CA's key: it takes RSA-2048 to 4096, P-256 and P-384"
        ) {
            let weak = try OpenSSLIdentity(subject: "/CN=Weak", newKey: ["rsa:1024"])
            $0.ca = weak.der
            return try issued(by: weak).der
        },
        Row("selfSignature", "pass", "it is signed by its own key") { _ in try device.get().der },
        Row(
            "selfSignature", "unknown",
            "it names itself as its issuer, and another key has signed it: a link certificate, or it was changed"
        ) { _ in try identity("/C=DE/O=Example/CN=Example CA", by: ca()).der },
        Row("selfSignature", "unknown", "the signature algorithm is not known here") { _ in
            FieldCertificates.sha224Root.der
        },
        Row(
            "signatureAlgorithm", "fail",
            "sha224WithRSAEncryption is no signature algorithm that the client knows"
        ) { _ in try identity("/CN=x", by: ca(), options: ["-sha224"]).der },
        Row(
            "signatureAlgorithm", "pass",
            "the client does not look at the signature of a certificate that is pinned"
        ) {
            $0.fingerprint = try FieldCertificates.pssIssuing.fingerprint().replacing(":", with: "")
            return FieldCertificates.pssIssuing.der
        },
        Row(
            "signatureAlgorithm", "pass",
            "the client does not look at the signature of a certificate that is pinned"
        ) { _ in FieldCertificates.pssRoot.der },
        Row(
            "signatureAlgorithm", "fail",
            "sha224WithRSAEncryption is no signature algorithm that the client knows"
        ) {
            $0.fingerprint = String(repeating: "00", count: 32)
            return FieldCertificates.sha224Root.der
        },
        Row("signatureAlgorithm", "fail", "SHA-1 is below the client's floor; allow=sha1 lets it pass") { _ in
            try identity("/CN=x", by: ca(), options: ["-sha1"]).der
        },
        Row("signatureAlgorithm", "pass", "SHA-1 is weak, and allowed") {
            $0.policy = Policy(digestFloor: .sha1)
            return try identity("/CN=x", by: ca(), options: ["-sha1"]).der
        },
        Row("signatureAlgorithm", "pass", "SHA-512 is strong enough") { _ in
            try identity("/CN=x", by: ca(), options: ["-sha512"]).der
        },
        Row("client", "pass", "the client reads this certificate") { _ in
            // A device's small key is its own affair.
            try OpenSSLIdentity(
                subject: "/CN=x", newKey: ["rsa:1024"], extensions: ["basicConstraints=critical,CA:FALSE"]
            ).der
        },
        Row(
            "criticalExtensions", "pass",
            "the client does not check the one that is critical, since it is pinned"
        ) {
            $0.fingerprint = try FieldCertificates.issuingPoliciesCritical.fingerprint().replacing(":", with: "")
            return FieldCertificates.issuingPoliciesCritical.der
        },
    ]

    static let lists: [Row] = [
        Row("signature", "unknown", "no certificate of the CA was given") { _ in try ca().revocationList() },
        Row("signature", "fail", "no given CA certificate has the name of its issuer") {
            $0.ca = try stranger.get().der
            return try ca().revocationList()
        },
        Row("signature", "fail", "the given CA certificate with the name of its issuer has not signed it") {
            $0.ca = try impostor.get().der
            return try ca().revocationList()
        },
        Row("signature", "fail", "the given CA certificate's keyUsage does not allow it to sign CRLs") {
            $0.ca = try ca().der
            return try ca().revocationList()
        },
        // Without a keyUsage it may be used for all.
        Row("signature", "pass", "a given CA certificate's key has signed it") {
            $0.ca = try impostor.get().der + stranger.get().der
            return try stranger.get().revocationList()
        },
    ]

    static let messages: [Row] = [
        Row("transactionID", "fail", "it is missing") { _ in try changed(7, nil) },
        Row("transactionID", "fail", "its type is wrong: tag 0c where 13 is due") { _ in
            try changed(7, [0x41].tagged(0x0C))
        },
        Row("transactionID", "fail", "it is empty") { _ in try changed(7, [0x13, 0]) },
        Row("transactionID", "fail", "it has to be there once, with one value") { _ in
            try changed(7, SignedMessage.text("A") + SignedMessage.text("B"))
        },
        Row("transactionID", "fail", "it has to be there once, with one value") { _ in
            var message = try SignedMessage.reply("3", from: ca())
            message.attributes.append((7, SignedMessage.text("B")))
            return try message.encoded()
        },
        Row("recipientNonce", "fail", "it has 15 bytes where 16 are due") { _ in
            try changed(6, [UInt8](repeating: 1, count: 15).tagged(4))
        },
        Row("senderNonce", "fail", "it has 17 bytes where 16 are due") { _ in
            try changed(5, [UInt8](repeating: 1, count: 17).tagged(4))
        },
        Row("pkiStatus", "fail", "it is missing") { _ in try changed(3, nil) },
        Row("pkiStatus", "fail", "it is no decimal number in one PrintableString") { _ in
            try changed(3, SignedMessage.text("x"))
        },
        Row("pkiStatus", "fail", "it is no decimal number in one PrintableString") { _ in
            try changed(3, SignedMessage.text("0003"))
        },
        Row("pkiStatus", "fail", "it is no decimal number in one PrintableString") { _ in
            try changed(3, SignedMessage.text("3") + SignedMessage.text("3"))
        },
        Row("pkiStatus", "fail", "it is no decimal number in one PrintableString") { _ in
            try changed(3, [0x33].tagged(0x0C))
        },
        Row("pkiStatus", "pass", "it is there and well formed") { _ in try changed(3, SignedMessage.text("003")) },
        Row("pkiStatus", "fail", "RFC 8894 does not know this number") { _ in try changed(3, SignedMessage.text("1")) },
        Row("failInfo", "fail", "RFC 8894 does not know this number") { _ in
            try changed(4, SignedMessage.text("5"), status: "2")
        },
        Row("transactionMatches", "fail", "transactionID is another than the request's, 1A2B3C4D") {
            $0.request = try request()
            return try changed(7, SignedMessage.text("1A2B3C4"))
        },
        Row("transactionMatches", "pass", "transactionID is the request's") {
            $0.request = try request()
            return try changed(7, SignedMessage.transactionID)
        },
        Row(
            "nonceMatches", "fail",
            "recipientNonce is another than the request's senderNonce, 11111111111111111111111111111111"
        ) {
            $0.request = try request()
            return try changed(6, SignedMessage.answer)
        },
        Row("nonceMatches", "pass", "recipientNonce is the request's senderNonce") {
            $0.request = try request()
            return try changed(6, SignedMessage.nonce)
        },
        Row("answersRequest", "unknown", "no request was given") { _ in try changed(6, SignedMessage.nonce) },
        Row("signer", "pass", "it signs with a self-signed certificate, as at a first enrolment") { _ in try request()
        },
        Row("signer", "pass", "it signs with a certificate that the CA issued, as at a renewal") {
            $0.ca = try ca().der
            return try request("17", from: issued())
        },
        // Who has the name of its issuer is not therefore its issuer.
        Row("signer", "pass", "it signs with a certificate that the CA issued, as at a renewal") {
            $0.ca = try ca().der
            return try request("17", from: identity("/C=DE/O=Example/CN=Example CA", by: ca()))
        },
        Row("signer", "unknown", "no certificate of the CA was given") { _ in try request("17", from: issued()) },
        Row(
            "signer", "fail",
            "the CA would not know who it is: no given CA certificate has the name of its issuer"
        ) {
            $0.ca = try stranger.get().der
            return try request("17", from: issued())
        },
        Row("signer", "pass", "it is a given certificate of the CA") {
            let mine = try issued()
            $0.ca = mine.der
            return try request("17", from: mine)
        },
        Row("signer", "pass", "the CA issued its certificate, and marked it as an authority's") {
            $0.ca = try ca().der
            let ra = try identity(
                "/CN=RA", by: ca(), ["keyUsage=critical,digitalSignature", "extendedKeyUsage=1.3.6.1.5.5.7.3.28"])
            return try SignedMessage.reply("3", from: ra).encoded()
        },
        Row("signerCertificate", "pass", "it is among the given certificates of the CA") {
            $0.ca = try stranger.get().der + ca().der
            var message = try SignedMessage.reply("3", from: ca())
            message.hasCertificate = false
            return try message.encoded()
        },
        Row(
            "signerCertificate", "unknown",
            "it is neither in the message nor among the given certificates of the CA"
        ) {
            $0.ca = try stranger.get().der
            var message = try SignedMessage.reply("3", from: ca())
            message.hasCertificate = false
            return try message.encoded()
        },
        Row("signature", "fail", "it is right, but the client has no use for the signer's key") { _ in
            try SignedMessage.reply("3", from: OpenSSLIdentity(subject: "/CN=Weak", newKey: ["rsa:1024"])).encoded()
        },
        Row("signature", "fail", "the signer's key did not make it over these attributes") { _ in
            var message = try SignedMessage.reply("3", from: ca())
            message.change = { [$0[0] ^ 1] + $0.dropFirst() }
            return try message.encoded()
        },
        Row("requestSubject", "pass", "the request's subject is the signer's") {
            $0.key = try ca().key
            return try request()
        },
        Row("requestKey", "pass", "the request is for the key that signs the message") {
            $0.key = try ca().key
            return try request()
        },
        Row("requestKey", "pass", "the request is for a new key, as at a renewal") {
            $0.key = try ca().key
            let csr = try stranger.get().request(subject: "/O=Example/CN=gateway 7")
            return try SignedMessage.request("17", from: issued(), content: ca().envelope(csr)).encoded()
        },
        Row("requestKey", "fail", "the request is for another key than the one that signs the message") {
            $0.key = try ca().key
            let csr = try stranger.get().request(subject: "/O=Example/CN=gateway 7")
            return try SignedMessage.request("19", from: device.get(), content: ca().envelope(csr)).encoded()
        },
        Row(
            "requestSubject", "fail",
            "the request asks for another subject than the certificate that signs it has"
        ) {
            $0.key = try ca().key
            let csr = try device.get().request(subject: "/CN=gateway 8")
            return try SignedMessage.request("19", from: device.get(), content: ca().envelope(csr)).encoded()
        },
        Row("issuedCertificate", "pass", "one has the given key, and the given CA signed it") {
            ($0.key, $0.ca) = try (device.get().key, ca().der)
            return try reply([issued()])
        },
        Row("issuedCertificate", "unknown", "one has the given key; no certificate of the CA was given") {
            $0.key = try device.get().key
            return try reply([issued()])
        },
        Row("issuedCertificate", "unknown", "it is for another key; no certificate of the CA was given") {
            $0.key = try device.get().key
            return try reply([OpenSSLIdentity(subject: "/CN=x", for: .p256, issuedBy: ca())])
        },
        Row(
            "issuedCertificate", "unknown",
            "the given CA signed one, for another key than the given one, which only a reply to a renewal may: give the "
                + "request"
        ) {
            ($0.key, $0.ca) = try (device.get().key, ca().der)
            return try reply([OpenSSLIdentity(subject: "/CN=x", for: .p256, issuedBy: ca())])
        },
        Row("issuedCertificate", "pass", "the given CA signed one, for a new key, as a renewal may ask for") {
            ($0.key, $0.ca) = try (device.get().key, ca().der)
            $0.request = try request("17", from: issued())
            return try reply([OpenSSLIdentity(subject: "/CN=x", for: .p256, issuedBy: ca())], to: issued())
        },
        Row("issuedCertificate", "fail", "the envelope holds something else than certificates or CRLs") {
            $0.key = try device.get().key
            let content = try device.get().envelope(issued().der)
            return try SignedMessage.reply("0", from: ca(), content: content).encoded()
        },
        Row("requestedKey", "pass", "a certificate in it has the key that signed the request") {
            ($0.key, $0.request) = try (device.get().key, request())
            return try reply([issued()])
        },
        Row(
            "requestedKey", "unknown",
            "no certificate in it has the key that signed the request; at a renewal with a new key, none need have"
        ) {
            ($0.key, $0.request) = try (device.get().key, request())
            return try reply([OpenSSLIdentity(subject: "/CN=x", for: .p256, issuedBy: ca())])
        },
    ]

    private static let there = ["content"]

    static let envelopes: [Row] = [
        Row("recipient", "unknown", "no certificate to compare it with") { _ in try ca().envelope([1]) },
        Row("recipient", "pass", "it is a given certificate of the CA") {
            $0.ca = try stranger.get().der + ca().der
            return try ca().envelope([1])
        },
        Row("recipient", "unknown", "it may be a reply's, which is for who signed the request") {
            $0.ca = try ca().der
            return try device.get().envelope([1])
        },
        Row("recipient", "fail", "it is no given certificate of the CA") {
            ($0.ca, $0.request) = try (ca().der, request())
            return try stranger.get().envelope([1])
        },
        Row("recipient", "pass", "it is the certificate that the request was signed with") {
            ($0.ca, $0.request) = try (ca().der, request())
            return try device.get().envelope([1])
        },
        Row("recipient", "unknown", "no request was given; it has to be who signed that", in: there) { _ in
            try reply([issued()])
        },
        Row("recipient", "fail", "it is not the certificate that the given request was signed with", in: there) {
            $0.request = try request()
            return try reply([issued()], to: stranger.get())
        },
        Row("recipient", "fail", "it is no given certificate of the CA", in: there) {
            $0.ca = try stranger.get().der
            return try request()
        },
        Row("decryption", "unknown", "no key was given to open it with") { _ in try ca().envelope([1]) },
        Row("decryption", "pass", "the key opens it") {
            $0.key = try ca().key
            return try ca().envelope([5, 0])
        },
        Row(
            "decryption", "unknown",
            "the given key is not the one that signed the request, which alone opens this: give that one", in: there
        ) {
            ($0.key, $0.request) = try (stranger.get().key, request())
            return try reply([issued()])
        },
        Row("decryption", "unknown", "no challengePassword was given to open it with") { _ in
            var envelope = PasswordEnvelope()
            envelope.password = "one"
            return try envelope.message([5, 0])
        },
        Row("decryption", "pass", "the password opens it") {
            $0.password = "one"
            var envelope = PasswordEnvelope()
            envelope.password = "one"
            return try envelope.message([5, 0])
        },
        Row("cipher", "fail", "3DES-CBC is below the client's floor; allow=3des lets it pass") { _ in
            try ca().envelope([1], cipher: "-des3")
        },
        Row("cipher", "pass", "3DES-CBC is weak, and allowed") {
            $0.policy = Policy(cipherFloor: .tripleDESCBC)
            return try ca().envelope([1], cipher: "-des3")
        },
        Row("cipher", "pass", "AES-192-CBC is strong enough") { _ in try ca().envelope([1], cipher: "-aes192") },
    ]

    @Test(arguments: certificates + lists + messages + envelopes)
    func checksSayWhy(row: Row) throws {
        var inspecting = Inspecting()
        let file = try row.make(&inspecting)
        var found = try inspecting.json(file).object
        for name in row.place { found = found[name] }
        let checks = found["checks"].items.filter { $0["name"].text == row.check }
        #expect(
            checks.contains { $0["result"].text == row.result && $0["reason"].text == row.reason },
            "\(checks.compactMap { $0["reason"].text })")
    }

    /// The times of a certificate and of a list, to the second.
    @Test func validityIsToTheSecond() throws {
        let ca = try Self.ca()
        let certificate = try OpenSSLIdentity(
            subject: "/CN=x", for: .p256, issuedBy: ca, from: "20260102030405Z", until: "20270102030405Z")
        let (from, until) = (Int64(1_767_323_045), Int64(1_798_859_045))
        // A clock may be behind the CA's by so much.
        let early: Int64 = 300
        for (time, result, reason) in [
            (from - early - 1, "fail", "it has not begun yet"), (from - early, "pass", "it is valid at the time"),
            (until, "pass", "it is valid at the time"), (until + 1, "fail", "it has expired"),
        ] {
            let found = try Inspecting(moment: .exact(time)).json(certificate.der).object
            #expect(found.result("validity") == result && found.reason("validity") == reason, "\(time)")
        }
        let list = try ca.revocationList(options: [
            "-crl_lastupdate", "20260102030405Z", "-crl_nextupdate", "20270102030405Z",
        ])
        for (time, result, reason) in [
            (from - early - 1, "fail", "it has not begun yet"),
            (from - early, "pass", "it is the latest that can be asked for"),
            (until, "pass", "it is the latest that can be asked for"), (until + 1, "fail", "a newer one was due"),
        ] {
            let found = try Inspecting(moment: .exact(time)).json(list).object
            #expect(found.result("validity") == result && found.reason("validity") == reason, "\(time)")
        }
    }

    /// The numbers of RFC 8894, 3.2.1.2 to 3.2.1.4.
    @Test func numbersHaveTheirNames() throws {
        let ca = try Self.ca()
        for (number, name) in [
            ("3", "CertRep"), ("17", "RenewalReq"), ("18", "UpdateReq, of drafts only"), ("19", "PKCSReq"),
            ("20", "CertPoll"), ("21", "GetCert"), ("22", "GetCRL"), ("2", "unknown"), ("23", "unknown"),
        ] {
            let message = try SignedMessage.request(number, from: ca, content: [5, 0]).encoded()
            let found = try Inspecting().json(message).object
            #expect(found["messageType"].text == "\(number) (\(name))")
            #expect(found["content"]["kind"].value != nil || number == "3")
        }
        for (number, name) in [
            ("0", "SUCCESS"), ("1", "unknown"), ("2", "FAILURE"), ("3", "PENDING"), ("4", "unknown"),
        ] {
            let found = try Inspecting().json(SignedMessage.reply(number, from: ca).encoded()).object
            #expect(found["pkiStatus"].text == "\(number) (\(name))")
        }
        for (number, name) in [
            ("0", "badAlg"), ("1", "badMessageCheck"), ("2", "badRequest"), ("3", "badTime"), ("4", "badCertId"),
            ("5", "unknown"),
        ] {
            let message = SignedMessage.reply("2", from: ca).setting(4, SignedMessage.text(number))
            #expect(try Inspecting().json(message.encoded()).object["failInfo"].text == "\(number) (\(name))")
        }
    }
}
