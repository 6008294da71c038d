import DeviceCrypto
import PKIX
import SCEP
import TestSupport
import Testing

/// Which certificate requests are encrypted to (RFC 8894, 3.5.2).
@Suite struct CACertificatesTests {
    private func chosen(_ identities: [OpenSSLIdentity]) throws -> [UInt8] {
        let bytes = identities.flatMap(\.der)
        var policy = Policy()
        return try CACertificates(bytes.span).encryptionCertificate(canDecrypt: false, policy: &policy).encoding.array
    }

    @Test func theRecipientIsChosenByKeyUsage() throws {
        let hierarchy = try Hierarchy.one
        // Alone, whatever its key usage says: a request cannot be sent otherwise.
        for identity in [hierarchy.root, hierarchy.intermediate, hierarchy.ra] {
            #expect(try chosen([identity]) == identity.der)
        }
        // An RA's rather than a CA's, and that for encryption rather than that for signatures.
        for identities in [
            [hierarchy.root, hierarchy.ra, hierarchy.encryptionRA],
            [hierarchy.encryptionRA, hierarchy.ra, hierarchy.root],
            [hierarchy.ra, hierarchy.root, hierarchy.intermediate, hierarchy.encryptionRA],
        ] {
            #expect(try chosen(identities) == hierarchy.encryptionRA.der)
        }
        // Of two CAs that one which issued none of the others.
        #expect(try chosen([hierarchy.root, hierarchy.intermediate]) == hierarchy.intermediate.der)
        #expect(try chosen([hierarchy.intermediate, hierarchy.root]) == hierarchy.intermediate.der)
        // One that may be used for everything, before one that may not.
        let plain = try OpenSSLIdentity(subject: "/CN=RA", for: TestKey.rsa, issuedBy: hierarchy.root)
        #expect(try chosen([hierarchy.ra, plain]) == plain.der)
        #expect(try chosen([plain, hierarchy.encryptionRA]) == hierarchy.encryptionRA.der)
        // An elliptic curve key only if there is no other: it cannot be encrypted to without a password.
        #expect(try chosen([hierarchy.ec, hierarchy.root]) == hierarchy.root.der)
        #expect(try chosen([hierarchy.ec]) == hierarchy.ec.der)
        #expect(throws: SCEPError.noEncryptionCertificate) { try chosen([]) }
    }

    /// A certificate to encrypt to, by what counts: the smaller, the better.
    private struct Candidate {
        let identity: OpenSSLIdentity
        /// RSA, an elliptic curve; for encryption, for anything, for something else; an RA's, a CA's that issued none, another.
        let rank: [Int]

        static func all() throws -> [Candidate] {
            let keys = [try TestKey.rsa, try TestKey.p256]
            let usages = ["keyUsage=keyEncipherment,", nil, "keyUsage=digitalSignature,"]
            let issuer = try Hierarchy.one.ec
            var all: [Candidate] = []
            for (key, usage, role) in keys.indices.flatMap({ k in (0..<3).flatMap { u in (0..<3).map { (k, u, $0) } } })
            {
                let subject = "/CN=\(key) \(usage) \(role)"
                let words = usages[usage].map { [$0 + (role == 0 ? "nonRepudiation" : "keyCertSign")] } ?? []
                let identity =
                    role == 0
                    ? try OpenSSLIdentity(subject: subject, for: keys[key], issuedBy: issuer, extensions: words)
                    : try OpenSSLIdentity(subject: subject, for: keys[key], extensions: words)
                all.append(Candidate(identity: identity, rank: [key, usage, role]))
            }
            return all
        }
    }

