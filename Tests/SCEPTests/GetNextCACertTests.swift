import CMS
import DER
import DeviceCrypto
import Foundation
import PKIX
import SCEP
import TestSupport
import Testing

/// The next certificates of ``World``'s authorities, made once.
private struct NextWorld: Sendable {
    let world: World
    /// Another key under the same name, self-signed; and the same in a certificate of the root's.
    let next: OpenSSLIdentity
    let linked: OpenSSLIdentity
    /// Of the same root.
    let nextIntermediate: OpenSSLIdentity
    /// Of the next root.
    let ra: OpenSSLIdentity
    /// No authority.
    let device: OpenSSLIdentity
    /// An authority that nobody knows the issuer of.
    let orphan: OpenSSLIdentity

    init() throws {
        world = try World.one
        next = try OpenSSLIdentity(subject: "/O=Example/CN=Root", extensions: ["keyUsage=critical,keyCertSign"])
        linked = try OpenSSLIdentity(
            subject: "/O=Example/CN=Root", for: TestKey(pem: next.key), issuedBy: world.root,
            extensions: World.authority)
        nextIntermediate = try OpenSSLIdentity(
            subject: "/O=Example/CN=Intermediate 2", issuedBy: world.root, extensions: World.authority)
        ra = try OpenSSLIdentity(
            subject: "/CN=RA 2", for: TestKey.rsa, issuedBy: next, extensions: ["keyUsage=keyEncipherment"])
        device = try OpenSSLIdentity(
            subject: "/CN=sensor", for: TestKey.p256, extensions: ["basicConstraints=CA:FALSE"])
        orphan = try OpenSSLIdentity(
            subject: "/CN=Orphan", for: TestKey.p256, issuedBy: world.impostor, extensions: World.authority)
    }

    private static let shared = Result { try NextWorld() }

    static var one: NextWorld {
        get throws { try shared.get() }
    }
}

/// A reply of openssl's: `content` signed by `signer`.
func signed(_ content: [UInt8], by signer: OpenSSLIdentity, _ options: [String] = []) throws -> [UInt8] {
    try withTemporaryDirectory { directory in
        try OpenSSL.run(
            [
                "cms", "-sign", "-binary", "-nodetach", "-nosmimecap", "-outform", "DER",
                "-signer", directory.write(signer.certificate, to: "crt"),
                "-inkey", directory.write(signer.key, to: "key"),
            ] + options, input: content)
    }
}

func signed(_ certificates: [OpenSSLIdentity], by signer: OpenSSLIdentity, _ options: [String] = [])
    throws -> [UInt8]
{
    try signed(OpenSSLIdentity.bundle(certificates), by: signer, options)
}

@Suite struct GetNextCACertTests {
    private func accepted(
        _ body: [UInt8], trusting: [OpenSSLIdentity]? = nil, policy: Policy = Policy(), moment: Moment = .unknown
    ) throws -> [UInt8] {
        var policy = policy
        var work = [0xA5, 0xA5] + body + [0xA5]
        let current = try (trusting ?? [World.one.root, World.one.intermediate, World.one.ra]).flatMap(\.der)
        let kept: Range<Int>
        do {
            var bytes = work.mutableSpan
            kept = try GetNextCACert.accept(
                &bytes, body: 2..<(2 + body.count), from: CACertificates(current.span), policy: &policy, moment: moment)
        }
        #expect(work.prefix(2) == [0xA5, 0xA5] && work.last == 0xA5)
        return Array(work[kept])
    }

    @Test func newAuthoritiesAreKept() throws {
        let one = try NextWorld.one
        let world = one.world
        let rows: [(sent: [OpenSSLIdentity], kept: [OpenSSLIdentity])] = [
            ([one.next], [one.next]),
            // With its RA, which needs no mark, in whatever order.
            ([one.ra, one.next], [one.ra, one.next]), ([one.next, one.ra], [one.next, one.ra]),
            // In a certificate of the current one's key as well.
            ([one.linked, one.next], [one.linked, one.next]), ([one.linked], [one.linked]),
            // Under the same root, which is there too, and is not new.
            ([one.nextIntermediate, world.root], [one.nextIntermediate]),
            ([world.root, world.intermediate, one.nextIntermediate], [one.nextIntermediate]),
            // Who is no authority, or hangs from nobody, is passed over; and who comes twice.
            ([one.device, one.next, one.orphan, one.next, world.ec], [one.next, world.ec]),
        ]
        for signer in [world.root, world.intermediate] {
            for (sent, kept) in rows {
                #expect(try accepted(signed(sent, by: signer)) == kept.flatMap(\.der))
            }
        }
    }

