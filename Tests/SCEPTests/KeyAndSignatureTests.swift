import DER
import DeviceCrypto
import PKIX
import SCEP
import TestKeys
import TestSupport
import Testing

/// Keys of CAs and RAs that are of no use, and signature algorithms that are not known: seen where they come in, before
/// anything is sent.
@Suite struct KeyAndSignatureTests {
    private static let usage = ["keyUsage=critical,keyCertSign,cRLSign"]

    @Test(
        arguments: [
            (["rsa:1024"], .rsaSize(bits: 1024)),
            (["ec", "-pkeyopt", "ec_paramgen_curve:P-521"], .kind(.p521)),
            (["ec", "-pkeyopt", "ec_paramgen_curve:secp256k1"], .kind(.anotherCurve)), (["ed25519"], .kind(.ed25519)),
            (["ec", "-pkeyopt", "ec_paramgen_curve:P-384"], nil), (["rsa:4096"], nil),
        ] as [([String], KeyDefect?)])
    func keysAreCheckedAtOnce(newKey: [String], defect: KeyDefect?) throws {
        let hierarchy = try Hierarchy.one
        let root = try OpenSSLIdentity(subject: "/CN=CA", newKey: newKey, extensions: Self.usage)
        guard let defect else {
            #expect(try acceptance([root], [root]).kept == root.der)
            return
        }
        #expect(throws: SCEPError.caKeyUnusable(defect)) { try acceptance([root], [root]) }
        // One that is of use, and pinned too, is enough.
        let (both, kept, _) = try acceptance([root, hierarchy.root], [root, hierarchy.root])
        #expect(kept == hierarchy.root.der && both.reasons == [.notSigned])
        // Below a pinned root: the issuing CA, and the RA.
        let key = TestKey(pem: root.key)
        let ca = try OpenSSLIdentity(
            subject: "/CN=CA", for: key, issuedBy: hierarchy.root, extensions: Hierarchy.authority)
        #expect(throws: SCEPError.caKeyUnusable(defect)) { try acceptance([ca, hierarchy.root], [hierarchy.root]) }
        // Where another CA issues, it is in nobody's way.
        let chain = [ca, hierarchy.intermediate, hierarchy.root]
        let (accepted, left, _) = try acceptance(chain, [hierarchy.root])
        #expect(left == hierarchy.intermediate.der + hierarchy.root.der && accepted.reasons == [.unusableKey(defect)])
        #expect(accepted.passedOver[0].matters)
        let ra = try OpenSSLIdentity(
            subject: "/CN=RA", for: key, issuedBy: hierarchy.root, extensions: [Hierarchy.mark])
        #expect(throws: SCEPError.caKeyUnusable(defect)) { try acceptance([ra, hierarchy.root], [hierarchy.root]) }
    }

    /// A pinned certificate's own signature says nothing.
    @Test(
        arguments: [
            ["-sha224"], ["-sha1"], ["-md5"], ["-sha256", "-sigopt", "rsa_padding_mode:pss"],
            ["-sha224", "-sigopt", "rsa_padding_mode:pss"], ["-sha3-256"],
        ])
    func aPinnedRootsSignatureIsNotLookedAt(options: [String]) throws {
        let root = try OpenSSLIdentity(
            subject: "/CN=CA", newKey: ["rsa:2048"] + options, extensions: Self.usage)
        let ra = try OpenSSLIdentity(
            subject: "/CN=RA", for: TestKey.rsa, issuedBy: root,
            extensions: ["keyUsage=keyEncipherment", Hierarchy.mark])
        let (accepted, kept, used) = try acceptance([ra, root], [root])
        #expect(kept == ra.der + root.der && accepted.reasons == [] && used == Leniency())
        let issued = try OpenSSLIdentity(subject: "/CN=x", for: TestKey.p256, issuedBy: root)
        let isIssued = CACertificates(kept.span).haveIssued(try Certificate(issued.der.span), mayBeCA: false)
        #expect(isIssued)
    }

    /// Below a pin RSASSA-PSS is verified, and what cannot be is named.
    @Test(
        arguments: [
            (["-sha256"], nil), (["-sha384"], nil), (["-sha512"], nil),
            (["-sha256", "-sigopt", "rsa_pss_saltlen:32"], nil),
            (["-sha1"], .weakDigest), (["-sha224"], .unknownSignatureAlgorithm),
            (["-sha256", "-sigopt", "rsa_mgf1_md:sha1"], .unknownSignatureAlgorithm),
        ] as [([String], PassedOver.Reason?)])
    func probabilisticSignatures(options: [String], reason: PassedOver.Reason?) throws {
        let root = try Hierarchy.one.root
        let ca = try OpenSSLIdentity(
            subject: "/CN=CA", for: TestKey.rsa, issuedBy: root, extensions: Hierarchy.authority,
            options: ["-sigopt", "rsa_padding_mode:pss"] + options)
        #expect(try isVerified(ca, by: [], under: root))
        let (accepted, kept, _) = try acceptance([ca, root], [root])
        #expect(kept == (reason == nil ? ca.der : []) + root.der)
        #expect(accepted.reasons == (reason.map { [$0] } ?? []))
        // As the device's own.
        var policy = Policy()
        let key = try TestKey.rsa
        let found: SCEPError?
        do throws(SCEPError) {
            guard var ours = try? key.rsaPrivateKey() else { throw .certificateForAnotherKey }
            _ = try IssuedCertificate.find(
                ca.der.span, in: CertificatesOnly(certificates: 0..<ca.der.count), from: CACertificates(root.der.span),
                key: &ours, replacing: nil,
                policy: &policy, moment: .unknown, mayBeginLater: false)
            found = nil
        } catch {
            found = error
        }
        switch reason {
        case nil: #expect(found == nil)
        case .weakDigest: #expect(found == .belowFloor(.sha1))
        default: #expect(found == .signatureAlgorithmUnknown)
        }
    }