    /// The kind of key before its use, and that before whose it is, wherever it stands.
    @Test func theBestIsChosen() throws {
        let all = try Candidate.all()
        // Of an unusable key: nobody encrypts to it, and it is there to have been issued.
        let key = TestKey(pem: try OpenSSL.run(["genpkey", "-algorithm", "ED25519"]))
        let issued = try all.map { candidate in
            candidate.rank[2] == 2
                ? try OpenSSLIdentity(subject: "/CN=below", for: key, issuedBy: candidate.identity) : nil
        }
        for (better, one) in all.enumerated() {
            for (worse, other) in all.enumerated().dropFirst(better + 1) {
                let others = [issued[better], issued[worse]].compactMap { $0 }
                for list in [[one.identity, other.identity] + others, others + [other.identity, one.identity]] {
                    #expect(try chosen(list) == one.identity.der, "\(one.rank) before \(other.rank)")
                }
            }
        }
        #expect(throws: SCEPError.noEncryptionCertificate) { try chosen(issued.compactMap { $0 }) }
    }

    /// Of those that serve alike the first, unless a later one of its name is valid for longer.
    @Test func ofEqualsTheFirstIsChosen() throws {
        func ra(_ name: String, days: Int) throws -> OpenSSLIdentity {
            try OpenSSLIdentity(
                subject: "/CN=\(name)", for: TestKey.rsa, issuedBy: Hierarchy.one.ec,
                extensions: ["keyUsage=keyEncipherment", Hierarchy.mark], options: ["-days", "\(days)"])
        }
        let (short, long, other) = (try ra("RA", days: 300), try ra("RA", days: 400), try ra("Other", days: 500))
        #expect(try chosen([short, other]) == short.der && chosen([other, short]) == other.der)
        #expect(try chosen([short, long]) == long.der && chosen([long, short]) == long.der)
        #expect(try chosen([short, other, long]) == long.der && chosen([other, short, long]) == other.der)
        // Two that expire in the same second.
        func until(_ time: String) throws -> OpenSSLIdentity {
            try OpenSSLIdentity(
                subject: "/CN=RA", for: TestKey.rsa, issuedBy: Hierarchy.one.ec, from: "20260101000000Z", until: time)
        }
        let twins = [try until("20360101000000Z"), try until("20360101000000Z")]
        #expect(try chosen(twins) == twins[0].der && chosen(twins.reversed()) == twins[1].der)
    }

    /// What it takes to make an RSA device encrypt with its password, which can then be guessed at leisure, is to leave
    /// the RSA certificates out of a reply: it does so only where it is told to.
    @Test func whoCanDecryptDoesNotEncryptWithThePassword() throws {
        let ec = try Hierarchy.one.ec
        let ra = try OpenSSLIdentity(
            subject: "/CN=RA", for: TestKey.rsa, issuedBy: ec, extensions: ["keyUsage=keyEncipherment", Hierarchy.mark])
        func recipient(_ identities: [OpenSSLIdentity], canDecrypt: Bool, _ policy: inout Policy) throws -> [UInt8] {
            let bytes = identities.flatMap(\.der)
            return try CACertificates(bytes.span).encryptionCertificate(canDecrypt: canDecrypt, policy: &policy)
                .encoding.array
        }
        var policy = Policy()
        #expect(try recipient([ec, ra], canDecrypt: true, &policy) == ra.der)
        #expect(throws: SCEPError.noEncryptionCertificate) { try recipient([ec], canDecrypt: true, &policy) }
        #expect(try recipient([ec], canDecrypt: false, &policy) == ec.der)
        #expect(policy.used == Leniency())
        policy.allowsPasswordEncryption = true
        #expect(try recipient([ec, ra], canDecrypt: true, &policy) == ra.der && policy.used == Leniency())
        #expect(try recipient([ec], canDecrypt: true, &policy) == ec.der && policy.used == .passwordEncryption)
    }

    /// Of two certificates of one CA, before and after a renewal, the one that is valid for longer.
    @Test func theLatestOfOneNameCounts() throws {
        let short = try OpenSSLIdentity(subject: "/CN=CA", for: TestKey.rsa, extensions: ["keyUsage=keyCertSign"])
        let long = try OpenSSLIdentity(
            subject: "/CN=CA", for: TestKey.rsa, issuedBy: short, extensions: Hierarchy.authority,
            options: ["-days", "3650"])
        for identities in [[short, long], [long, short]] {
            let bytes = identities.flatMap(\.der)
            let issuer = try CACertificates(bytes.span).issuingCertificate().encoding.array
            #expect(issuer == long.der)
            #expect(try chosen(identities) == long.der)
        }
    }

