import DeviceCrypto
import PKIX
import SCEP
import TestSupport
import Testing

/// Certificates that were seen in the field, and openssl's word for them.
@Suite struct FieldTests {
    private typealias Field = FieldCertificates

    /// TRUE written as 01, as older writers of mbedTLS, Java and Android have it.
    @Test func booleansOfOldWriters() throws {
        let ca = Field.booleanOne
        #expect(try isVerified(ca, by: [], under: ca))
        #expect(ca.der.firstRange(of: [0x01, 0x01, 0x01]) != nil)
        #expect(try acceptance([ca], [ca]).kept == ca.der)
        let role = try Certificate(ca.der.span).role
        #expect(role == .ca)
        // Below a pin, where the certificate is signed as it is.
        let root = try Hierarchy.one.root
        let made = try OpenSSLIdentity(
            subject: "/CN=CA", for: TestKey.rsa, issuedBy: root,
            extensions: ["basicConstraints=critical,DER:3003010101", "keyUsage=critical,keyCertSign"])
        #expect(try isVerified(made, by: [], under: root))
        #expect(try acceptance([made, root], [root]).kept == made.der + root.der)
    }

    /// An issuer's name in another string type than the CA's own.
    @Test func namesInOtherStringTypes() throws {
        let (ca, issued) = (Field.caInUTF8, Field.issuedInPrintable)
        #expect(try isVerified(issued, by: [], under: ca))
        let (name, issuer) = try { () throws -> ([UInt8], [UInt8]) in
            (try Certificate(ca.der.span).subject.array, try Certificate(issued.der.span).issuer.array)
        }()
        #expect(name != issuer)
        let isIssued = CACertificates(ca.der.span).haveIssued(try Certificate(issued.der.span), mayBeCA: false)
        #expect(isIssued)
        // As GetCert looks for it.
        let number = try Certificate(issued.der.span).serialNumber.array
        let place = try IssuedCertificate.find(
            issued.der.span, in: CertificatesOnly(certificates: 0..<issued.der.count), issuer: name.span,
            serialNumber: number.span)
        #expect(place == 0..<issued.der.count)
    }

    @Test func anIssuingCAIsPassedOverWithAReason() throws {
        // Its root did not come with it: one that issues the same profile stands for it.
        let issuing = Field.issuingPoliciesCritical
        #expect(try accept([issuing], [issuing]).kept == issuing.der)
        let root = try Hierarchy.one.root
        let same = try OpenSSLIdentity(
            subject: "/CN=Issuing", for: TestKey.rsa, issuedBy: root,
            extensions: Hierarchy.authority + ["certificatePolicies=critical,2.5.29.32.0"])
        let (accepted, kept, _) = try accept([same, root], [root])
        #expect(kept == root.der && accepted.passedOver.count == 1)
        let found = accepted.passedOver[0]
        #expect(found.matters && found.role == .ca && found.certificate == 1..<(1 + same.der.count))
        guard case .criticalExtension(let place) = found.reason else {
            Issue.record("\(found.reason)")
            return
        }
        // certificatePolicies (RFC 5280, 4.2.1.4)
        #expect(Array(([0xA5] + same.der)[place]) == [0x55, 0x1D, 0x20])
    }

    @Test func signaturesOfPinnedRootsAndBelow() throws {
        for root in [Field.pssRoot, Field.sha224Root] { #expect(try accept([root], [root]).kept == root.der) }
        // Its root did not come with it: it is pinned itself.
        #expect(try accept([Field.pssIssuing], [Field.pssIssuing]).kept == Field.pssIssuing.der)
        let der = Field.pssIssuing.der
        let algorithm = try Certificate(der.span).signed.algorithm
        #expect(algorithm?.digest == .sha256 && algorithm?.scheme != .rsa)
    }

    @Test func aShortKeyIsNamedBeforeAnythingIsSent() throws {
        #expect(throws: SCEPError.caKeyUnusable(.rsaSize(bits: 1024))) { try accept([Field.rsa1024], [Field.rsa1024]) }
    }

    @Test func aRootOfVersionOneIsTakenWhenItIsPinned() throws {
        let root = Field.versionOne
        #expect(try accept([root], [root]).kept == root.der)
        let role = try Certificate(root.der.span).role
        #expect(role == .ca)
    }

    /// Whether they have a keyUsage is not asked here.
    private func accept(
        _ certificates: [OpenSSLIdentity], _ pins: [OpenSSLIdentity]
    ) throws -> (accepted: Accepted, kept: [UInt8], used: Leniency) {
        try acceptance(certificates, pins, policy: Policy(allowsCAWithoutKeyUsage: true))
    }
}