    @Test func whatWasKeptServes() throws {
        let one = try NextWorld.one
        let kept = try accepted(signed([one.next, one.ra], by: one.world.root))
        let ca = CACertificates(kept.span)
        var policy = Policy()
        let (issuer, recipient) = (
            try ca.issuingCertificate().encoding.array,
            try ca.encryptionCertificate(canDecrypt: true, policy: &policy).encoding.array
        )
        #expect(issuer == one.next.der && recipient == one.ra.der)
        // A later GetCACert brings them by themselves, and the pin on the current one is no way to them.
        let bundle = try OpenSSLIdentity.bundle([one.next])
        let pin = try one.world.root.fingerprint()
        #expect(try SCEPTests.accepted(bundle, pin, known: kept) == one.next.der)
        #expect(throws: SCEPError.fingerprintMismatch) { try SCEPTests.accepted(bundle, pin) }
    }

    /// In BER, with other digests, without the signer's certificate, or naming the signer's key.
    @Test(
        arguments: [
            ["-stream"], ["-nocerts"], ["-keyid"], ["-md", "sha384"], ["-md", "sha512"],
        ])
    func otherFormsAreRead(options: [String]) throws {
        let one = try NextWorld.one
        #expect(try accepted(signed([one.next], by: one.world.root, options)) == one.next.der)
    }

