import DER
import DeviceCrypto
import Foundation
import PKIX
import SCEP
import TestSupport
import Testing

/// Certificates of one CA and of strangers, made once.
struct Hierarchy: Sendable {
    let root: OpenSSLIdentity
    /// Issued by the root.
    let intermediate: OpenSSLIdentity
    /// Issued by the intermediate, and so on.
    let ra: OpenSSLIdentity
    let encryptionRA: OpenSSLIdentity
    let unmarked: OpenSSLIdentity
    let weak: OpenSSLIdentity
    let ec: OpenSSLIdentity
    /// Has the root's name and another key.
    let impostor: OpenSSLIdentity
    let impostorsRA: OpenSSLIdentity

    static let authority = ["basicConstraints=critical,CA:TRUE", "keyUsage=critical,keyCertSign,cRLSign"]
    static let mark = "extendedKeyUsage=1.3.6.1.5.5.7.3.28"

    init() throws {
        root = try OpenSSLIdentity(subject: "/O=Example/CN=Root", extensions: ["keyUsage=critical,keyCertSign"])
        intermediate = try OpenSSLIdentity(
            subject: "/O=Example/CN=Intermediate", issuedBy: root, extensions: Self.authority)
        ra = try OpenSSLIdentity(
            subject: "/CN=RA", issuedBy: intermediate, extensions: ["keyUsage=digitalSignature", Self.mark])
        encryptionRA = try OpenSSLIdentity(
            subject: "/CN=RA", issuedBy: intermediate, extensions: ["keyUsage=keyEncipherment", Self.mark])
        unmarked = try OpenSSLIdentity(
            subject: "/CN=RA", issuedBy: root, extensions: ["keyUsage=digitalSignature,keyEncipherment"])
        weak = try OpenSSLIdentity(
            subject: "/CN=RA", for: TestKey.rsa, issuedBy: root, extensions: ["keyUsage=keyEncipherment", Self.mark],
            options: ["-sha1"])
        ec = try OpenSSLIdentity(
            subject: "/CN=Root", newKey: ["ec", "-pkeyopt", "ec_paramgen_curve:P-256"],
            extensions: ["keyUsage=keyCertSign"])
        impostor = try OpenSSLIdentity(subject: "/O=Example/CN=Root", extensions: ["keyUsage=keyCertSign"])
        impostorsRA = try OpenSSLIdentity(
            subject: "/CN=RA", for: TestKey.rsa, issuedBy: impostor,
            extensions: ["keyUsage=keyEncipherment", Self.mark])
    }

    private static let shared = Result { try Hierarchy() }

    static var one: Hierarchy {
        get throws { try shared.get() }
    }
}

/// What `GetCACert` keeps of a reply that stands in the middle of a buffer.
func accepted(
    _ body: [UInt8], _ fingerprints: String, policy: Policy = Policy(), moment: Moment = .unknown, known: [UInt8] = [],
    capacity: Int = 8192
) throws -> [UInt8] {
    var policy = policy
    return try accepted(body, fingerprints, policy: &policy, moment: moment, known: known, capacity: capacity)
}

func accepted(
    _ body: [UInt8], _ fingerprints: String, policy: inout Policy, moment: Moment = .unknown, known: [UInt8] = [],
    capacity: Int = 8192
) throws -> [UInt8] {
    let text = Array(fingerprints.utf8)
    var work = [0xA5, 0xA5] + body + [0xA5]
    var trusted = known + [UInt8](repeating: 0xA5, count: capacity - known.count)
    var used = 0
    do {
        var bytes = work.mutableSpan
        var kept = trusted.mutableSpan
        guard let pins = Fingerprints(text.span) else { throw SCEPError.fingerprintMismatch }
        used = try GetCACert.accept(
            &bytes, body: 2..<(2 + body.count), fingerprints: pins, known: known.count, policy: &policy,
            moment: moment, into: &kept
        ).byteCount
    }
    #expect(work.prefix(2) == [0xA5, 0xA5] && work.last == 0xA5)
    #expect(trusted[max(used, known.count)...].allSatisfy { $0 == 0xA5 })
    return Array(trusted[..<used])
}

