import DER
import DeviceCrypto
import Foundation
import PKIX
import SCEP
import TestSupport
import Testing

/// Certificates of one CA and of strangers, made once.
struct World: Sendable {
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

    private static let shared = Result { try World() }

    static var one: World {
        get throws { try shared.get() }
    }
}

/// What `GetCACert` keeps of a reply that stands in the middle of a buffer.
func accepted(
    _ body: [UInt8], _ fingerprints: String, policy: Policy = Policy(), moment: Moment = .unknown, known: [UInt8] = [],
    room: Int = 8192
) throws -> [UInt8] {
    var policy = policy
    return try accepted(body, fingerprints, policy: &policy, moment: moment, known: known, room: room)
}

func accepted(
    _ body: [UInt8], _ fingerprints: String, policy: inout Policy, moment: Moment = .unknown, known: [UInt8] = [],
    room: Int = 8192
) throws -> [UInt8] {
    let text = Array(fingerprints.utf8)
    var work = [0xA5, 0xA5] + body + [0xA5]
    var trusted = known + [UInt8](repeating: 0xA5, count: room - known.count)
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
        let root = try World.one.root
        #expect(try accepted(root.der, root.fingerprint()) == root.der)
        #expect(try accepted(root.der, root.fingerprint("sha512")) == root.der)
        let colonless = try root.fingerprint().filter { $0 != ":" }
        #expect(try accepted(root.der, colonless.lowercased()) == root.der)
        // One of several pins, old and new.
        let other = try World.one.impostor.fingerprint("sha512")
        #expect(try accepted(root.der, "\(other),\(colonless)") == root.der)
        #expect(try accepted(root.der, "\(colonless),\(other)") == root.der)
        // In a bundle of one, in BER.
        let bundle = try OpenSSLIdentity.bundle([root])
        #expect(try accepted(bundle, colonless) == root.der)
        let ber = [0x30, 0x80] + bundle.dropFirst(4) + [0, 0]
        #expect(try accepted(ber, colonless) == root.der)
    }

    @Test func theChainIsKept() throws {
        let world = try World.one
        let pin = try world.root.fingerprint()
        // Whatever the order.
        let chain = [world.ra, world.encryptionRA, world.intermediate, world.root]
        for identities in [chain, chain.reversed(), [world.ra, world.root, world.encryptionRA, world.intermediate]] {
            let kept = try accepted(OpenSSLIdentity.bundle(identities), pin)
            #expect(kept == identities.flatMap(\.der))
            let ca = CACertificates(kept.span)
            // The one whose key usage says encryption.
            var policy = Policy()
            let encryption = try ca.encryptionCertificate(canDecrypt: true, policy: &policy).encoding.array
            #expect(encryption == world.encryptionRA.der)
            let issuing = try ca.issuingCertificate().encoding.array
            #expect(issuing == world.intermediate.der)
        }
        // A pin on the intermediate is enough, and the root above it is then none of ours.
        let kept = try accepted(OpenSSLIdentity.bundle(chain), world.intermediate.fingerprint())
        #expect(kept == [world.ra, world.encryptionRA, world.intermediate].flatMap(\.der))
    }

    /// Nothing but the pin and what follows from it is believed.
    @Test func strangersArePassedOver() throws {
        let world = try World.one
        let pin = try world.root.fingerprint()
        let bundle = try OpenSSLIdentity.bundle([
            world.impostor, world.impostorsRA, world.root, world.ec, world.intermediate,
        ])
        #expect(try accepted(bundle, pin) == world.root.der + world.intermediate.der)
        // An RA whose issuer is not in the reply.
        #expect(try accepted(OpenSSLIdentity.bundle([world.ra, world.root]), pin) == world.root.der)
        // The same certificate twice.
        #expect(
            try accepted(OpenSSLIdentity.bundle([world.root, world.intermediate, world.intermediate]), pin)
                == world.root.der + world.intermediate.der)
    }

    @Test func anUnmarkedRAIsANamedLeniency() throws {
        let world = try World.one
        let bundle = try OpenSSLIdentity.bundle([world.root, world.unmarked])
        #expect(throws: SCEPError.unmarkedRA) { try accepted(bundle, world.root.fingerprint()) }
        var policy = Policy(allowsUnmarkedRA: true)
        let kept = try accepted(bundle, world.root.fingerprint(), policy: &policy)
        #expect(kept == world.root.der + world.unmarked.der && policy.used == .unmarkedRA)
        // Its own pin marks it just as well.
        let pins = try "\(world.root.fingerprint()),\(world.unmarked.fingerprint())"
        policy = Policy()
        #expect(try accepted(bundle, pins, policy: &policy) == world.root.der + world.unmarked.der)
        #expect(policy.used == Leniency())
    }

    /// A critical extension that is not judged here forbids the use of a certificate, unless it is pinned.
    @Test func unknownCriticalExtensionsArePassedOver() throws {
        let root = try World.one.root
        let limited = try OpenSSLIdentity(
            subject: "/CN=Limited CA", for: TestKey.rsa, issuedBy: root,
            extensions: World.authority + ["nameConstraints=critical,permitted;DNS:example"])
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
            subject: "/CN=Top", issuedBy: World.one.root, extensions: authority(ofRoot))
        let intermediate = try OpenSSLIdentity(
            subject: "/CN=Middle", issuedBy: root, extensions: authority(ofIntermediate))
        let last = try OpenSSLIdentity(subject: "/CN=Last", issuedBy: intermediate, extensions: authority(nil))
        let chain = [root, intermediate, last]
        let found = try accepted(OpenSSLIdentity.bundle(chain.reversed()), root.fingerprint())
        #expect(found == chain.prefix(kept).reversed().flatMap(\.der))
    }

    @Test func weakSignaturesArePassedOver() throws {
        let world = try World.one
        let bundle = try OpenSSLIdentity.bundle([world.root, world.weak])
        #expect(try accepted(bundle, world.root.fingerprint()) == world.root.der)
        var policy = Policy(digestFloor: .sha1)
        let kept = try accepted(bundle, world.root.fingerprint(), policy: &policy)
        #expect(kept == world.root.der + world.weak.der && policy.used == .sha1)
    }

    @Test func timesCountWhereTheyAreKnown() throws {
        let world = try World.one
        let (notBefore, notAfter) = try { () throws -> (Int64, Int64) in
            let certificate = try Certificate(world.root.der.span)
            return (certificate.notBefore, certificate.notAfter)
        }()
        let pin = try world.root.fingerprint()
        // A device's clock may be five minutes late.
        let good: [Moment] = [
            .unknown, .exact(notBefore - 300), .exact(notAfter), .atLeast(.min), .atLeast(0), .atLeast(notAfter),
        ]
        for moment in good { #expect(try accepted(world.root.der, pin, moment: moment) == world.root.der) }
        for moment in [.exact(notAfter + 1), .exact(.max), .atLeast(notAfter + 1), .atLeast(.max)] as [Moment] {
            #expect(throws: SCEPError.caCertificateExpired) { try accepted(world.root.der, pin, moment: moment) }
        }
        for moment in [.exact(notBefore - 301), .exact(0), .exact(.min)] as [Moment] {
            #expect(throws: SCEPError.caCertificateNotYetValid) { try accepted(world.root.der, pin, moment: moment) }
        }
    }

    /// A CA that is trusted already needs no fingerprint, such as one that came by GetNextCACert.
    @Test func theKnownAreAnchors() throws {
        let world = try World.one
        let pin = try world.root.fingerprint()
        let known = world.ec.der + world.impostor.der
        let others = try OpenSSLIdentity.bundle([world.impostorsRA, world.impostor])
        #expect(try accepted(others, pin, known: known) == world.impostorsRA.der + world.impostor.der)
        #expect(throws: SCEPError.fingerprintMismatch) { try accepted(others, pin, known: world.ec.der) }
        // One byte more is another certificate, and a name is none.
        let twin = try OpenSSLIdentity(subject: "/O=Example/CN=Root", for: TestKey.rsa)
        #expect(throws: SCEPError.fingerprintMismatch) { try accepted(twin.der, pin, known: known) }
        // Both sides of a rollover at once.
        let both = try OpenSSLIdentity.bundle([world.root, world.impostor])
        #expect(try accepted(both, pin, known: known) == world.root.der + world.impostor.der)
        // Who is known and not in the reply is kept no longer.
        #expect(try accepted(world.root.der, pin, known: known) == world.root.der)
    }

    /// A pinned CA that is over does not stand in the way of its successor.
    @Test func aSuccessorIsEnough() throws {
        let world = try World.one
        let short = try OpenSSLIdentity(
            subject: "/O=Example/CN=Root", newKey: ["rsa:2048", "-days", "1"],
            extensions: ["keyUsage=critical,keyCertSign"])
        let tomorrow = try Certificate(short.der.span).notAfter + 1
        let both = try OpenSSLIdentity.bundle([short, world.root])
        let pin = try short.fingerprint()
        #expect(try accepted(both, pin, moment: .exact(tomorrow), known: world.root.der) == world.root.der)
        for known in [[], short.der] {
            #expect(throws: SCEPError.caCertificateExpired) {
                try accepted(both, pin, moment: .atLeast(tomorrow), known: known)
            }
        }
        #expect(try accepted(both, pin, moment: .exact(tomorrow - 1), known: world.root.der).starts(with: short.der))
    }

    /// What was trusted before is still there when a reply is refused.
    @Test func theKnownStayWhereTheyAre() throws {
        let world = try World.one
        let bundle = try OpenSSLIdentity.bundle([world.root, world.unmarked])
        let pins = Array(try world.root.fingerprint().utf8)
        for body in [bundle, world.impostor.der, try OpenSSLIdentity.bundle([world.root, world.intermediate]), []] {
            var trusted = world.ec.der + [UInt8](repeating: 0xA5, count: world.root.der.count - world.ec.der.count)
            let before = trusted
            var work = body
            var policy = Policy()
            #expect(throws: SCEPError.self) {
                var bytes = work.mutableSpan
                var kept = trusted.mutableSpan
                guard let fingerprints = Fingerprints(pins.span) else { return }
                _ = try GetCACert.accept(
                    &bytes, body: 0..<body.count, fingerprints: fingerprints, known: world.ec.der.count,
                    policy: &policy, moment: .unknown, into: &kept)
            }
            #expect(trusted == before)
        }
    }

    /// Certificates that came one in a reply, as Dogtag sends its chain.
    @Test func aChainIsCollected() throws {
        let world = try World.one
        let pins = Array(try world.root.fingerprint().utf8)
        var chain: [UInt8] = []
        for identity in [world.ra, world.intermediate, world.root] {
            let (certificates, isSingle) = try read(identity.der)
            #expect(isSingle)
            chain += certificates
        }
        let bundle = try OpenSSLIdentity.bundle([world.intermediate, world.root])
        let several = try read(bundle)
        #expect(!several.isSingle && several.certificates == world.intermediate.der + world.root.der)
        let blocks = try read(world.intermediate.certificate + world.root.certificate)
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
        let world = try World.one
        let pin = try world.root.fingerprint()
        func refusal(_ body: [UInt8], _ pins: String, room: Int = 8192) -> SCEPError? {
            do {
                _ = try accepted(body, pins, room: room)
                return nil
            } catch {
                return error as? SCEPError
            }
        }
        #expect(refusal(world.impostor.der, pin) == .fingerprintMismatch)
        #expect(refusal(try OpenSSLIdentity.bundle([world.impostor, world.intermediate]), pin) == .fingerprintMismatch)
        #expect(refusal(try OpenSSLIdentity.bundle([world.ra]), try world.ra.fingerprint()) == .pinnedIsNotCA)
        let many = [world.root] + Array(repeating: world.impostor, count: 8)
        #expect(refusal(try OpenSSLIdentity.bundle(many), pin) == .tooManyCACertificates)
        #expect(refusal(world.root.der, pin, room: world.root.der.count - 1) == .tooManyCACertificates)
        #expect(refusal(world.root.der, pin, room: world.root.der.count) == nil)
        let two = try OpenSSLIdentity.bundle([world.root, world.intermediate])
        let room = world.root.der.count + world.intermediate.der.count
        #expect(refusal(two, pin, room: room - 1) == .tooManyCACertificates)
        #expect(refusal(two, pin, room: room) == nil)
        // What is no certificate at all. Offsets count in the buffer, where the body stands at 2.
        #expect(refusal([0x30, 0x00], pin) == .fingerprintMismatch)
        #expect(refusal(Array(world.root.der.dropLast()), pin) == .reply(DERError(.truncated, at: 2)))
        #expect(
            refusal(world.root.der + [0], pin) == .reply(DERError(.trailingBytes, at: 2 + world.root.der.count)))
        #expect(refusal([0x04, 0x00], pin) == .reply(DERError(.unexpectedTag, at: 2)))
        let envelope = [UInt8](hex: "3011 06092A864886F70D010703 A004 3002 0500")
        #expect(refusal(envelope, pin) == .reply(DERError(.unexpectedContentType, at: 4)))
    }

    @Test func damagedRepliesDoNotTrap() throws {
        let world = try World.one
        let pin = try world.root.fingerprint()
        let body = try OpenSSLIdentity.bundle([world.root, world.intermediate])
        for position in body.indices where position % 3 == 0 {
            var damaged = body
            damaged[position] ^= 1 << UInt8(position % 8)
            guard let kept = try? accepted(damaged, pin) else { continue }
            // Whatever is damaged is not believed.
            #expect(kept == world.root.der || kept == world.root.der + world.intermediate.der)
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
        let root = try World.one.root
        var digest = Array(try root.fingerprint().utf8)
        for position in digest.indices where digest[position] != UInt8(ascii: ":") {
            let was = digest[position]
            digest[position] = was == UInt8(ascii: "0") ? UInt8(ascii: "1") : UInt8(ascii: "0")
            let contains = Fingerprints(digest.span)?.contain(root.der.span)
            #expect(contains == false)
            digest[position] = was
        }
        let contains = Fingerprints(digest.span)?.contain(root.der.span)
        #expect(contains == true)
    }
}