    /// One server calls what it encloses signedData, against RFC 8894, 4.7.1: it is signed all the same.
    @Test func whatIsEnclosedMayBeCalledThat() throws {
        let one = try NextWorld.one
        func message(_ type: String) throws -> [UInt8] {
            try signed([one.next], by: one.world.root, ["-econtent_type", type])
        }
        #expect(try accepted(message("1.2.840.113549.1.7.2")) == one.next.der)
        for type in ["1.2.840.113549.1.7.3", "1.2.840.113549.1.9.16.1.4"] {
            #expect {
                try accepted(message(type))
            } throws: {
                guard case .reply(let error) = $0 as? SCEPError else { return false }
                return error.kind == .unexpectedContentType
            }
        }
    }

    @Test func ellipticCurveAuthoritiesSign() throws {
        let one = try NextWorld.one
        let ec = one.world.ec
        #expect(try accepted(signed([one.next], by: ec), trusting: [ec]) == one.next.der)
    }

    @Test func whoSignsIsJudged() throws {
        let one = try NextWorld.one
        let world = one.world
        // A registration authority, a stranger, the next one itself, nobody.
        for signer in [world.ra, world.impostor, one.next, one.device] {
            let key = signer.der == one.device.der ? try TestKey.p256.pem : signer.key
            let signer = try OpenSSLIdentity(key: key, pem: signer.certificate)
            #expect(throws: SCEPError.nextCANotSigned) { try accepted(signed([one.next], by: signer)) }
        }
        #expect(throws: SCEPError.nextCANotSigned) { try accepted(OpenSSLIdentity.bundle([one.next])) }
        let good = try signed([one.next], by: world.root)
        #expect(throws: SCEPError.nextCANotSigned) { try accepted(good, trusting: []) }
        #expect(throws: SCEPError.nextCANotSigned) { try accepted(good, trusting: [world.intermediate]) }
        // Another content under a true signature, and another signature.
        var changed = good
        let content = try #require(changed.firstRange(of: one.next.der))
        changed[content.lowerBound + 30] ^= 1
        #expect(throws: SCEPError.invalidSignature) { try accepted(changed) }
        changed = good
        changed[good.count - 1] ^= 1
        #expect(throws: SCEPError.invalidSignature) { try accepted(changed) }
        // A digest that is too weak.
        let weak = try signed([one.next], by: world.root, ["-md", "sha1"])
        #expect(throws: SCEPError.belowFloor(.sha1)) { try accepted(weak) }
        #expect(try accepted(weak, policy: Policy(digestFloor: .sha1)) == one.next.der)
    }

    @Test func whatIsInItIsJudged() throws {
        let one = try NextWorld.one
        let world = one.world
        // Nothing new, no authority, none that somebody made.
        for identities in [
            [world.root], [world.root, world.intermediate, world.ra], [one.device], [one.orphan], [one.ra],
        ] {
            #expect(throws: SCEPError.nextCAInvalid) { try accepted(signed(identities, by: world.root)) }
        }
        let empty = [UInt8](hex: "3023 06092A864886F70D010702 A016 3014 020101 3100 300B 06092A864886F70D010701 3100")
        #expect(throws: SCEPError.nextCAInvalid) { try accepted(signed(empty, by: world.root)) }
        // A critical extension that is not judged here (RFC 5280, 4.2).
        let limited = try OpenSSLIdentity(
            subject: "/CN=Limited", for: TestKey.rsa,
            extensions: ["nameConstraints=critical,permitted;DNS:example"])
        #expect(throws: SCEPError.nextCAInvalid) { try accepted(signed([limited], by: world.root)) }
        // One whose key signs no certificates.
        let other = try OpenSSLIdentity(
            subject: "/CN=Other", for: TestKey.rsa, extensions: ["keyUsage=critical,cRLSign"])
        #expect(throws: SCEPError.nextCAInvalid) { try accepted(signed([other], by: world.root)) }
        // One that says that it signed itself, and did not.
        var forged = one.next.der
        forged[forged.count - 1] ^= 1
        let bundle = try OpenSSLIdentity.bundle([one.next])
        var content = bundle
        content.replaceSubrange(try #require(bundle.firstRange(of: one.next.der)), with: forged)
        #expect(throws: SCEPError.nextCAInvalid) { try accepted(signed(content, by: world.root)) }
        // More than are looked at.
        let many = Array(repeating: world.ec, count: 9)
        #expect(throws: SCEPError.tooManyCACertificates) { try accepted(signed(many, by: world.root)) }
    }

    @Test func theContentIsDue() throws {
        let world = try World.one
        for content in [[], Array("<html>".utf8), try NextWorld.one.next.der, [0x30, 0x00]] {
            #expect {
                try accepted(signed(content, by: world.root))
            } throws: {
                guard case .reply = $0 as? SCEPError else { return false }
                return true
            }
        }
        for body in [[], Array("<html>".utf8), world.root.der] {
            #expect {
                try accepted(body)
            } throws: {
                switch $0 as? SCEPError {
                case .reply, .notDER: true
                default: false
                }
            }
        }
    }

    /// It may begin later, which is what it is for; it may not be over.
    @Test func timesCountWhereTheyAreKnown() throws {
        let one = try NextWorld.one
        let body = try signed([one.ra, one.next], by: one.world.root)
        let kept = one.ra.der + one.next.der
        let ends = try [one.next, one.ra, one.world.root].map { try Certificate($0.der.span).notAfter }
        let (end, first) = (ends[0], ends.min() ?? 0)
        for moment in [.unknown, .exact(0), .exact(.min), .atLeast(0), .exact(first)] as [Moment] {
            #expect(try accepted(body, moment: moment) == kept)
        }
        // Whoever is over himself vouches for nobody.
        for moment in [.exact(end + 1), .exact(4_294_967_296), .atLeast(.max)] as [Moment] {
            #expect(throws: SCEPError.signerExpired) { try accepted(body, moment: moment) }
        }
        let short = try OpenSSLIdentity(
            subject: "/CN=Short", newKey: ["rsa:2048", "-days", "1"], extensions: ["keyUsage=critical,keyCertSign"])
        let over = try Certificate(short.der.span).notAfter + 1
        #expect(throws: SCEPError.caCertificateExpired) {
            try accepted(signed([short], by: one.world.root), moment: .exact(over))
        }
    }

    @Test func damagedRepliesDoNotTrap() throws {
        let one = try NextWorld.one
        let body = try signed([one.next], by: one.world.root)
        for count in body.indices where count % 7 == 0 {
            #expect(throws: SCEPError.self) { try accepted(Array(body[..<count])) }
        }
        for position in body.indices where position % 5 == 0 {
            var damaged = body
            damaged[position] ^= 1 << UInt8(position % 8)
            guard let kept = try? accepted(damaged) else { continue }
            // What the signature does not cover.
            #expect(kept == one.next.der, "byte \(position)")
        }
    }
}
