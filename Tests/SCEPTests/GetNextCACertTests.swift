import CMS
import DER
import DeviceCrypto
import Foundation
import PKIX
import SCEP
import TestSupport
import Testing

/// The next certificates of ``Hierarchy``'s authorities, made once.
private struct NextHierarchy: Sendable {
    let hierarchy: Hierarchy
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
        hierarchy = try Hierarchy.one
        next = try OpenSSLIdentity(subject: "/O=Example/CN=Root", extensions: ["keyUsage=critical,keyCertSign"])
        linked = try OpenSSLIdentity(
            subject: "/O=Example/CN=Root", for: TestKey(pem: next.key), issuedBy: hierarchy.root,
            extensions: Hierarchy.authority)
        nextIntermediate = try OpenSSLIdentity(
            subject: "/O=Example/CN=Intermediate 2", issuedBy: hierarchy.root, extensions: Hierarchy.authority)
        ra = try OpenSSLIdentity(
            subject: "/CN=RA 2", for: TestKey.rsa, issuedBy: next, extensions: ["keyUsage=keyEncipherment"])
        device = try OpenSSLIdentity(
            subject: "/CN=sensor", for: TestKey.p256, extensions: ["basicConstraints=CA:FALSE"])
        orphan = try OpenSSLIdentity(
            subject: "/CN=Orphan", for: TestKey.p256, issuedBy: hierarchy.impostor, extensions: Hierarchy.authority)
    }

    private static let shared = Result { try NextHierarchy() }

    static var one: NextHierarchy {
        get throws { try shared.get() }
    }
}

