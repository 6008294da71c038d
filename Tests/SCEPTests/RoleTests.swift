import DeviceCrypto
import PKIX
import SCEP
import TestSupport
import Testing

/// What is a CA, and what only says so: everywhere where somebody asks.
@Suite struct RoleTests {
    /// A CA that is pinned, and lets anybody below it be one: it has no path length.
    private static let ca = Result {
        try OpenSSLIdentity(subject: "/O=Example/CN=Issuing CA", extensions: ["keyUsage=critical,keyCertSign,cRLSign"])
    }
    /// A device of that CA, which writes cA into every certificate, and says in keyUsage what it is good for.
    private static let device = Result {
        try OpenSSLIdentity(
            subject: "/CN=sensor 6", issuedBy: ca.get(),
            extensions: ["basicConstraints=critical,CA:TRUE", "keyUsage=critical,digitalSignature,keyEncipherment"])
    }
    private static let deviceUnused = ["basicConstraints=critical,CA:TRUE"]

    /// The device's certificate, added to GetCACert by somebody in between.
    @Test func aDeviceThatSaysItIsACAIsSentNothing() throws {
        let (ca, device) = (try Self.ca.get(), try Self.device.get())
        for policy in [Policy(), Policy(allowsUnmarkedRA: true, allowsCAWithoutKeyUsage: true)] {
            let (accepted, kept, used) = try acceptance([device, ca], [ca], policy: policy)
            #expect(kept == ca.der && accepted.reasons == [.notCA] && used == Leniency())
            // The password is encrypted to the CA.
            var policy = policy
            let recipient = try CACertificates(kept.span).encryptionCertificate(canDecrypt: true, policy: &policy)
                .encoding.array
            #expect(recipient == ca.der)
        }
        // OpenSSL does not take it for a CA either.
        let issued = try OpenSSLIdentity(subject: "/CN=sensor 7", for: TestKey.rsa, issuedBy: device)
        #expect(try !isVerified(issued, by: [device], under: ca))
    }

    /// The same where it stands among what is trusted, as it did in what was stored by versions before.
    @Test func whatItSignedIsNotBelieved() throws {
        let (ca, device) = (try Self.ca.get(), try Self.device.get())
        let bytes = device.der + ca.der
        let issued = try OpenSSLIdentity(
            subject: "/CN=sensor 7", for: TestKey.rsa, issuedBy: device, extensions: ["keyUsage=digitalSignature"])
        let trusted = CACertificates(bytes.span)
        let issuing = try trusted.issuingCertificate().encoding.array
        #expect(issuing == ca.der)
        let isIssued = trusted.haveIssued(try Certificate(issued.der.span), mayBeCA: true)
        #expect(!isIssued)
    }