@Suite struct GetCACertTests {
    @Test func aSoleCertificateIsKept() throws {
        let root = try Hierarchy.one.root
        #expect(try accepted(root.der, root.fingerprint()) == root.der)
        #expect(try accepted(root.der, root.fingerprint("sha512")) == root.der)
        let colonless = try root.fingerprint().filter { $0 != ":" }
        #expect(try accepted(root.der, colonless.lowercased()) == root.der)
        // One of several pins, old and new.
        let other = try Hierarchy.one.impostor.fingerprint("sha512")
        #expect(try accepted(root.der, "\(other),\(colonless)") == root.der)
        #expect(try accepted(root.der, "\(colonless),\(other)") == root.der)
        // In a bundle of one, in BER.
        let bundle = try OpenSSLIdentity.bundle([root])
        #expect(try accepted(bundle, colonless) == root.der)
        let ber = [0x30, 0x80] + bundle.dropFirst(4) + [0, 0]
        #expect(try accepted(ber, colonless) == root.der)
    }

    @Test func theChainIsKept() throws {
        let hierarchy = try Hierarchy.one
        let pin = try hierarchy.root.fingerprint()
        // Whatever the order.
        let chain = [hierarchy.ra, hierarchy.encryptionRA, hierarchy.intermediate, hierarchy.root]
        for identities in [
            chain, chain.reversed(), [hierarchy.ra, hierarchy.root, hierarchy.encryptionRA, hierarchy.intermediate],
        ] {
            let kept = try accepted(OpenSSLIdentity.bundle(identities), pin)
            #expect(kept == identities.flatMap(\.der))
            let ca = CACertificates(kept.span)
            // The one whose key usage says encryption.
            var policy = Policy()
            let encryption = try ca.encryptionCertificate(canDecrypt: true, policy: &policy).encoding.array
            #expect(encryption == hierarchy.encryptionRA.der)
            let issuing = try ca.issuingCertificate().encoding.array
            #expect(issuing == hierarchy.intermediate.der)
        }
        // A pin on the intermediate is enough, and the root above it is then none of ours.
        let kept = try accepted(OpenSSLIdentity.bundle(chain), hierarchy.intermediate.fingerprint())
        #expect(kept == [hierarchy.ra, hierarchy.encryptionRA, hierarchy.intermediate].flatMap(\.der))
    }

