import DeviceCrypto
import PKIX
import SCEP
import TestSupport
import Testing

/// How far below a pin trust reaches, and in what time.
@Suite struct SCEPChainTests {
    /// A root, and seven CAs, each under the one before: as many certificates as are looked at.
    private static let chain = Result { try made(pathLength: nil) }
    /// The same under a root that lets six CAs follow it (RFC 5280, 4.2.1.9).
    private static let shortChain = Result { try made(pathLength: 6) }

    private static func made(pathLength: Int?) throws -> [OpenSSLIdentity] {
        let length = pathLength.map { ",pathlen:\($0)" } ?? ""
        var chain = [
            try OpenSSLIdentity(
                subject: "/CN=Level 0", for: TestKey.p256,
                extensions: ["basicConstraints=critical,CA:TRUE\(length)", "keyUsage=critical,keyCertSign"])
        ]
        for level in 1..<8 {
            chain.append(
                try OpenSSLIdentity(
                    subject: "/CN=Level \(level)", for: TestKey.p256, issuedBy: chain[level - 1],
                    extensions: Hierarchy.authority))
        }
        return chain
    }

    private func stillTrusted(_ stored: [UInt8], _ pin: OpenSSLIdentity) throws -> [UInt8] {
        let text = Array(try pin.fingerprint().utf8)
        guard let fingerprints = Fingerprints(text.span) else { return [] }
        let ranges = CACertificates.stillTrusted(stored.span, in: 0..<stored.count, fingerprints, Policy())
        return ranges.indices.flatMap { Array(stored[ranges[$0]]) }
    }

    @Test func eightCertificatesAreTaken() throws {
        let chain = try Self.chain.get()
        let device = try OpenSSLIdentity(subject: "/CN=x", for: TestKey.p256, issuedBy: chain[7])
        #expect(try isVerified(device, by: Array(chain[1...]), under: chain[0]))
        for identities in [chain, chain.reversed()] {
            let (accepted, kept, _) = try acceptance(identities, [chain[0]])
            #expect(kept == identities.flatMap(\.der) && accepted.reasons == [])
            let issuing = try CACertificates(kept.span).issuingCertificate().encoding.array
            #expect(issuing == chain[7].der)
            let isIssued = CACertificates(kept.span).haveIssued(try Certificate(device.der.span), mayBeCA: false)
            #expect(isIssued)
            // Whose reason to be trusted is still there.
            #expect(try stillTrusted(kept, chain[0]) == kept)
        }
    }

    @Test func aNinthIsOneTooMany() throws {
        let chain = try Self.chain.get()
        let ninth = try Hierarchy.one.impostor
        for identities in [chain + [ninth], [ninth] + chain] {
            #expect(throws: SCEPError.tooManyCACertificates) { try acceptance(identities, [chain[0]]) }
        }
    }

    /// Every CA on the way down is counted.
    @Test func aLongPathIsCounted() throws {
        let chain = try Self.shortChain.get()
        let (last, others) = (chain[7], Array(chain[1..<7]))
        #expect(try isVerified(chain[6], by: Array(chain[1..<6]), under: chain[0]))
        let device = try OpenSSLIdentity(subject: "/CN=x", for: TestKey.p256, issuedBy: last)
        #expect(try !isVerified(device, by: others + [last], under: chain[0]))
        let (accepted, kept, _) = try acceptance(chain.reversed(), [chain[0]])
        #expect(kept == chain.prefix(7).reversed().flatMap(\.der) && accepted.reasons == [.pathLength])
        #expect(accepted.passedOver[0].matters)
    }

    /// Two CAs that certified each other have none above them: nobody says how long the path may be.
    @Test func aCircleHasNoTop() throws {
        let (a, b) = (try Hierarchy.one.root, try Hierarchy.one.intermediate)
        let (keyA, keyB) = (TestKey(pem: a.key), TestKey(pem: b.key))
        func certified(_ name: String, _ key: TestKey, by issuer: OpenSSLIdentity) throws -> OpenSSLIdentity {
            try OpenSSLIdentity(subject: "/CN=\(name)", for: key, issuedBy: issuer, extensions: Hierarchy.authority)
        }
        let (selfA, selfB) = (
            try OpenSSLIdentity(subject: "/CN=A", for: keyA, extensions: ["keyUsage=keyCertSign"]),
            try OpenSSLIdentity(subject: "/CN=B", for: keyB, extensions: ["keyUsage=keyCertSign"])
        )
        let circle = [try certified("A", keyA, by: selfB), try certified("B", keyB, by: selfA)]
        let bytes = circle.flatMap(\.der)
        let trusted = CACertificates(bytes.span)
        let under = try certified("C", TestKey.p256, by: selfB)
        let (mayBe, mayNotBe) = try { () throws -> (Bool, Bool) in
            let certificate = try Certificate(under.der.span)
            return (
                trusted.haveIssued(certificate, mayBeCA: true), trusted.haveIssued(certificate, mayBeCA: false)
            )
        }()
        #expect(mayBe && !mayNotBe)
        let device = try OpenSSLIdentity(subject: "/CN=x", for: TestKey.p256, issuedBy: selfB)
        let isIssued = trusted.haveIssued(try Certificate(device.der.span), mayBeCA: false)
        #expect(isIssued)
        for pin in circle {
            #expect(try acceptance(circle, [pin]).kept == bytes)
            #expect(try stillTrusted(bytes, pin) == bytes)
        }
    }

    /// A CA or an RA below a pin counts from its notBefore, five minutes early, to its notAfter.
    @Test(arguments: [Hierarchy.authority, ["keyUsage=keyEncipherment", Hierarchy.mark]])
    func whoeverIsOverOrStillToComeIsPassedOver(extensions: [String]) throws {
        let root = try OpenSSLIdentity(
            authority: "/CN=Root", from: "20200101000000Z", until: "20400101000000Z")
        let request = try withTemporaryDirectory { directory in
            try OpenSSL.run([
                "req", "-new", "-subj", "/CN=Below", "-key", directory.write(TestKey.rsa.pem, to: "key"),
            ])
        }
        let pem = try OpenSSLIdentity.certify(
            request, by: root, from: "20260101000000Z", until: "20270101000000Z", extensions: extensions)
        let below = try OpenSSLIdentity(key: TestKey.rsa.pem, pem: pem)
        let (begin, end): (Int64, Int64) = (1_767_225_600, 1_798_761_600)
        for (moment, reason) in [
            (.unknown, nil), (.exact(begin - 301), .notYetValid), (.exact(begin - 300), nil), (.exact(end), nil),
            (.exact(end + 1), .expired), (.atLeast(begin - 301), nil), (.atLeast(end), nil),
            (.atLeast(end + 1), .expired),
        ] as [(Moment, PassedOver.Reason?)] {
            let (accepted, kept, _) = try acceptance([below, root], [root], moment: moment)
            #expect(accepted.reasons == (reason.map { [$0] } ?? []), "\(moment)")
            #expect(kept == (reason == nil ? below.der : []) + root.der, "\(moment)")
            if reason != nil { #expect(accepted.passedOver[0].matters) }
        }
    }
}
