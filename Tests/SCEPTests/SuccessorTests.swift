import DeviceCrypto
import PKIX
import SCEP
import TestSupport
import Testing

/// A CA that follows itself: renewed with its own key, by a link certificate, or by nothing that the old one signed.
@Suite struct SuccessorTests {
    private struct Family: Sendable {
        let root: OpenSSLIdentity
        /// Of the same key and name.
        let renewed: OpenSSLIdentity
        /// Of a new key, self-signed, and in a certificate that the old key signed: NewWithOld (RFC 4210, 4.4).
        let next: OpenSSLIdentity
        let link: OpenSSLIdentity
        /// The old key in a certificate that the new one signed: OldWithNew.
        let back: OpenSSLIdentity
        let ra: OpenSSLIdentity
        let nextRA: OpenSSLIdentity
        /// Of the same name, and nobody's successor.
        let impostor: OpenSSLIdentity

        init() throws {
            let usage = ["keyUsage=critical,keyCertSign,cRLSign"]
            let name = "/O=Example/CN=Example CA"
            root = try OpenSSLIdentity(subject: name, extensions: usage)
            renewed = try OpenSSLIdentity(subject: name, for: TestKey(pem: root.key), extensions: usage)
            next = try OpenSSLIdentity(subject: name, extensions: usage)
            link = try OpenSSLIdentity(
                subject: name, for: TestKey(pem: next.key), issuedBy: root, extensions: Hierarchy.authority)
            back = try OpenSSLIdentity(
                subject: name, for: TestKey(pem: root.key), issuedBy: next, extensions: Hierarchy.authority)
            impostor = try OpenSSLIdentity(subject: name, extensions: usage)
            let encryption = ["keyUsage=keyEncipherment", Hierarchy.mark]
            ra = try OpenSSLIdentity(subject: "/CN=RA", for: TestKey.rsa, issuedBy: renewed, extensions: encryption)
            nextRA = try OpenSSLIdentity(subject: "/CN=RA", for: TestKey.rsa, issuedBy: next, extensions: encryption)
        }
    }

    private static let family = Result { try Family() }