    @Test func itSignsNoNextCA() throws {
        let (ca, device) = (try Self.ca.get(), try Self.device.get())
        let next = try OpenSSLIdentity(subject: "/CN=Next", for: TestKey.rsa, extensions: ["keyUsage=keyCertSign"])
        let bytes = device.der + ca.der
        for (signer, isTaken) in [(ca, true), (device, false)] {
            var work = try signed(OpenSSLIdentity.bundle([next]), by: signer)
            var policy = Policy()
            let error: SCEPError?
            do throws(SCEPError) {
                var buffer = work.mutableSpan
                _ = try GetNextCACert.accept(
                    &buffer, body: 0..<buffer.count, from: CACertificates(bytes.span), policy: &policy, moment: .unknown
                )
                error = nil
            } catch let failure {
                error = failure
            }
            #expect(error == (isTaken ? nil : .nextCANotSigned))
        }
        // Nor is it one.
        let half = try OpenSSLIdentity(
            subject: "/CN=Half", for: TestKey.rsa, extensions: ["keyUsage=critical,digitalSignature"])
        var work = try signed(OpenSSLIdentity.bundle([half]), by: ca)
        var policy = Policy()
        #expect(throws: SCEPError.nextCAInvalid) {
            var buffer = work.mutableSpan
            _ = try GetNextCACert.accept(
                &buffer, body: 0..<buffer.count, from: CACertificates(bytes.span), policy: &policy, moment: .unknown)
        }
    }

    /// A FAILURE, or anything else, signed with it: it is not among the trusted, as ``GetCACert`` leaves it.
    @Test func itAnswersNothing() throws {
        let (ca, device) = (try Self.ca.get(), try Self.device.get())
        let kept = try acceptance([ca, device], [ca]).kept
        #expect(kept == ca.der)
        var reply = Reply(pkiStatus: "2", failInfo: "2")
        reply.content = []
        let message = try reply.signed(by: device)
        #expect(throws: SCEPError.unknownSigner) { try checked(message, trusting: [ca]) }
    }

    /// Marked as an RA it is an RA like any other, and never a CA.
    @Test func aMarkMakesItAnRA() throws {
        let ca = try Self.ca.get()
        let ra = try OpenSSLIdentity(
            subject: "/CN=RA", for: TestKey.rsa, issuedBy: ca,
            extensions: ["basicConstraints=critical,CA:TRUE", "keyUsage=keyEncipherment", Hierarchy.mark])
        let kept = try acceptance([ra, ca], [ca]).kept
        #expect(kept == ra.der + ca.der)
        let issuing = try CACertificates(kept.span).issuingCertificate().encoding.array
        #expect(issuing == ca.der)
        let issued = try OpenSSLIdentity(subject: "/CN=x", for: TestKey.p256, issuedBy: ra)
        let isIssued = CACertificates(kept.span).haveIssued(try Certificate(issued.der.span), mayBeCA: true)
        #expect(!isIssued)
    }

    /// Pinned itself it is not the CA's.
    @Test func aPinDoesNotMakeItACA() throws {
        let (ca, device) = (try Self.ca.get(), try Self.device.get())
        #expect(throws: SCEPError.pinnedIsNotCA) { try acceptance([device, ca], [device]) }
        let kept = try acceptance([device, ca], [device, ca]).kept
        // The operator named it, as a registration authority's: but the anchor is the CA.
        #expect(kept == device.der + ca.der)
        let found = anchor(kept, "\(try device.fingerprint()),\(try ca.fingerprint())")
        #expect(found.sha256.span.array == Array(Hash.digest(.sha256, of: ca.der.span).bytes.array.prefix(16)))
    }

    @Test func aCAWithoutKeyUsageIsANamedLeniency() throws {
        let ca = try Self.ca.get()
        let further = try OpenSSLIdentity(
            subject: "/CN=Further CA", for: TestKey.rsa, issuedBy: ca, extensions: Self.deviceUnused)
        #expect(throws: SCEPError.caWithoutKeyUsage) { try acceptance([further, ca], [ca]) }
        let lenient = try acceptance([further, ca], [ca], policy: Policy(allowsCAWithoutKeyUsage: true))
        #expect(lenient.kept == further.der + ca.der && lenient.used == .caWithoutKeyUsage)
        let pinned = try acceptance([further, ca], [ca, further])
        #expect(pinned.kept == further.der + ca.der && pinned.used == Leniency())
        // A pinned root needs none, nor what it renewed with its own key.
        let root = try OpenSSLIdentity(subject: "/CN=Plain", for: TestKey.rsa)
        let renewed = try OpenSSLIdentity(subject: "/CN=Plain", for: TestKey.rsa)
        #expect(try acceptance([root, renewed], [root]).kept == root.der + renewed.der)
        // But somebody else's key under its name does: there are CAs that give any name to anybody.
        let namesake = try OpenSSLIdentity(
            subject: "/CN=Plain", for: TestKey.p256, issuedBy: root, extensions: Self.deviceUnused)
        #expect(throws: SCEPError.caWithoutKeyUsage) { try acceptance([root, namesake], [root]) }
        #expect(throws: SCEPError.fingerprintMismatch) { try acceptance([namesake], [ca], known: [root]) }
    }

    /// A critical extKeyUsage in a CA's certificate forbids to use it, unless it is pinned; an RA's mark is checked.
    @Test(arguments: ["1.3.6.1.5.5.7.3.28", "clientAuth", "anyExtendedKeyUsage"])
    func criticalExtendedKeyUsages(purpose: String) throws {
        let ca = try Self.ca.get()
        let usage = ["extendedKeyUsage=critical,\(purpose)"]
        let further = try OpenSSLIdentity(
            subject: "/CN=Further CA", for: TestKey.rsa, issuedBy: ca, extensions: Hierarchy.authority + usage)
        let (accepted, kept, _) = try acceptance([further, ca], [ca])
        #expect(kept == ca.der)
        guard case .criticalExtension(let range)? = accepted.reasons.first else {
            Issue.record("\(accepted.reasons)")
            return
        }
        // The reply stands behind one byte.
        #expect(Array(([0xA5] + further.der)[range]) == [0x55, 0x1D, 0x25])
        #expect(accepted.passedOver[0].matters && accepted.passedOver[0].certificate == 1..<(1 + further.der.count))
        #expect(try acceptance([further, ca], [further]).kept == further.der)
        let plain = try OpenSSLIdentity(
            subject: "/CN=Further CA", for: TestKey.rsa, issuedBy: ca,
            extensions: Hierarchy.authority + ["extendedKeyUsage=\(purpose)"])
        #expect(try acceptance([plain, ca], [ca]).kept == plain.der + ca.der)
        let ra = try OpenSSLIdentity(
            subject: "/CN=RA", for: TestKey.rsa, issuedBy: ca, extensions: ["keyUsage=keyEncipherment"] + usage)
        if purpose.hasPrefix("1.3.6") { #expect(try acceptance([ra, ca], [ca]).kept == ra.der + ca.der) }
    }

    /// A root of version 1 says nothing of itself: it is one when it is pinned itself, and nowhere else.
    @Test func versionOneIsForPinnedRoots() throws {
        let old = try Self.versionOne("/CN=Old root", TestKey.rsa)
        #expect(try Certificate(old.der.span).version == 1)
        let ra = try OpenSSLIdentity(
            subject: "/CN=RA", for: TestKey.rsa, issuedBy: old,
            extensions: ["keyUsage=keyEncipherment", Hierarchy.mark])
        #expect(try isVerified(ra, by: [], under: old))
        let (accepted, kept, used) = try acceptance([ra, old], [old])
        #expect(kept == ra.der + old.der && accepted.reasons == [] && used == Leniency())
        let isCA = try Certificate(old.der.span).role
        #expect(isCA == .ca)
        let issuing = try CACertificates(kept.span).issuingCertificate().encoding.array
        #expect(issuing == old.der)
        // Below a pin: of the pinned root's own name and key, of another.
        let ca = try Self.ca.get()
        let twin = try Self.versionOne("/O=Example/CN=Issuing CA", TestKey(pem: ca.key))
        let (other, left, _) = try acceptance([twin, ca, old], [ca], policy: Policy(allowsUnmarkedRA: true))
        #expect(left == ca.der && other.reasons == [.notCA, .notSigned])
        // It is no RA either.
        #expect(throws: SCEPError.fingerprintMismatch) { try acceptance([old], [ca], known: [ca]) }
        #expect(throws: SCEPError.pinnedIsNotCA) {
            let issued = try OpenSSLIdentity(subject: "/CN=x", for: TestKey.rsa, issuedBy: ca, extensions: [])
            #expect(try Certificate(issued.der.span).version == 1)
            return try acceptance([issued], [issued])
        }
    }

    /// A self-signed certificate of version 1.
    private static func versionOne(_ subject: String, _ key: TestKey) throws -> OpenSSLIdentity {
        try withTemporaryDirectory { directory in
            let file = try directory.write(key.pem, to: "key")
            let request = try OpenSSL.run(["req", "-new", "-subj", subject, "-key", file])
            let pem = try OpenSSL.run(["x509", "-req", "-days", "365", "-signkey", file], input: request)
            return try OpenSSLIdentity(key: key.pem, pem: pem)
        }
    }

    /// Certificates that name themselves as their issuers are not counted (RFC 5280, 4.2.1.9).
    @Test(arguments: [(0, false), (1, true)])
    func selfIssuedOnesAreNotCounted(pathLength: Int, isThere: Bool) throws {
        let root = try OpenSSLIdentity(
            subject: "/CN=Top",
            extensions: [
                "basicConstraints=critical,CA:TRUE,pathlen:\(pathLength)", "keyUsage=critical,keyCertSign",
            ])
        let link = try OpenSSLIdentity(subject: "/CN=Top", issuedBy: root, extensions: Hierarchy.authority)
        let below = try OpenSSLIdentity(subject: "/CN=Below", issuedBy: link, extensions: Hierarchy.authority)
        let device = try OpenSSLIdentity(
            subject: "/CN=x", for: TestKey.p256, issuedBy: below, extensions: ["keyUsage=digitalSignature"])
        #expect(try isVerified(device, by: [below, link], under: root) == isThere)
        let (accepted, kept, _) = try acceptance([below, link, root], [root])
        #expect(kept == (isThere ? below.der : []) + link.der + root.der)
        #expect(accepted.reasons == (isThere ? [] : [.pathLength]))
    }
}

/// Whether openssl verifies a certificate by others, up to one that it trusts.
func isVerified(_ leaf: OpenSSLIdentity, by others: [OpenSSLIdentity], under root: OpenSSLIdentity) throws -> Bool {
    try withTemporaryDirectory { directory in
        var arguments = ["verify", "-CAfile", try directory.write(root.certificate, to: "root")]
        if !others.isEmpty {
            arguments += ["-untrusted", try directory.write(others.flatMap(\.certificate), to: "others")]
        }
        let file = try directory.write(leaf.certificate, to: "leaf")
        return (try? OpenSSL.run(arguments + [file])) != nil
    }
}
