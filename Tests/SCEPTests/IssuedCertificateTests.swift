import CMS
import DER
import DeviceCrypto
import Foundation
import PKIX
import SCEP
import TestKeys
import TestSupport
import Testing

@Suite struct IssuedCertificateTests {
    /// The device's own certificate, as it signs with before it has another.
    private static let device = Result { try OpenSSLIdentity(subject: "/CN=sensor", for: TestKey.rsa) }

    private static func issued(
        by issuer: OpenSSLIdentity, for key: TestKey? = nil, options: [String] = []
    ) throws -> OpenSSLIdentity {
        try OpenSSLIdentity(
            subject: "/CN=sensor", for: key ?? TestKey.rsa, issuedBy: issuer,
            extensions: ["keyUsage=digitalSignature"], options: options)
    }

    /// The envelope that a CA sends, by openssl.
    private func envelope(_ plain: [UInt8], _ options: [String] = ["-aes128"]) throws -> [UInt8] {
        try Self.device.get().envelope(plain, cipher: options[0], options: Array(options.dropFirst()))
    }

    private func opened(
        _ envelope: [UInt8], trusting certificates: [OpenSSLIdentity], policy: Policy = Policy(),
        moment: Moment = .unknown, replacing old: OpenSSLIdentity? = nil, mayBeginLater: Bool = false,
        key pem: TestKey? = nil
    ) throws -> [UInt8] {
        var policy = policy
        var random = try seededRandom()
        var key = try (pem ?? TestKey.rsa).rsaPrivateKey()
        var work = [0xA5, 0xA5] + envelope + [0xA5]
        let trusted = certificates.flatMap(\.der)
        let range: Range<Int>
        do {
            var bytes = work.mutableSpan
            let reply = try CertRep.open(
                &bytes, envelope: 2..<(2 + envelope.count), key: &key, password: Span(), policy: &policy,
                random: &random)
            let before = old?.der
            let replaced = try before.map { IssuedCertificate.Replaced(try Certificate($0.span)) }
            range = try IssuedCertificate.find(
                bytes.span, in: reply, from: CACertificates(trusted.span), key: &key,
                replacing: replaced, policy: &policy, moment: moment, mayBeginLater: mayBeginLater)
        }
        #expect(work.prefix(2) == [0xA5, 0xA5] && work.last == 0xA5)
        return Array(work[range])
    }

    @Test(arguments: [["-aes128"], ["-aes192"], ["-aes256"], ["-aes128", "-stream"]])
    func isFoundAmongOthers(options: [String]) throws {
        let hierarchy = try Hierarchy.one
        let own = try Self.issued(by: hierarchy.intermediate)
        for identities in [
            [own], [own, hierarchy.intermediate, hierarchy.root], [hierarchy.root, hierarchy.intermediate, own],
            [try Self.issued(by: hierarchy.root, for: TestKey(pem: hierarchy.unmarked.key)), own, hierarchy.ec],
            // With our key too, but the device's own, and one that somebody else issued for it.
            [try Self.device.get(), own], [own, try Self.device.get()],
            [try Self.issued(by: hierarchy.impostor), own],
        ] {
            let message = try envelope(OpenSSLIdentity.bundle(identities), options)
            #expect(try opened(message, trusting: [hierarchy.root, hierarchy.intermediate]) == own.der)
        }
    }