/// A reply of openssl's: `content` signed by `signer`.
func signed(_ content: [UInt8], by signer: OpenSSLIdentity, _ options: [String] = []) throws -> [UInt8] {
    try signer.sign(content, ["-nosmimecap"] + options)
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
        let current = try (trusting ?? [Hierarchy.one.root, Hierarchy.one.intermediate, Hierarchy.one.ra]).flatMap(
            \.der)
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
        let one = try NextHierarchy.one
        let hierarchy = one.hierarchy
        let rows: [(sent: [OpenSSLIdentity], kept: [OpenSSLIdentity])] = [
            ([one.next], [one.next]),
            // With its RA, which needs no mark, in whatever order.
            ([one.ra, one.next], [one.ra, one.next]), ([one.next, one.ra], [one.next, one.ra]),
            // In a certificate of the current one's key as well.
            ([one.linked, one.next], [one.linked, one.next]), ([one.linked], [one.linked]),
            // Under the same root, which is there too, and is not new.
            ([one.nextIntermediate, hierarchy.root], [one.nextIntermediate]),
            ([hierarchy.root, hierarchy.intermediate, one.nextIntermediate], [one.nextIntermediate]),
            // Who is no authority, or was issued by nobody here, is passed over; and who comes twice.
            ([one.device, one.next, one.orphan, one.next, hierarchy.ec], [one.next, hierarchy.ec]),
        ]
        for signer in [hierarchy.root, hierarchy.intermediate] {
            for (sent, kept) in rows {
                #expect(try accepted(signed(sent, by: signer)) == kept.flatMap(\.der))
            }
        }
    }

    @Test func whatWasKeptServes() throws {
        let one = try NextHierarchy.one
        let kept = try accepted(signed([one.next, one.ra], by: one.hierarchy.root))
        let ca = CACertificates(kept.span)
        var policy = Policy()
        let (issuer, recipient) = (
            try ca.issuingCertificate().encoding.array,
            try ca.encryptionCertificate(canDecrypt: true, policy: &policy).encoding.array
        )
        #expect(issuer == one.next.der && recipient == one.ra.der)
        // A later GetCACert brings them by themselves, and the pin on the current one is no way to them.
        let bundle = try OpenSSLIdentity.bundle([one.next])
        let pin = try one.hierarchy.root.fingerprint()
        #expect(try SCEPTests.accepted(bundle, pin, known: kept) == one.next.der)
        #expect(throws: SCEPError.fingerprintMismatch) { try SCEPTests.accepted(bundle, pin) }
    }

    /// In BER, with other digests, without the signer's certificate, or naming the signer's key.
    @Test(
        arguments: [
            ["-stream"], ["-nocerts"], ["-keyid"], ["-md", "sha384"], ["-md", "sha512"],
        ])
    func otherFormsAreRead(options: [String]) throws {
        let one = try NextHierarchy.one
        #expect(try accepted(signed([one.next], by: one.hierarchy.root, options)) == one.next.der)
    }

    /// The identifier of a key tells no certificate from another: the signer is sought among all that are trusted.
    @Test func signerNamedByItsKeyIsSoughtAmongAll() throws {
        let one = try NextHierarchy.one
        let (root, ec, intermediate) = (one.hierarchy.root, one.hierarchy.ec, one.hierarchy.intermediate)
        let body = try signed([one.next], by: root, ["-keyid"])
        for trusted in [[root, intermediate], [intermediate, root], [ec, root], [intermediate, ec, root]] {
            #expect(try accepted(body, trusting: trusted) == one.next.der)
        }
        #expect(throws: SCEPError.self) { try accepted(body, trusting: [ec, intermediate]) }
    }

    /// One server calls what it encloses signedData, against RFC 8894, 4.7.1: it is signed all the same.
    @Test func whatIsEnclosedMayBeCalledThat() throws {
        let one = try NextHierarchy.one
        func message(_ type: String) throws -> [UInt8] {
            try signed([one.next], by: one.hierarchy.root, ["-econtent_type", type])
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
        let one = try NextHierarchy.one
        let ec = one.hierarchy.ec
        #expect(try accepted(signed([one.next], by: ec), trusting: [ec]) == one.next.der)
    }

    @Test func whoSignsIsChecked() throws {
        let one = try NextHierarchy.one
        let hierarchy = one.hierarchy
        // A registration authority, a stranger, the next one itself, nobody.
        for signer in [hierarchy.ra, hierarchy.impostor, one.next, one.device] {
            let key = signer.der == one.device.der ? try TestKey.p256.pem : signer.key
            let signer = try OpenSSLIdentity(key: key, pem: signer.certificate)
            #expect(throws: SCEPError.nextCANotSigned) { try accepted(signed([one.next], by: signer)) }
        }
        #expect(throws: SCEPError.nextCANotSigned) { try accepted(OpenSSLIdentity.bundle([one.next])) }
        let good = try signed([one.next], by: hierarchy.root)
        #expect(throws: SCEPError.nextCANotSigned) { try accepted(good, trusting: []) }
        #expect(throws: SCEPError.nextCANotSigned) { try accepted(good, trusting: [hierarchy.intermediate]) }
        // Another content under a true signature, and another signature.
        var changed = good
        let content = try #require(changed.firstRange(of: one.next.der))
        changed[content.lowerBound + 30] ^= 1
        #expect(throws: SCEPError.invalidSignature) { try accepted(changed) }
        changed = good
        changed[good.count - 1] ^= 1
        #expect(throws: SCEPError.invalidSignature) { try accepted(changed) }
        // A digest that is too weak.
        let weak = try signed([one.next], by: hierarchy.root, ["-md", "sha1"])
        #expect(throws: SCEPError.belowFloor(.sha1)) { try accepted(weak) }
        #expect(try accepted(weak, policy: Policy(digestFloor: .sha1)) == one.next.der)
    }

    @Test func whatIsInItIsChecked() throws {
        let one = try NextHierarchy.one
        let hierarchy = one.hierarchy
        // Nothing new, no authority, none that somebody made.
        for identities in [
            [hierarchy.root], [hierarchy.root, hierarchy.intermediate, hierarchy.ra], [one.device], [one.orphan],
            [one.ra],
        ] {
            #expect(throws: SCEPError.nextCAInvalid) { try accepted(signed(identities, by: hierarchy.root)) }
        }
        let empty = [UInt8](hex: "3023 06092A864886F70D010702 A016 3014 020101 3100 300B 06092A864886F70D010701 3100")
        #expect(throws: SCEPError.nextCAInvalid) { try accepted(signed(empty, by: hierarchy.root)) }
        // A critical extension that is not checked here (RFC 5280, 4.2).
        let limited = try OpenSSLIdentity(
            subject: "/CN=Limited", for: TestKey.rsa,
            extensions: ["nameConstraints=critical,permitted;DNS:example"])
        #expect(throws: SCEPError.nextCAInvalid) { try accepted(signed([limited], by: hierarchy.root)) }
        // One whose key signs no certificates.
        let other = try OpenSSLIdentity(
            subject: "/CN=Other", for: TestKey.rsa, extensions: ["keyUsage=critical,cRLSign"])
        #expect(throws: SCEPError.nextCAInvalid) { try accepted(signed([other], by: hierarchy.root)) }
        // One that says that it signed itself, and did not.
        var forged = one.next.der
        forged[forged.count - 1] ^= 1
        let bundle = try OpenSSLIdentity.bundle([one.next])
        var content = bundle
        content.replaceSubrange(try #require(bundle.firstRange(of: one.next.der)), with: forged)
        #expect(throws: SCEPError.nextCAInvalid) { try accepted(signed(content, by: hierarchy.root)) }
        // More than are looked at.
        let many = Array(repeating: hierarchy.ec, count: 9)
        #expect(throws: SCEPError.tooManyCACertificates) { try accepted(signed(many, by: hierarchy.root)) }
    }

    /// What speaks against a next CA is said of it alone, and is in nobody's way beside one that nothing speaks against.
    @Test func aNextCAIsCheckedByItself() throws {
        let one = try NextHierarchy.one
        let root = one.hierarchy.root
        let weak = try OpenSSLIdentity(
            subject: "/CN=Weak", newKey: ["rsa:1024"], extensions: ["keyUsage=critical,keyCertSign"])
        let short = try OpenSSLIdentity(
            subject: "/CN=Short", newKey: ["rsa:2048", "-days", "1"], extensions: ["keyUsage=critical,keyCertSign"])
        let over = try Certificate(short.der.span).notAfter + 1
        let old = try withTemporaryDirectory { directory in
            let file = try directory.write(TestKey.rsa.pem, to: "key")
            let request = try OpenSSL.run(["req", "-new", "-subj", "/CN=Old", "-key", file])
            return try OpenSSLIdentity(
                key: TestKey.rsa.pem,
                pem: OpenSSL.run(["x509", "-req", "-days", "30", "-signkey", file], input: request))
        }
        #expect(try Certificate(old.der.span).version == 1)
        for (identity, moment, error) in [
            (weak, .unknown, .caKeyUnusable(.rsaSize(bits: 1024))), (old, .unknown, .nextCAInvalid),
            (short, .exact(over), .caCertificateExpired), (short, .atLeast(over), .caCertificateExpired),
        ] as [(OpenSSLIdentity, Moment, SCEPError)] {
            #expect(throws: error) { try accepted(signed([identity], by: root), moment: moment) }
            for both in [[identity, one.next], [one.next, identity]] {
                #expect(try accepted(signed(both, by: root), moment: moment) == one.next.der)
            }
        }
        #expect(try accepted(signed([short], by: root), moment: .exact(over - 1)) == short.der)
    }

    /// A CA of the current one's has to have space in its path (RFC 5280, 4.2.1.9).
    @Test(arguments: [(0, false), (1, true)]) func pathLengthsOfTheCurrentCAHold(length: Int, isThere: Bool) throws {
        let current = try OpenSSLIdentity(
            subject: "/CN=Current", for: TestKey.rsa,
            extensions: ["basicConstraints=critical,CA:TRUE,pathlen:\(length)", "keyUsage=critical,keyCertSign"])
        let next = try OpenSSLIdentity(
            subject: "/CN=Next", for: TestKey.p256, issuedBy: current, extensions: Hierarchy.authority)
        let further = try OpenSSLIdentity(
            subject: "/CN=Further", for: TestKey.p256, issuedBy: next, extensions: Hierarchy.authority)
        let device = try OpenSSLIdentity(subject: "/CN=x", for: TestKey.p256, issuedBy: next)
        #expect(try isVerified(device, by: [next], under: current) == isThere)
        let body = try signed([further, next], by: current)
        if isThere {
            #expect(try accepted(signed([next], by: current), trusting: [current]) == next.der)
            // The current CA is none of these, so that what it says of the path is not known below the next.
            #expect(try accepted(body, trusting: [current]) == further.der + next.der)
        } else {
            #expect(throws: SCEPError.nextCAInvalid) { try accepted(body, trusting: [current]) }
        }
    }

    /// Whom the next CA issued is checked like anybody, but for what the current CA vouches for with its signature.
    @Test func whomTheNextCAIssuedIsChecked() throws {
        let one = try NextHierarchy.one
        func below(
            _ extensions: [String], _ options: [String] = [], key: TestKey? = nil, by issuer: OpenSSLIdentity? = nil
        ) throws -> OpenSSLIdentity {
            try OpenSSLIdentity(
                subject: "/CN=Below", for: key ?? TestKey.rsa, issuedBy: issuer ?? one.next, extensions: extensions,
                options: options)
        }
        let isCA = "basicConstraints=critical,CA:TRUE"
        let short = try below(["keyUsage=keyEncipherment"], ["-days", "1"])
        let end = try Certificate(short.der.span).notAfter
        let rows: [(OpenSSLIdentity, Moment, isKept: Bool)] = [
            // A CA needs no keyUsage.
            (try below([isCA]), .unknown, true), (try below(Hierarchy.authority), .unknown, true),
            (short, .exact(end), true), (short, .exact(end + 1), false), (short, .exact(0), true),
            (try below(["keyUsage=keyEncipherment"], ["-sha1"]), .unknown, false),
            (try below(["keyUsage=keyEncipherment"], ["-sha224"]), .unknown, false),
            (try below([isCA, "keyUsage=digitalSignature"]), .unknown, false),
            (try below(["nameConstraints=critical,permitted;DNS:example"]), .unknown, false),
            (try below(Hierarchy.authority + ["extendedKeyUsage=critical,clientAuth"]), .unknown, false),
            (try below(["keyUsage=keyEncipherment"], by: one.hierarchy.impostor), .unknown, false),
        ]
        for (number, (identity, moment, isKept)) in rows.enumerated() {
            let kept = try accepted(signed([identity, one.next], by: one.hierarchy.root), moment: moment)
            #expect(kept == (isKept ? identity.der : []) + one.next.der, "row \(number)")
        }
        let lenient = Policy(digestFloor: .sha1)
        let weak = rows[5].0
        #expect(
            try accepted(signed([weak, one.next], by: one.hierarchy.root), policy: lenient) == weak.der + one.next.der)
        // Without its RA the CA would be asked in a way that it does not expect.
        let unusable = try below(["keyUsage=keyEncipherment"], key: TestKey(pem: OpenSSL.run(["genrsa", "1024"])))
        #expect(throws: SCEPError.caKeyUnusable(.rsaSize(bits: 1024))) {
            try accepted(signed([unusable, one.next], by: one.hierarchy.root))
        }
    }

    @Test func eightAreLookedAt() throws {
        let one = try NextHierarchy.one
        let many = Array(repeating: one.orphan, count: 7)
        #expect(try accepted(signed(many + [one.next], by: one.hierarchy.root)) == one.next.der)
    }

    @Test func theContentIsDue() throws {
        let hierarchy = try Hierarchy.one
        for content in [[], Array("<html>".utf8), try NextHierarchy.one.next.der, [0x30, 0x00]] {
            #expect {
                try accepted(signed(content, by: hierarchy.root))
            } throws: {
                guard case .reply = $0 as? SCEPError else { return false }
                return true
            }
        }
        // The certificates are signed, and left out.
        let detached = try withTemporaryDirectory { directory in
            try OpenSSL.run(
                [
                    "cms", "-sign", "-binary", "-outform", "DER", "-signer",
                    directory.write(hierarchy.root.certificate, to: "crt"), "-inkey",
                    directory.write(hierarchy.root.key, to: "key"),
                ], input: [])
        }
        #expect {
            try accepted(detached)
        } throws: {
            guard case .reply = $0 as? SCEPError else { return false }
            return true
        }
        for body in [[], Array("<html>".utf8), hierarchy.root.der] {
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
        let one = try NextHierarchy.one
        let body = try signed([one.ra, one.next], by: one.hierarchy.root)
        let kept = one.ra.der + one.next.der
        let ends = try [one.next, one.ra, one.hierarchy.root].map { try Certificate($0.der.span).notAfter }
        let (end, first) = (ends[0], ends.min() ?? 0)
        for moment in [.unknown, .exact(0), .exact(.min), .atLeast(0), .exact(first)] as [Moment] {
            #expect(try accepted(body, moment: moment) == kept)
        }
        // Whoever has expired himself vouches for nobody.
        for moment in [.exact(end + 1), .exact(4_294_967_296), .atLeast(.max)] as [Moment] {
            #expect(throws: SCEPError.signerExpired) { try accepted(body, moment: moment) }
        }
        let short = try OpenSSLIdentity(
            subject: "/CN=Short", newKey: ["rsa:2048", "-days", "1"], extensions: ["keyUsage=critical,keyCertSign"])
        let over = try Certificate(short.der.span).notAfter + 1
        #expect(throws: SCEPError.caCertificateExpired) {
            try accepted(signed([short], by: one.hierarchy.root), moment: .exact(over))
        }
    }

    @Test func damagedRepliesDoNotTrap() throws {
        let one = try NextHierarchy.one
        let body = try signed([one.next], by: one.hierarchy.root)
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