    @Test func theIssuerIsTheLowestAuthority() throws {
        let hierarchy = try Hierarchy.one
        for identities in [
            [hierarchy.root, hierarchy.intermediate, hierarchy.ra],
            [hierarchy.ra, hierarchy.intermediate, hierarchy.root],
            [hierarchy.intermediate],
        ] {
            let bytes = identities.flatMap(\.der)
            let issuer = try CACertificates(bytes.span).issuingCertificate().encoding.array
            #expect(issuer == hierarchy.intermediate.der)
        }
        for bytes in [[], hierarchy.ra.der] {
            #expect(throws: SCEPError.pinnedIsNotCA) {
                _ = try CACertificates(bytes.span).issuingCertificate().range
            }
        }
    }

    @Test func whoIsPinnedIsAmongThem() throws {
        let hierarchy = try Hierarchy.one
        let bytes = hierarchy.root.der + hierarchy.ra.der
        func includes(_ pins: [OpenSSLIdentity]) throws -> Bool {
            let text = Array(try pins.map { try $0.fingerprint() }.joined(separator: ",").utf8)
            guard let fingerprints = Fingerprints(text.span) else { return false }
            return CACertificates(bytes.span).includes(oneOf: fingerprints)
        }
        #expect(try includes([hierarchy.root]) && includes([hierarchy.ra]) && includes([hierarchy.ec, hierarchy.ra]))
        #expect(try !includes([hierarchy.ec]) && !includes([hierarchy.impostor, hierarchy.intermediate]))
    }

    /// Who can have issued a certificate: a CA by its extensions, of that name, with the key that signed it.
    @Test func issuersAreAuthorities() throws {
        let hierarchy = try Hierarchy.one
        func issued(_ certificate: OpenSSLIdentity, by issuers: [OpenSSLIdentity], mayBeCA: Bool = true) throws -> Bool
        {
            let bytes = issuers.flatMap(\.der)
            return try CACertificates(bytes.span).haveIssued(Certificate(certificate.der.span), mayBeCA: mayBeCA)
        }
        #expect(try issued(hierarchy.ra, by: [hierarchy.root, hierarchy.intermediate]))
        #expect(try !issued(hierarchy.ra, by: [hierarchy.root]))
        #expect(try !issued(hierarchy.unmarked, by: [hierarchy.impostor]))
        let byRA = try OpenSSLIdentity(subject: "/CN=x", for: TestKey.p256, issuedBy: hierarchy.ra)
        #expect(try !issued(byRA, by: [hierarchy.root, hierarchy.intermediate, hierarchy.ra]))
        // A CA whose key is not for certificates.
        let other = try OpenSSLIdentity(
            subject: "/CN=Other CA", for: TestKey.rsa, extensions: ["keyUsage=critical,cRLSign"])
        #expect(try !issued(OpenSSLIdentity(subject: "/CN=x", for: TestKey.p256, issuedBy: other), by: [other]))
        let plain = try OpenSSLIdentity(subject: "/CN=Plain CA", for: TestKey.rsa)
        #expect(try issued(OpenSSLIdentity(subject: "/CN=x", for: TestKey.p256, issuedBy: plain), by: [plain]))
        // A CA under one whose path ends with it.
        let short = try OpenSSLIdentity(
            subject: "/CN=Short CA", for: TestKey.rsa, extensions: ["basicConstraints=critical,CA:TRUE,pathlen:0"])
        let under = try OpenSSLIdentity(
            subject: "/CN=Under", for: TestKey.p256, issuedBy: short, extensions: Hierarchy.authority)
        #expect(try issued(under, by: [short]) && !issued(under, by: [short], mayBeCA: false))
        let device = try OpenSSLIdentity(subject: "/CN=x", for: TestKey.p256, issuedBy: short)
        #expect(try issued(device, by: [short], mayBeCA: false))
        // With an elliptic curve key.
        #expect(
            try issued(OpenSSLIdentity(subject: "/CN=x", for: TestKey.p256, issuedBy: hierarchy.ec), by: [hierarchy.ec])
        )
    }
}