    /// Nothing but the pin and what follows from it is believed.
    @Test func strangersArePassedOver() throws {
        let hierarchy = try Hierarchy.one
        let pin = try hierarchy.root.fingerprint()
        let bundle = try OpenSSLIdentity.bundle([
            hierarchy.impostor, hierarchy.impostorsRA, hierarchy.root, hierarchy.ec, hierarchy.intermediate,
        ])
        #expect(try accepted(bundle, pin) == hierarchy.root.der + hierarchy.intermediate.der)
        // An RA whose issuer is not in the reply.
        #expect(try accepted(OpenSSLIdentity.bundle([hierarchy.ra, hierarchy.root]), pin) == hierarchy.root.der)
        // The same certificate twice.
        #expect(
            try accepted(OpenSSLIdentity.bundle([hierarchy.root, hierarchy.intermediate, hierarchy.intermediate]), pin)
                == hierarchy.root.der + hierarchy.intermediate.der)
    }

    @Test func anUnmarkedRAIsANamedLeniency() throws {
        let hierarchy = try Hierarchy.one
        let bundle = try OpenSSLIdentity.bundle([hierarchy.root, hierarchy.unmarked])
        #expect(throws: SCEPError.unmarkedRA) { try accepted(bundle, hierarchy.root.fingerprint()) }
        var policy = Policy(allowsUnmarkedRA: true)
        let kept = try accepted(bundle, hierarchy.root.fingerprint(), policy: &policy)
        #expect(kept == hierarchy.root.der + hierarchy.unmarked.der && policy.used == .unmarkedRA)
        // Its own pin marks it just as well.
        let pins = try "\(hierarchy.root.fingerprint()),\(hierarchy.unmarked.fingerprint())"
        policy = Policy()
        #expect(try accepted(bundle, pins, policy: &policy) == hierarchy.root.der + hierarchy.unmarked.der)
        #expect(policy.used == Leniency())
    }

    /// A critical extension that is not checked here forbids the use of a certificate, unless it is pinned.
    @Test func unknownCriticalExtensionsArePassedOver() throws {
        let root = try Hierarchy.one.root
        let limited = try OpenSSLIdentity(
            subject: "/CN=Limited CA", for: TestKey.rsa, issuedBy: root,
            extensions: Hierarchy.authority + ["nameConstraints=critical,permitted;DNS:example"])
        let bundle = try OpenSSLIdentity.bundle([root, limited])
        #expect(try accepted(bundle, root.fingerprint()) == root.der)
        #expect(try accepted(bundle, limited.fingerprint()) == limited.der)
    }

    /// Servers that make a CA of every device, under a path that ends with them: none of these devices is believed.
    @Test func aDeviceIsNoAuthority() throws {
        let short = try OpenSSLIdentity(
            subject: "/CN=Short CA", for: TestKey.rsa, extensions: ["basicConstraints=critical,CA:TRUE,pathlen:0"])
        let device = try OpenSSLIdentity(
            subject: "/CN=sensor", for: TestKey.p256, issuedBy: short,
            extensions: ["basicConstraints=critical,CA:TRUE,pathlen:0"])
        let bundle = try OpenSSLIdentity.bundle([short, device])
        #expect(try accepted(bundle, short.fingerprint()) == short.der)
    }

    /// A CA that was given no power to make CAs makes one (RFC 5280, 4.2.1.9).
    @Test(arguments: [(nil, nil, 3), (2, nil, 3), (1, nil, 2), (0, nil, 1), (nil, 0, 2), (nil, 1, 3), (2, 0, 2)])
    func pathLengthsHold(ofRoot: Int?, ofIntermediate: Int?, kept: Int) throws {
        func authority(_ length: Int?) -> [String] {
            ["basicConstraints=critical,CA:TRUE" + (length.map { ",pathlen:\($0)" } ?? ""), "keyUsage=keyCertSign"]
        }
        let root = try OpenSSLIdentity(
            subject: "/CN=Top", issuedBy: Hierarchy.one.root, extensions: authority(ofRoot))
        let intermediate = try OpenSSLIdentity(
            subject: "/CN=Middle", issuedBy: root, extensions: authority(ofIntermediate))
        let last = try OpenSSLIdentity(subject: "/CN=Last", issuedBy: intermediate, extensions: authority(nil))
        let chain = [root, intermediate, last]
        let found = try accepted(OpenSSLIdentity.bundle(chain.reversed()), root.fingerprint())
        #expect(found == chain.prefix(kept).reversed().flatMap(\.der))
    }

    @Test func weakSignaturesArePassedOver() throws {
        let hierarchy = try Hierarchy.one
        let bundle = try OpenSSLIdentity.bundle([hierarchy.root, hierarchy.weak])
        #expect(try accepted(bundle, hierarchy.root.fingerprint()) == hierarchy.root.der)
        var policy = Policy(digestFloor: .sha1)
        let kept = try accepted(bundle, hierarchy.root.fingerprint(), policy: &policy)
        #expect(kept == hierarchy.root.der + hierarchy.weak.der && policy.used == .sha1)
    }

    @Test func timesCountWhereTheyAreKnown() throws {
        let hierarchy = try Hierarchy.one
        let (notBefore, notAfter) = try { () throws -> (Int64, Int64) in
            let certificate = try Certificate(hierarchy.root.der.span)
            return (certificate.notBefore, certificate.notAfter)
        }()
        let pin = try hierarchy.root.fingerprint()
        // A device's clock may be five minutes late.
        let good: [Moment] = [
            .unknown, .exact(notBefore - 300), .exact(notAfter), .atLeast(.min), .atLeast(0), .atLeast(notAfter),
        ]
        for moment in good { #expect(try accepted(hierarchy.root.der, pin, moment: moment) == hierarchy.root.der) }
        for moment in [.exact(notAfter + 1), .exact(.max), .atLeast(notAfter + 1), .atLeast(.max)] as [Moment] {
            #expect(throws: SCEPError.caCertificateExpired) { try accepted(hierarchy.root.der, pin, moment: moment) }
        }
        for moment in [.exact(notBefore - 301), .exact(0), .exact(.min)] as [Moment] {
            #expect(throws: SCEPError.caCertificateNotYetValid) {
                try accepted(hierarchy.root.der, pin, moment: moment)
            }
        }
    }

    /// A CA that is trusted already needs no fingerprint, such as one that came by GetNextCACert.
    @Test func theKnownAreAnchors() throws {
        let hierarchy = try Hierarchy.one
        let pin = try hierarchy.root.fingerprint()
        let known = hierarchy.ec.der + hierarchy.impostor.der
        let others = try OpenSSLIdentity.bundle([hierarchy.impostorsRA, hierarchy.impostor])
        #expect(try accepted(others, pin, known: known) == hierarchy.impostorsRA.der + hierarchy.impostor.der)
        #expect(throws: SCEPError.fingerprintMismatch) { try accepted(others, pin, known: hierarchy.ec.der) }
        // One byte more is another certificate, and a name is none.
        let twin = try OpenSSLIdentity(subject: "/O=Example/CN=Root", for: TestKey.rsa)
        #expect(throws: SCEPError.fingerprintMismatch) { try accepted(twin.der, pin, known: known) }
        // Both sides of a rollover at once.
        let both = try OpenSSLIdentity.bundle([hierarchy.root, hierarchy.impostor])
        #expect(try accepted(both, pin, known: known) == hierarchy.root.der + hierarchy.impostor.der)
        // Who is known and not in the reply is kept no longer.
        #expect(try accepted(hierarchy.root.der, pin, known: known) == hierarchy.root.der)
    }

    /// A pinned CA that has expired does not stand in the way of its successor.
    @Test func aSuccessorIsEnough() throws {
        let hierarchy = try Hierarchy.one
        let short = try OpenSSLIdentity(
            subject: "/O=Example/CN=Root", newKey: ["rsa:2048", "-days", "1"],
            extensions: ["keyUsage=critical,keyCertSign"])
        let tomorrow = try Certificate(short.der.span).notAfter + 1
        let both = try OpenSSLIdentity.bundle([short, hierarchy.root])
        let pin = try short.fingerprint()
        #expect(try accepted(both, pin, moment: .exact(tomorrow), known: hierarchy.root.der) == hierarchy.root.der)
        for known in [[], short.der] {
            #expect(throws: SCEPError.caCertificateExpired) {
                try accepted(both, pin, moment: .atLeast(tomorrow), known: known)
            }
        }
        #expect(
            try accepted(both, pin, moment: .exact(tomorrow - 1), known: hierarchy.root.der).starts(with: short.der))
    }

    /// What was trusted before is still there when a reply is refused.
    @Test func theKnownStayWhereTheyAre() throws {
        let hierarchy = try Hierarchy.one
        let bundle = try OpenSSLIdentity.bundle([hierarchy.root, hierarchy.unmarked])
        let pins = Array(try hierarchy.root.fingerprint().utf8)
        for body in [
            bundle, hierarchy.impostor.der, try OpenSSLIdentity.bundle([hierarchy.root, hierarchy.intermediate]), [],
        ] {
            var trusted =
                hierarchy.ec.der + [UInt8](repeating: 0xA5, count: hierarchy.root.der.count - hierarchy.ec.der.count)
            let before = trusted
            var work = body
            var policy = Policy()
            #expect(throws: SCEPError.self) {
                var bytes = work.mutableSpan
                var kept = trusted.mutableSpan
                guard let fingerprints = Fingerprints(pins.span) else { return }
                _ = try GetCACert.accept(
                    &bytes, body: 0..<body.count, fingerprints: fingerprints, known: hierarchy.ec.der.count,
                    policy: &policy, moment: .unknown, into: &kept)
            }
            #expect(trusted == before)
        }
    }

    /// Certificates that came one in a reply, as Dogtag sends its chain.
    @Test func aChainIsCollected() throws {
        let hierarchy = try Hierarchy.one
        let pins = Array(try hierarchy.root.fingerprint().utf8)
        var chain: [UInt8] = []
        for identity in [hierarchy.ra, hierarchy.intermediate, hierarchy.root] {
            let (certificates, isSingle) = try read(identity.der)
            #expect(isSingle)
            chain += certificates
        }
        let bundle = try OpenSSLIdentity.bundle([hierarchy.intermediate, hierarchy.root])
        let several = try read(bundle)
        #expect(!several.isSingle && several.certificates == hierarchy.intermediate.der + hierarchy.root.der)
        let blocks = try read(hierarchy.intermediate.certificate + hierarchy.root.certificate)
        #expect(!blocks.isSingle && blocks.certificates == several.certificates)
        var trusted = [UInt8](repeating: 0, count: 8192)
        var policy = Policy()
        let work = [0xA5] + chain + [0xA5]
        let used: Int
        do {
            var kept = trusted.mutableSpan
            guard let fingerprints = Fingerprints(pins.span) else { throw SCEPError.fingerprintMismatch }
            used = try GetCACert.accept(
                work.span, certificates: 1..<(work.count - 1), fingerprints: fingerprints, policy: &policy,
                moment: .unknown, into: &kept
            ).byteCount
        }
        #expect(Array(trusted[..<used]) == chain)
    }

    private func read(_ body: [UInt8]) throws -> (certificates: [UInt8], isSingle: Bool) {
        var work = [0xA5] + body
        let reply: (certificates: Range<Int>, isSingle: Bool)
        var policy = Policy()
        do {
            var bytes = work.mutableSpan
            reply = try GetCACert.read(&bytes, body: 1..<(1 + body.count), policy: &policy)
        }
        return (Array(work[reply.certificates]), reply.isSingle)
    }

    @Test func isRefused() throws {
        let hierarchy = try Hierarchy.one
        let pin = try hierarchy.root.fingerprint()
        func refusal(_ body: [UInt8], _ pins: String, capacity: Int = 8192) -> SCEPError? {
            do {
                _ = try accepted(body, pins, capacity: capacity)
                return nil
            } catch {
                return error as? SCEPError
            }
        }
        #expect(refusal(hierarchy.impostor.der, pin) == .fingerprintMismatch)
        #expect(
            refusal(try OpenSSLIdentity.bundle([hierarchy.impostor, hierarchy.intermediate]), pin)
                == .fingerprintMismatch)
        #expect(refusal(try OpenSSLIdentity.bundle([hierarchy.ra]), try hierarchy.ra.fingerprint()) == .pinnedIsNotCA)
        let many = [hierarchy.root] + Array(repeating: hierarchy.impostor, count: 8)
        #expect(refusal(try OpenSSLIdentity.bundle(many), pin) == .tooManyCACertificates)
        let size = hierarchy.root.der.count
        #expect(refusal(hierarchy.root.der, pin, capacity: size - 1) == .caCertificatesTooLarge(size))
        #expect(refusal(hierarchy.root.der, pin, capacity: hierarchy.root.der.count) == nil)
        let two = try OpenSSLIdentity.bundle([hierarchy.root, hierarchy.intermediate])
        let capacity = hierarchy.root.der.count + hierarchy.intermediate.der.count
        #expect(refusal(two, pin, capacity: capacity - 1) == .caCertificatesTooLarge(capacity))
        #expect(refusal(two, pin, capacity: capacity) == nil)
        // What is no certificate at all. Offsets count in the buffer, where the body stands at 2.
        #expect(refusal([0x30, 0x00], pin) == .fingerprintMismatch)
        #expect(refusal(Array(hierarchy.root.der.dropLast()), pin) == .reply(DERError(.truncated, at: 2)))
        #expect(
            refusal(hierarchy.root.der + [0], pin) == .reply(DERError(.trailingBytes, at: 2 + hierarchy.root.der.count))
        )
        #expect(refusal([0x04, 0x00], pin) == .reply(DERError(.unexpectedTag, at: 2)))
        let envelope = [UInt8](hex: "3011 06092A864886F70D010703 A004 3002 0500")
        #expect(refusal(envelope, pin) == .reply(DERError(.unexpectedContentType, at: 4)))
    }

    @Test func damagedRepliesDoNotTrap() throws {
        let hierarchy = try Hierarchy.one
        let pin = try hierarchy.root.fingerprint()
        let body = try OpenSSLIdentity.bundle([hierarchy.root, hierarchy.intermediate])
        for position in body.indices where position % 3 == 0 {
            var damaged = body
            damaged[position] ^= 1 << UInt8(position % 8)
            guard let kept = try? accepted(damaged, pin) else { continue }
            // Whatever is damaged is not believed.
            #expect(kept == hierarchy.root.der || kept == hierarchy.root.der + hierarchy.intermediate.der)
        }
    }

    @Test(.enabled(if: Fixtures.areThere, Comment(rawValue: Fixtures.absence)))
    func aRecordedCertificateIsKept() throws {
        let body = try Fixtures.read("jscep/02-GetCACert.rsp.der")
        let digest = try OpenSSL.run(["dgst", "-sha256", "-binary"], input: body)
        #expect(try accepted(body, digest.hex) == body)
    }
}