    @Test func isRefused() throws {
        let hierarchy = try Hierarchy.one
        let own = try Self.issued(by: hierarchy.root)
        let good = try envelope(OpenSSLIdentity.bundle([own]))
        #expect(try opened(good, trusting: [hierarchy.root]) == own.der)

        let another = try Self.issued(by: hierarchy.root, for: TestKey(pem: hierarchy.unmarked.key))
        #expect(throws: SCEPError.certificateForAnotherKey) {
            try opened(envelope(OpenSSLIdentity.bundle([another, hierarchy.root])), trusting: [hierarchy.root])
        }
        #expect(throws: SCEPError.certificateForAnotherKey) {
            let none = "3023 06092A864886F70D010702 A016 3014 020101 3100 300B 06092A864886F70D010701 3100"
            return try opened(envelope([UInt8](hex: none)), trusting: [hierarchy.root])
        }
        // Of an impostor with the root's name, of a CA that is not trusted, of the device itself, of an RA.
        for issuer in [hierarchy.impostor, hierarchy.intermediate] {
            let message = try envelope(OpenSSLIdentity.bundle([Self.issued(by: issuer)]))
            #expect(throws: SCEPError.certificateNotFromCA) { try opened(message, trusting: [hierarchy.root]) }
        }
        let selfSigned = try envelope(OpenSSLIdentity.bundle([Self.device.get()]))
        #expect(throws: SCEPError.certificateNotFromCA) { try opened(selfSigned, trusting: [hierarchy.root]) }
        let byRA = try envelope(OpenSSLIdentity.bundle([Self.issued(by: hierarchy.ra)]))
        #expect(throws: SCEPError.certificateNotFromCA) {
            try opened(byRA, trusting: [hierarchy.root, hierarchy.intermediate, hierarchy.ra])
        }
        // Signed with a digest that is too weak.
        let weak = try envelope(OpenSSLIdentity.bundle([Self.issued(by: hierarchy.root, options: ["-sha1"])]))
        #expect(throws: SCEPError.belowFloor(.sha1)) { try opened(weak, trusting: [hierarchy.root]) }
        _ = try opened(weak, trusting: [hierarchy.root], policy: Policy(digestFloor: .sha1))
        // Encrypted with a cipher that is too weak.
        let tripleDES = try envelope(OpenSSLIdentity.bundle([own]), ["-des3"])
        #expect(throws: SCEPError.belowFloor(.tripleDES)) { try opened(tripleDES, trusting: [hierarchy.root]) }
        let lenient = Policy(cipherFloor: .tripleDESCBC)
        #expect(try opened(tripleDES, trusting: [hierarchy.root], policy: lenient) == own.der)
        #expect(throws: SCEPError.belowFloor(.lowerFloor)) {
            try opened(good, trusting: [hierarchy.root], policy: Policy(cipherFloor: .aes256CBC))
        }
    }

    @Test func singleDESIsANamedLeniency() throws {
        let hierarchy = try Hierarchy.one
        let own = try Self.issued(by: hierarchy.root)
        let message = try envelope(
            OpenSSLIdentity.bundle([own]), ["-des-cbc", "-provider", "legacy", "-provider", "default"])
        for policy in [Policy(), Policy(cipherFloor: .tripleDESCBC)] {
            #expect(throws: SCEPError.belowFloor(.des)) {
                try opened(message, trusting: [hierarchy.root], policy: policy)
            }
        }
        #expect(try opened(message, trusting: [hierarchy.root], policy: Policy(cipherFloor: .desCBC)) == own.der)
    }

    /// What of a reply is weak is told at once: the envelope, and the certificate in it.
    @Test func allThatIsWeakIsTold() throws {
        let hierarchy = try Hierarchy.one
        let bundle = try OpenSSLIdentity.bundle([Self.issued(by: hierarchy.root, options: ["-sha1"]), hierarchy.root])
        let legacy = ["-des-cbc", "-provider", "legacy", "-provider", "default"]
        for (options, weakness) in [
            (["-aes128"], .sha1), (["-des3"], Leniency.sha1.union(.tripleDES)), (legacy, Leniency.sha1.union(.des)),
        ] as [([String], Leniency)] {
            let message = try envelope(bundle, options)
            #expect(throws: SCEPError.belowFloor(weakness)) { try opened(message, trusting: [hierarchy.root]) }
        }
        let message = try envelope(bundle, ["-des3"])
        for (policy, weakness) in [
            (Policy(digestFloor: .sha1), .tripleDES), (Policy(cipherFloor: .tripleDESCBC), .sha1),
        ] as [(Policy, Leniency)] {
            #expect(throws: SCEPError.belowFloor(weakness)) {
                try opened(message, trusting: [hierarchy.root], policy: policy)
            }
        }
        // What cannot be decrypted, or is no certificate of ours, is told no apart from that: nothing depends on the key.
        let garbage = try envelope([1, 2, 3], ["-des3"])
        let others = try envelope(OpenSSLIdentity.bundle([Self.issued(by: hierarchy.impostor)]), ["-des3"])
        for (message, key) in [(garbage, nil), (others, nil), (others, TestKey(pem: hierarchy.unmarked.key))] {
            #expect(throws: SCEPError.belowFloor(.tripleDES)) {
                try opened(message, trusting: [hierarchy.root], key: key)
            }
        }
    }

    /// The certificate that is for our key, and that cannot be read here, is named as such.
    @Test func theUnreadableOneIsNamed() throws {
        let hierarchy = try Hierarchy.one
        func issued(_ options: [String] = [], for key: TestKey? = nil) throws -> [UInt8] {
            try OpenSSLIdentity(
                subject: "/CN=sensor", for: key ?? TestKey.rsa, issuedBy: hierarchy.root,
                extensions: ["keyUsage=digitalSignature", "subjectKeyIdentifier=hash"], options: options
            ).der
        }
        func changed(_ der: [UInt8], _ from: [UInt8], _ to: [UInt8]) throws -> [UInt8] {
            var der = der
            der.replaceSubrange(try #require(der.firstRange(of: from)), with: to)
            return der
        }
        func refusal(_ certificates: [[UInt8]]) throws -> SCEPError? {
            let list = certificates.flatMap { $0 }.tagged(0xA0)
            let signedData = ([UInt8](hex: "020101 3100 300B 06092A864886F70D010701") + list + [0x31, 0]).tagged(0x30)
            let content = ([UInt8](hex: "06092A864886F70D010702") + signedData.tagged(0xA0)).tagged(0x30)
            do {
                _ = try opened(envelope(content), trusting: [hierarchy.root])
                return nil
            } catch {
                return error as? SCEPError
            }
        }
        let good = try issued()
        #expect(try refusal([good]) == nil)
        let line = try OpenSSL.run(["rsa", "-noout", "-modulus"], input: TestKey.rsa.pem)
        let modulus = [UInt8](hex: String(decoding: line.dropFirst("Modulus=".utf8.count), as: UTF8.self))
        let rows: [(String, [UInt8], DERError.Kind)] = [
            (
                "33 octets of serial number", try issued(["-set_serial", "0x01" + String(repeating: "5A", count: 32)]),
                .invalidInteger
            ),
            (
                "keyUsage twice", try changed(good, [0x06, 0x03, 0x55, 0x1D, 0x0E], [0x06, 0x03, 0x55, 0x1D, 0x0F]),
                .duplicate
            ),
            ("a key and nothing else", modulus.tagged(0x04).tagged(0x30), .unexpectedTag),
            ("a time without Z", try changed(good, [0x5A, 0x17, 0x0D], [0x58, 0x17, 0x0D]), .invalidTime),
        ]
        // It can be read, but not verified.
        #expect(try refusal([issued(["-sha224"])]) == .signatureAlgorithmUnknown)
        let ofAnother = try issued(for: TestKey(pem: hierarchy.unmarked.key))
        let unreadable = try changed(ofAnother, [0x5A, 0x17, 0x0D], [0x58, 0x17, 0x0D])
        for (name, der, kind) in rows {
            for certificates in [[der], [hierarchy.root.der, der], [ofAnother, der, hierarchy.root.der]] {
                guard case .issuedCertificateUnreadable(let error) = try refusal(certificates) else {
                    Issue.record("\(name): \(String(describing: try refusal(certificates)))")
                    continue
                }
                #expect(error.kind == kind && error.offset < der.count, "\(name)")
            }
            // With one that can be read beside it, that is it.
            #expect(try refusal([der, good]) == nil, "\(name)")
        }
        // Another's that cannot be read is another's.
        #expect(try refusal([unreadable]) == .certificateForAnotherKey)
        #expect(try refusal([unreadable, hierarchy.root.der]) == .certificateForAnotherKey)
    }

    @Test func timesCountWhereTheyAreKnown() throws {
        let hierarchy = try Hierarchy.one
        let own = try Self.issued(by: hierarchy.root)
        let message = try envelope(OpenSSLIdentity.bundle([own]))
        let (notBefore, notAfter) = try { () throws -> (Int64, Int64) in
            let certificate = try Certificate(own.der.span)
            return (certificate.notBefore, certificate.notAfter)
        }()
        // A device's clock may be five minutes late.
        let good: [Moment] = [.unknown, .exact(notBefore - 300), .exact(notAfter), .atLeast(0), .atLeast(notAfter)]
        for moment in good { #expect(try opened(message, trusting: [hierarchy.root], moment: moment) == own.der) }
        for moment in [.exact(notAfter + 1), .exact(.max), .atLeast(notAfter + 1), .atLeast(.max)] as [Moment] {
            #expect(throws: SCEPError.certificateExpired) {
                try opened(message, trusting: [hierarchy.root], moment: moment)
            }
        }
        for moment in [.exact(notBefore - 301), .exact(0), .exact(.min)] as [Moment] {
            #expect(throws: SCEPError.certificateNotYetValid) {
                try opened(message, trusting: [hierarchy.root], moment: moment)
            }
        }
    }

    /// One of a CA's next certificate may become valid when that does.
    @Test func itMayBeginLaterWhereThatIsMeant() throws {
        let hierarchy = try Hierarchy.one
        let own = try Self.issued(by: hierarchy.root)
        let message = try envelope(OpenSSLIdentity.bundle([own]))
        let notAfter = try Certificate(own.der.span).notAfter
        for moment in [.exact(0), .exact(.min), .exact(notAfter)] as [Moment] {
            #expect(try opened(message, trusting: [hierarchy.root], moment: moment, mayBeginLater: true) == own.der)
        }
        #expect(throws: SCEPError.certificateExpired) {
            try opened(message, trusting: [hierarchy.root], moment: .exact(notAfter + 1), mayBeginLater: true)
        }
    }

    /// What can go wrong with a renewal: the same key or a new one, and replies that bring the old certificate.
    @Test func aRenewalBringsMore() throws {
        let hierarchy = try Hierarchy.one
        let trusted = [hierarchy.root]
        func bundle(_ identities: OpenSSLIdentity...) throws -> [UInt8] {
            try envelope(OpenSSLIdentity.bundle(identities))
        }
        let old = try Self.issued(by: hierarchy.root)
        let longer = try Self.issued(by: hierarchy.root, options: ["-days", "400"])
        let shorter = try Self.issued(by: hierarchy.root, options: ["-days", "300"])
        let ofAnotherKey = try Self.issued(by: hierarchy.root, for: TestKey(pem: hierarchy.unmarked.key))
        // With the old key: the new one counts, wherever it stands.
        for message in [try bundle(longer), try bundle(old, longer), try bundle(longer, old)] {
            #expect(try opened(message, trusting: trusted, replacing: old) == longer.der)
        }
        #expect(throws: SCEPError.oldCertificate) { try opened(bundle(old), trusting: trusted, replacing: old) }
        #expect(throws: SCEPError.oldCertificate) {
            try opened(bundle(old, hierarchy.root, ofAnotherKey), trusting: trusted, replacing: old)
        }
        // Over sooner.
        #expect(throws: SCEPError.validityNotExtended) {
            try opened(bundle(shorter), trusting: trusted, replacing: old)
        }
        #expect(throws: SCEPError.validityNotExtended) {
            try opened(bundle(old, shorter), trusting: trusted, replacing: old)
        }
        // To the second: one that ends when the old one does is a new one all the same, as of a CA that ends then.
        func until(_ time: String) throws -> OpenSSLIdentity {
            try OpenSSLIdentity(
                subject: "/CN=sensor", for: TestKey.rsa, issuedBy: hierarchy.root, from: "20260101000000Z", until: time)
        }
        let (first, second) = (try until("20360101000000Z"), try until("20360101000000Z"))
        #expect(first.der != second.der)
        #expect(try opened(bundle(second), trusting: trusted, replacing: first) == second.der)
        #expect(throws: SCEPError.validityNotExtended) {
            try opened(bundle(until("20351231235959Z")), trusting: trusted, replacing: first)
        }
        // With a new key: what has the old one is not it, and the old certificate is named as such.
        let formerly = ofAnotherKey
        #expect(try opened(bundle(formerly, longer), trusting: trusted, replacing: formerly) == longer.der)
        #expect(throws: SCEPError.oldCertificate) {
            try opened(bundle(formerly), trusting: trusted, replacing: formerly)
        }
        #expect(throws: SCEPError.certificateForAnotherKey) {
            try opened(bundle(ofAnotherKey), trusting: trusted, replacing: old)
        }
        // What is wrong with the new one says more.
        #expect(throws: SCEPError.oldCertificate) {
            try opened(bundle(old, Self.issued(by: hierarchy.impostor)), trusting: trusted, replacing: old)
        }
        let notAfter = try Certificate(longer.der.span).notAfter
        #expect(throws: SCEPError.certificateExpired) {
            try opened(bundle(old, longer), trusting: trusted, moment: .exact(notAfter + 1), replacing: old)
        }
    }

    /// A key that cannot say what its public half is has no certificate.
    @Test func aKeyThatIsGoneHasNone() throws {
        let hierarchy = try Hierarchy.one
        let own = try Self.issued(by: hierarchy.root).der
        let trusted = hierarchy.root.der
        var key = try TestKey.rsa.rsaPrivateKey()
        var policy = Policy()
        func find() throws(SCEPError) -> Range<Int> {
            try IssuedCertificate.find(
                own.span, in: CertificatesOnly(certificates: own.indices), from: CACertificates(trusted.span),
                key: &key,
                replacing: nil, policy: &policy, moment: .unknown, mayBeginLater: false)
        }
        #expect(try find() == own.indices)
        key.wipe()
        #expect(throws: SCEPError.certificateForAnotherKey) { try find() }
    }

    /// What is wrong with the CA's own is told, whatever else came with it, and in whatever order.
    @Test func theCAsOwnIsNamedFirst() throws {
        let hierarchy = try Hierarchy.one
        let (own, other) = (try Self.issued(by: hierarchy.root), try Self.issued(by: hierarchy.impostor))
        let over = try Certificate(own.der.span).notAfter + 1
        for identities in [[own, other], [other, own], [other, own, other]] {
            let message = try envelope(OpenSSLIdentity.bundle(identities))
            #expect(throws: SCEPError.certificateExpired) {
                try opened(message, trusting: [hierarchy.root], moment: .exact(over))
            }
            #expect(throws: SCEPError.validityNotExtended) {
                try opened(
                    message, trusting: [hierarchy.root],
                    replacing: Self.issued(by: hierarchy.root, options: ["-days", "400"]))
            }
        }
    }

    @Test func getCertBringsWhatWasAskedFor() throws {
        let hierarchy = try Hierarchy.one
        let bundle = hierarchy.root.der + hierarchy.ra.der + hierarchy.intermediate.der
        let work = [0xA5, 0xA5] + bundle + [0xA5]
        func found(_ asked: OpenSSLIdentity, serial: [UInt8]? = nil, issuer: OpenSSLIdentity? = nil) throws -> [UInt8] {
            let certificate = try Certificate(asked.der.span)
            let number = serial ?? certificate.serialNumber.array
            let name = try (issuer.map { try Certificate($0.der.span).issuer.array }) ?? certificate.issuer.array
            return Array(
                work[
                    try IssuedCertificate.find(
                        work.span, in: CertificatesOnly(certificates: 2..<(2 + bundle.count)), issuer: name.span,
                        serialNumber: number.span)])
        }
        for identity in [hierarchy.root, hierarchy.ra, hierarchy.intermediate] {
            #expect(try found(identity) == identity.der)
        }
        // Nothing is taken out of an envelope that is below the floor, and nothing missed in it.
        for (asked, kept) in [(hierarchy.ra, bundle), (hierarchy.encryptionRA, bundle), (hierarchy.ra, [])] {
            let (issuer, number) = try { () throws -> ([UInt8], [UInt8]) in
                let certificate = try Certificate(asked.der.span)
                return (certificate.issuer.array, certificate.serialNumber.array)
            }()
            #expect(throws: SCEPError.belowFloor(.tripleDES)) {
                try IssuedCertificate.find(
                    work.span, in: CertificatesOnly(certificates: 2..<(2 + kept.count), weakness: .tripleDES),
                    issuer: issuer.span, serialNumber: number.span)
            }
        }
        #expect(throws: SCEPError.wrongCertificate) { try found(hierarchy.encryptionRA) }
        #expect(throws: SCEPError.wrongCertificate) { try found(hierarchy.ra, serial: [0x05]) }
        #expect(throws: SCEPError.wrongCertificate) { try found(hierarchy.ra, issuer: hierarchy.intermediate) }
        let none: [UInt8] = []
        #expect(throws: SCEPError.wrongCertificate) {
            try IssuedCertificate.find(none.span, in: CertificatesOnly(), issuer: none.span, serialNumber: none.span)
        }
        // What is cut off, and what is no certificate.
        for rest in [Array(work[2..<100]), [0x05, 0x00], Array("<html>".utf8)] {
            #expect(throws: SCEPError.wrongCertificate) {
                try IssuedCertificate.find(
                    rest.span, in: CertificatesOnly(certificates: rest.indices), issuer: none.span,
                    serialNumber: none.span)
            }
        }
    }

    @Test func whatIsInTheEnvelopeIsDue() throws {
        let hierarchy = try Hierarchy.one
        func refusal(_ message: [UInt8], key: TestKey? = nil) -> SCEPError? {
            do {
                _ = try opened(message, trusting: [hierarchy.root], key: key)
                return nil
            } catch {
                return error as? SCEPError
            }
        }
        // A certificate alone, without the SignedData around it.
        let bare = try envelope(Self.issued(by: hierarchy.root).der)
        guard case .reply(let unexpected) = refusal(bare) else {
            Issue.record("a certificate alone was taken")
            return
        }
        #expect(unexpected.kind == .unexpectedTag)
        // Another key: the same error as for every other failure of decryption, but once in 256 times.
        let good = try envelope(OpenSSLIdentity.bundle([Self.issued(by: hierarchy.root)]))
        guard case .reply = refusal(good, key: TestKey(pem: hierarchy.unmarked.key)) else {
            Issue.record("another's key opened it")
            return
        }
        for body in [[], [0x30, 0x00], Array("<html>".utf8), Array(good.dropLast()), good + [0]] {
            guard case .reply = refusal(body) else {
                Issue.record("\(body.count) bytes were taken")
                continue
            }
        }
    }

    /// The recorded CA's replies open with the recorded client's keys.
    @Test(
        .enabled(if: Fixtures.areThere, Comment(rawValue: Fixtures.absence)),
        arguments: [("04", "client.key"), ("10", "des3.key")])
    func recordedCertificatesAreTaken(number: String, keyFile: String) throws {
        let message = try Fixtures.read("jscep/\(number)-PKIOperation.rsp.der")
        // A SignedData as openssl takes its content out.
        let content = try OpenSSL.run(["cms", "-verify", "-noverify", "-inform", "DER", "-binary"], input: message)
        let ca = try OpenSSLIdentity(key: [], pem: try Fixtures.read("jscep/ca.crt"))
        let key = TestKey(pem: try Fixtures.read("jscep/\(keyFile)"))
        // Its envelope is in triple DES, and the certificate in it is signed with SHA-1.
        #expect(throws: SCEPError.belowFloor(Leniency.sha1.union(.tripleDES))) {
            try opened(content, trusting: [ca], key: key)
        }
        let policy = Policy(digestFloor: .sha1, cipherFloor: .tripleDESCBC)
        let found = try opened(content, trusting: [ca], policy: policy, key: key)
        let publicKey = try OpenSSL.run(["x509", "-inform", "DER", "-noout", "-pubkey"], input: found)
        #expect(try publicKey == OpenSSL.run(["pkey", "-pubout"], input: key.pem))
    }
}