    /// The pin is on the old certificate, which is in the reply no longer.
    @Test func theSuccessorsOfTheKnownAreAnchors() throws {
        let family = try Self.family.get()
        let rows: [(sent: [OpenSSLIdentity], kept: [OpenSSLIdentity])] = [
            ([family.renewed], [family.renewed]), ([family.ra, family.renewed], [family.ra, family.renewed]),
            ([family.link], [family.link]), ([family.next, family.link], [family.next, family.link]),
            ([family.nextRA, family.next, family.link], [family.nextRA, family.next, family.link]),
            ([family.impostor, family.renewed], [family.renewed]),
        ]
        for (sent, kept) in rows {
            let (accepted, bytes, used) = try acceptance(sent, [family.root], known: [family.root])
            #expect(bytes == kept.flatMap(\.der) && accepted.continuesKnown && used == Leniency())
            #expect(try anchor(bytes, family.root.fingerprint()) == Anchor())
            // Only pins count where the known are not trusted, or nobody is known.
            #expect(throws: SCEPError.fingerprintMismatch) {
                try acceptance(sent, [family.root], known: [family.root], trustsKnown: false)
            }
            #expect(throws: SCEPError.fingerprintMismatch) { try acceptance(sent, [family.root]) }
        }
        // openssl agrees on what the old one vouches for.
        #expect(try isVerified(family.link, by: [], under: family.root))
        #expect(try !isVerified(family.next, by: [], under: family.root))
        for stranger in [[family.impostor], [family.next], [family.back], [family.nextRA, family.next]] {
            #expect(throws: SCEPError.fingerprintMismatch) {
                try acceptance(stranger, [family.root], known: [family.root])
            }
        }
    }

    /// The operator pins the new certificate: whether it is the same CA is told by what the old one signed.
    @Test func aNewPinMayContinueTheKnown() throws {
        let family = try Self.family.get()
        let rows: [(pin: OpenSSLIdentity, sent: [OpenSSLIdentity], continues: Bool)] = [
            (family.root, [family.root], true), (family.renewed, [family.renewed], true),
            (family.next, [family.next, family.link], true), (family.link, [family.link], true),
            (family.next, [family.next], false), (family.impostor, [family.impostor], false),
            // A link to somebody else says nothing of the impostor.
            (family.impostor, [family.impostor, family.link], false),
            // That the new one vouches for the old is no word of the old one's.
            (family.next, [family.next, family.back], false), (family.impostor, [family.impostor, family.root], false),
        ]
        for (pin, sent, continues) in rows {
            let (accepted, kept, _) = try acceptance(sent, [pin], known: [family.root], trustsKnown: false)
            #expect(accepted.continuesKnown == continues)
            #expect(kept.firstRange(of: pin.der) != nil)
            let text = try pin.fingerprint("sha512")
            #expect(isNamed(anchor(kept, text), by: text))
        }
        #expect(try !acceptance([family.root], [family.root]).accepted.continuesKnown)
    }

    /// A renewed certificate that has expired, or not yet valid, or weak, is none.
    @Test func successorsAreCheckedAsOthersAre() throws {
        let family = try Self.family.get()
        let end = try Certificate(family.link.der.span).notAfter
        #expect(throws: SCEPError.fingerprintMismatch) {
            try acceptance([family.link], [family.root], known: [family.root], moment: .exact(end + 1))
        }
        let name = "/O=Example/CN=Example CA"
        let key = TestKey(pem: family.root.key)
        let others = [
            try OpenSSLIdentity(
                subject: name, for: key, issuedBy: family.root, extensions: Hierarchy.authority, options: ["-sha1"]),
            try OpenSSLIdentity(
                subject: name, for: key, issuedBy: family.root,
                extensions: Hierarchy.authority + ["policyConstraints=critical,requireExplicitPolicy:0"]),
            try OpenSSLIdentity(
                subject: name, for: key, issuedBy: family.root,
                extensions: ["basicConstraints=critical,CA:TRUE", "keyUsage=cRLSign"]),
            try OpenSSLIdentity(
                subject: name, for: TestKey(pem: OpenSSL.run(["genrsa", "1024"])), issuedBy: family.root,
                extensions: Hierarchy.authority),
            try OpenSSLIdentity(subject: "/CN=Other", for: key, issuedBy: family.root, extensions: Hierarchy.authority),
            // Of its name, and an RA's.
            try OpenSSLIdentity(
                subject: name, for: TestKey.rsa, issuedBy: family.root,
                extensions: ["keyUsage=keyEncipherment", Hierarchy.mark]),
        ]
        for other in others {
            #expect(throws: SCEPError.fingerprintMismatch) {
                try acceptance([other], [family.root], known: [family.root])
            }
        }
        #expect(
            try acceptance([others[0]], [family.root], known: [family.root], policy: Policy(digestFloor: .sha1)).kept
                == others[0].der)
    }

    @Test func anAnchorIsFoundAmongFingerprints() throws {
        let family = try Self.family.get()
        let short = try family.root.fingerprint()
        let long = try family.root.fingerprint("sha512")
        let other = try family.impostor.fingerprint()
        let rows = [
            (short, true), (long, true), (short.lowercased().filter { $0 != ":" }, true), ("\(other),\(long)", true),
            ("\(short),\(other)", true), (other, false), (try family.impostor.fingerprint("sha512"), false),
        ]
        // Whichever of its fingerprints it was given by; another one beside it changes nothing.
        for pin in [short, long, "\(other),\(long)"] {
            for (text, isThere) in rows { #expect(isNamed(anchor(family.root.der, pin), by: text) == isThere) }
        }
    }

    /// Of a fingerprint alone no more is known than the digest that it is.
    @Test func anAnchorIsKnownByItsFingerprint() throws {
        let root = try Self.family.get().root
        let (short, long) = (try root.fingerprint(), try root.fingerprint("sha512"))
        let whole = anchor(root.der, "\(short),\(long)")
        let (byShort, byLong) = (anchor(firstOf: short), anchor(firstOf: long))
        #expect(anchor(firstOf: "\(short),\(long)") == byShort && byShort != byLong && whole != byShort)
        #expect(isNamed(byShort, by: short) && !isNamed(byLong, by: short) && isNamed(byLong, by: long))
        // openssl made the digests.
        let digits = short.replacing(":", with: "").lowercased()
        #expect(byShort.sha256.span.array.hex.lowercased() == String(digits.prefix(32)))
        #expect(byShort.sha256.span.array == whole.sha256.span.array)
        #expect(byLong.sha512.span.array == whole.sha512.span.array)
        #expect(!isNamed(Anchor(), by: "\(short),\(long)"))
    }
}