    /// Nobody but a CA can have signed with an algorithm that is unknown here.
    @Test func anUnknownSignatureOfAnRAsIsNone() throws {
        let hierarchy = try Hierarchy.one
        let byRA = try OpenSSLIdentity(
            subject: "/CN=x", for: TestKey.rsa, issuedBy: hierarchy.ra, extensions: [Hierarchy.mark],
            options: ["-sha224"])
        let chain = [hierarchy.root, hierarchy.intermediate, hierarchy.ra, byRA]
        let (accepted, kept, _) = try acceptance(chain, [hierarchy.root])
        #expect(kept == chain.dropLast().flatMap(\.der) && accepted.reasons == [.notSigned])
    }

    /// Of what is cut off nobody can tell where it ends, and what would follow.
    @Test func whatIsCutOffIsRefused() throws {
        let hierarchy = try Hierarchy.one
        let cut = OpenSSLIdentity(key: [], pem: [], der: Array(hierarchy.ec.der.dropLast()))
        // Behind one byte, and the last of the whole is no part of it.
        let error = DERError(.truncated, at: 1 + hierarchy.root.der.count)
        #expect(throws: SCEPError.reply(error)) { try acceptance([hierarchy.root, cut], [hierarchy.root]) }
    }

    /// Who was passed over for nothing that anybody has to mend is told apart.
    @Test(
        arguments: [
            (.ca, .notSigned, false), (.ra, .notSigned, false), (.other, .notSigned, false), (.ca, .notCA, false),
            (.other, .notCA, false), (.ca, .expired, true), (.ra, .weakDigest, true), (.other, .weakDigest, false),
            (.other, .expired, false), (.other, .unreadable, true), (.ca, .unreadable, true), (.ca, .pathLength, true),
            (.ra, .unusableKey(.kind(.another)), true), (.other, .unmarkedRA, false), (.ca, .notYetValid, true),
            (.ca, .criticalExtension(1..<2), true), (.ca, .unknownSignatureAlgorithm, true),
        ] as [(Certificate.Role, PassedOver.Reason, Bool)])
    func whoMatters(role: Certificate.Role, reason: PassedOver.Reason, matters: Bool) {
        #expect(PassedOver(certificate: 0..<1, role: role, reason: reason).matters == matters)
    }

    /// What is between the root and the device is not passed over without a word.
    @Test func theReasonsAreSaid() throws {
        let root = try Hierarchy.one.root
        func ca(_ name: String, _ extensions: [String] = [], _ options: [String] = []) throws -> OpenSSLIdentity {
            try OpenSSLIdentity(
                subject: "/CN=\(name)", for: TestKey.rsa, issuedBy: root, extensions: Hierarchy.authority + extensions,
                options: options)
        }
        let short = try ca("short", [], ["-days", "1"])
        let end = try Certificate(short.der.span).notAfter
        let rows: [(OpenSSLIdentity, Moment, PassedOver.Reason?, matters: Bool)] = [
            (short, .exact(end + 1), .expired, true), (short, .atLeast(end + 1), .expired, true),
            (short, .exact(end), nil, false), (try ca("weak", [], ["-sha1"]), .unknown, .weakDigest, true),
            (try ca("unknown", [], ["-sha224"]), .unknown, .unknownSignatureAlgorithm, true),
            (try Hierarchy.one.impostor, .unknown, .notSigned, false),
        ]
        for (identity, moment, reason, matters) in rows {
            let (accepted, kept, _) = try acceptance([root, identity], [root], moment: moment)
            #expect(accepted.reasons == (reason.map { [$0] } ?? []))
            #expect(kept == root.der + (reason == nil ? identity.der : []))
            if reason != nil { #expect(accepted.passedOver[0].matters == matters) }
        }
        let unreadable = OpenSSLIdentity(key: [], pem: [], der: [0x30, 0x03, 0x02, 0x01, 0x05])
        #expect(try acceptance([root, unreadable], [root]).accepted.reasons == [.unreadable])
        for extensions in [
            ["certificatePolicies=critical,1.2.3.4"], ["policyConstraints=critical,requireExplicitPolicy:0"],
            ["nameConstraints=critical,permitted;DNS:example"], ["inhibitAnyPolicy=critical,0"],
        ] {
            let (accepted, kept, _) = try acceptance([root, ca("limited", extensions)], [root])
            guard case .criticalExtension? = accepted.reasons.first else {
                Issue.record("\(accepted.reasons)")
                continue
            }
            #expect(kept == root.der && accepted.passedOver[0].matters)
        }
    }
}