@Suite struct FingerprintsTests {
    @Test(arguments: [
        "", "00", ",", String(repeating: "0", count: 63), String(repeating: "0", count: 65),
        String(repeating: "0", count: 127), String(repeating: "0", count: 129), String(repeating: "0", count: 40),
        String(repeating: "0", count: 64) + ",", "," + String(repeating: "0", count: 64),
        String(repeating: "0", count: 63) + "g", String(repeating: "0", count: 64) + " ",
        "0:" + String(repeating: "0", count: 63), ":" + String(repeating: "0", count: 64),
        String(repeating: "0", count: 64) + ";" + String(repeating: "0", count: 64),
        String(repeating: "0", count: 4096),
    ])
    func areRefused(text: String) {
        let bytes = Array(text.utf8)
        let isThere = Fingerprints(bytes.span) != nil
        #expect(!isThere)
    }

    @Test func otherDigestsDoNotMatch() throws {
        let root = try Hierarchy.one.root
        var digest = Array(try root.fingerprint().utf8)
        for position in digest.indices where digest[position] != UInt8(ascii: ":") {
            let was = digest[position]
            digest[position] = was == UInt8(ascii: "0") ? UInt8(ascii: "1") : UInt8(ascii: "0")
            let contains = Fingerprints(digest.span)?.contains(root.der.span)
            #expect(contains == false)
            digest[position] = was
        }
        let contains = Fingerprints(digest.span)?.contains(root.der.span)
        #expect(contains == true)
    }
}
