import DER
import PKIX
import SCEP
import TestSupport
import Testing

/// What is said of each certificate of a reply to GetCACert, whether the whole is taken or not.
@Suite struct StandingTests {
    private static let unreadable = [UInt8](hex: "3003020105")

    /// - Parameter pins: certificates in DER, whose fingerprints are openssl's.
    private func standings(
        _ certificates: [[UInt8]], _ pins: [[UInt8]], policy: Policy = Policy(), moment: Moment = .unknown
    ) throws -> [Standing] {
        var policy = policy
        let digests = try pins.map { try OpenSSL.run(["dgst", "-sha256", "-binary"], input: $0).hex }
        let text = Array(digests.joined(separator: ",").utf8)
        let work: [UInt8] = [0xA5] + certificates.joined() + [0xA5]
        guard let fingerprints = Fingerprints(text.span) else { return [] }
        let standings = GetCACert.standings(
            work.span, certificates: 1..<(work.count - 1), fingerprints: fingerprints, policy: &policy, moment: moment)
        let all = standings.indices.map { standings[$0] }
        #expect(all[min(certificates.count, 8)...].allSatisfy { $0 == nil })
        return all.compactMap { $0 }
    }

    @Test func whoIsTrustedAndWhoIsNotIsTold() throws {
        let hierarchy = try Hierarchy.one
        let all = [
            hierarchy.ra.der, hierarchy.impostor.der, Self.unreadable, hierarchy.root.der, hierarchy.unmarked.der,
            hierarchy.weak.der,
            hierarchy.intermediate.der,
        ]
        let (above, pinned) = (Standing.trusted(isPinned: false), Standing.trusted(isPinned: true))
        #expect(
            try standings(all, [hierarchy.root.der]) == [
                above, .passedOver(.notSigned), .passedOver(.unreadable), pinned, .passedOver(.unmarkedRA),
                .passedOver(.weakDigest), above,
            ])
        // With the leniencies that it takes.
        let lenient = Policy(digestFloor: .sha1, allowsUnmarkedRA: true)
        #expect(
            try standings(all, [hierarchy.root.der], policy: lenient) == [
                above, .passedOver(.notSigned), .passedOver(.unreadable), pinned, above, above, above,
            ])
        // A pin below the root.
        #expect(
            try standings(all, [hierarchy.intermediate.der]) == [
                above, .passedOver(.notSigned), .passedOver(.unreadable), .passedOver(.notSigned),
                .passedOver(.notSigned), .passedOver(.notSigned), pinned,
            ])
        // Nobody's.
        #expect(
            try standings(all, [hierarchy.ec.der])
                == all.map {
                    .passedOver($0 == Self.unreadable ? .unreadable : .notSigned)
                })
    }

    /// An RA's pin beside its CA's is as good as a mark; alone it is nobody's.
    @Test func aPinnedRAIsNoCA() throws {
        let hierarchy = try Hierarchy.one
        let both = [hierarchy.unmarked.der, hierarchy.root.der]
        #expect(try standings(both, both) == [.trusted(isPinned: true), .trusted(isPinned: true)])
        #expect(try standings(both, [both[0]]) == [.refused(.pinnedIsNotCA), .passedOver(.notSigned)])
    }

    @Test func whyAPinnedOneIsRefusedIsTold() throws {
        let hierarchy = try Hierarchy.one
        let root = hierarchy.root.der
        let (notBefore, notAfter) = try { () throws -> (Int64, Int64) in
            let certificate = try Certificate(root.span)
            return (certificate.notBefore, certificate.notAfter)
        }()
        for (moment, standing) in [
            (.exact(notAfter), .trusted(isPinned: true)), (.exact(notAfter + 1), .refused(.caCertificateExpired)),
            (.atLeast(notAfter + 1), .refused(.caCertificateExpired)),
            (.exact(notBefore - 300), .trusted(isPinned: true)),
            (.exact(notBefore - 301), .refused(.caCertificateNotYetValid)),
        ] as [(Moment, Standing)] {
            #expect(try standings([root], [root], moment: moment) == [standing])
        }
        let weak = try OpenSSLIdentity(subject: "/CN=CA", newKey: ["rsa:1024"], extensions: ["keyUsage=keyCertSign"])
            .der
        let defect = KeyDefect.rsaSize(bits: 1024)
        #expect(
            try standings([weak, root], [weak, root]) == [.refused(.caKeyUnusable(defect)), .trusted(isPinned: true)])
        // It is of use to nobody whether it is pinned or not.
        let under = try OpenSSLIdentity(
            subject: "/CN=RA", for: TestKey(pem: OpenSSL.run(["genrsa", "1024"])), issuedBy: hierarchy.root,
            extensions: ["keyUsage=keyEncipherment", Hierarchy.mark]
        ).der
        #expect(
            try standings([under, root], [root]) == [.passedOver(.unusableKey(defect)), .trusted(isPinned: true)])
        let unreadable = Standing.refused(.reply(DERError(.unexpectedTag, at: 2)))
        #expect(try standings([Self.unreadable], [Self.unreadable]) == [unreadable])
        // What follows it in the reply is not looked at.
        #expect(try standings([root, Self.unreadable], [Self.unreadable, root])[0] == .trusted(isPinned: true))
    }

    /// As many as are looked at; the rest is left out.
    @Test func eightAreTold() throws {
        let hierarchy = try Hierarchy.one
        let many = Array(repeating: hierarchy.impostor.der, count: 7)
        let told: [Standing] = Array(repeating: .passedOver(.notSigned), count: 7) + [.trusted(isPinned: true)]
        #expect(try standings(many + [hierarchy.root.der], [hierarchy.root.der]) == told)
        #expect(try standings(many + [hierarchy.root.der, hierarchy.ra.der], [hierarchy.root.der]) == told)
    }

    /// What is told of each is what is made of the whole.
    @Test func theTrustedAreThoseThatAreKept() throws {
        let hierarchy = try Hierarchy.one
        let identities = [
            hierarchy.ra, hierarchy.root, hierarchy.impostorsRA, hierarchy.encryptionRA, hierarchy.intermediate,
            hierarchy.ec,
        ]
        for pins in [
            [hierarchy.root], [hierarchy.intermediate], [hierarchy.ec, hierarchy.root],
            [hierarchy.impostor, hierarchy.ec],
        ] {
            let told = try standings(identities.map(\.der), pins.map(\.der))
            let trusted = zip(identities, told).filter { if case .trusted = $0.1 { true } else { false } }
            #expect(try acceptance(identities, pins).kept == trusted.flatMap(\.0.der))
        }
    }
}
