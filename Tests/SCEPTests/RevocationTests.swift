import CMS
import DER
import DeviceCrypto
import PKIX
import SCEP
import TestKeys
import TestSupport
import Testing

/// An authority that may sign lists, a device of its, and lists; made once.
private struct Authority: Sendable {
    let ca: OpenSSLIdentity
    let device: OpenSSLIdentity
    /// The device's serial number, as `openssl ca` has it.
    let serial: String

    /// 2026-01-02T03:04:05Z and five years later.
    static let times = ["-crl_lastupdate", "20260102030405Z", "-crl_nextupdate", "20310102030405Z"]
    static let thisUpdate: Int64 = 1_767_323_045
    static let nextUpdate: Int64 = 1_925_089_445

    init() throws {
        let ca = try OpenSSLIdentity(
            subject: "/O=Example/CN=Root", extensions: ["keyUsage=critical,keyCertSign,cRLSign"])
        let device = try OpenSSLIdentity(subject: "/CN=sensor", for: TestKey.p256, issuedBy: ca)
        self.ca = ca
        self.device = device
        serial = try Certificate(device.der.span).serialNumber.array.hex
    }

    private static let shared = Result { try Authority() }

    static var one: Authority {
        get throws { try shared.get() }
    }
}

@Suite struct RevocationTests {
    /// - Parameter weakness: of the envelope that the lists came in.
    private func check(
        _ crls: [UInt8], of device: OpenSSLIdentity? = nil, trusting: [OpenSSLIdentity]? = nil,
        policy: Policy = Policy(), moment: Moment = .unknown, weakness: Leniency = Leniency()
    ) throws -> Bool {
        var policy = policy
        let work = [0xA5, 0xA5] + crls + [0xA5]
        let trusted = try (trusting ?? [Authority.one.ca]).flatMap(\.der)
        let der = try (device ?? Authority.one.device).der
        return try Revocation.check(
            work.span, in: CertificatesOnly(crls: 2..<(2 + crls.count), weakness: weakness), of: Certificate(der.span),
            ca: CACertificates(trusted.span),
            policy: &policy, moment: moment)
    }

    /// Nothing is taken out of an envelope that is below the floor, and that a list is missing is not believed either.
    @Test func whatCameInAWeakEnvelopeIsNotTaken() throws {
        let ca = try Authority.one.ca
        let good = try ca.revocationList(options: Authority.times)
        let weak = try ca.revocationList(options: Authority.times + ["-md", "sha1"])
        let (des, both) = (Leniency.des, Leniency.des.union(.sha1))
        for (list, weakness) in [(good, des), (weak, both), ([], des)] {
            #expect(throws: SCEPError.belowFloor(weakness)) { try check(list, weakness: .des) }
        }
        #expect(throws: SCEPError.belowFloor(des)) {
            try check(weak, policy: Policy(digestFloor: .sha1), weakness: .des)
        }
        // Another CA's list is that first.
        let other = try Hierarchy.one.impostor.revocationList(options: Authority.times)
        #expect(throws: SCEPError.crlInvalidSignature) { try check(other, weakness: .des) }
    }

    /// A list, or an entry of it, that cannot be checked says nothing of any certificate (RFC 5280, 5.3).
    @Test func whatCannotBeCheckedIsRefused() throws {
        let hierarchy = try Authority.one
        let unknown = try hierarchy.ca.revocationList(
            of: [hierarchy.serial], options: Authority.times + ["-md", "sha224"])
        #expect(throws: SCEPError.signatureAlgorithmUnknown) { try check(unknown) }
        for serials in [[hierarchy.serial + ",removeFromCRL"], [hierarchy.serial, "05,removeFromCRL"]] {
            let list = try hierarchy.ca.revocationList(of: serials, options: Authority.times)
            #expect {
                try check(list)
            } throws: {
                guard case .reply(let error) = $0 as? SCEPError else { return false }
                return error.kind == .unknownCriticalExtension
            }
        }
    }

    @Test func theOwnCertificateIsLookedUp() throws {
        let hierarchy = try Authority.one
        for (serials, isRevoked) in [
            ([], false), ([hierarchy.serial], true), (["05", hierarchy.serial + ",keyCompromise", "06"], true),
            ([hierarchy.serial + ",certificateHold"], true), ([hierarchy.serial + "00"], false),
        ] as [([String], Bool)] {
            let list = try hierarchy.ca.revocationList(of: serials, options: Authority.times)
            #expect(try check(list) == isRevoked, "\(serials)")
        }
        // As old as X.509 itself.
        let old = try hierarchy.ca.revocationList(of: [hierarchy.serial], extensions: [], options: Authority.times)
        #expect(try check(old))
    }

    /// It comes in a SignedData without certificates, as openssl makes one.
    @Test func aListIsFoundInItsSignedData() throws {
        let hierarchy = try Authority.one
        let list = try hierarchy.ca.revocationList(of: [hierarchy.serial], options: Authority.times)
        let message = try OpenSSL.run(
            ["crl2pkcs7", "-inform", "DER", "-outform", "DER"], input: list)
        let recipient = try OpenSSLIdentity(subject: "/CN=sensor", for: TestKey.rsa)
        let envelope = try recipient.envelope(message)
        var work = envelope
        var key = try TestKey.rsa.rsaPrivateKey()
        var policy = Policy()
        var random = try seededRandom()
        let found: CertificatesOnly
        do {
            var bytes = work.mutableSpan
            found = try CertRep.open(
                &bytes, envelope: envelope.indices, key: &key, password: Span(), policy: &policy, random: &random)
        }
        #expect(found.certificates.isEmpty && Array(work[found.crls]) == list)
        #expect(try check(Array(work[found.crls])))
    }

    @Test func timesCountWhereTheyAreKnown() throws {
        let hierarchy = try Authority.one
        let (begin, end) = (Authority.thisUpdate, Authority.nextUpdate)
        let list = try hierarchy.ca.revocationList(of: [hierarchy.serial], options: Authority.times)
        let good: [Moment] = [
            .unknown, .exact(begin - 300), .exact(begin), .exact(end), .atLeast(0), .atLeast(end),
        ]
        for moment in good { #expect(try check(list, moment: moment)) }
        for moment in [.exact(end + 1), .exact(.max), .atLeast(end + 1), .atLeast(.max)] as [Moment] {
            #expect(throws: SCEPError.crlStale) { try check(list, moment: moment) }
        }
        for moment in [.exact(begin - 301), .exact(0), .exact(.min)] as [Moment] {
            #expect(throws: SCEPError.crlNotYetValid) { try check(list, moment: moment) }
        }
    }

    @Test func whoSignsIsChecked() throws {
        let hierarchy = try Authority.one
        func list(_ authority: OpenSSLIdentity, _ options: [String] = []) throws -> [UInt8] {
            try authority.revocationList(of: [hierarchy.serial], options: Authority.times + options)
        }
        let good = try list(hierarchy.ca)
        // Another authority's, with a true signature.
        let other = try Hierarchy.one.intermediate
        #expect(throws: SCEPError.crlFromAnotherIssuer) { try check(list(other), trusting: [hierarchy.ca, other]) }
        // An impostor's with the authority's name; and two authorities of one name, before and after a rollover.
        let impostor = try Hierarchy.one.impostor
        #expect(throws: SCEPError.crlInvalidSignature) { try check(list(impostor)) }
        #expect(
            try check(good, trusting: [impostor, hierarchy.ca]) && check(good, trusting: [hierarchy.ca, impostor]))
        // Nobody is trusted, or nobody of that name.
        for trusted in [[], [other]] {
            #expect(throws: SCEPError.crlInvalidSignature) { try check(good, trusting: trusted) }
        }
        // A key that may sign certificates only (RFC 5280, 4.2.1.3).
        let root = try Hierarchy.one.root
        let byRoot = try OpenSSLIdentity(subject: "/CN=x", for: TestKey.p256, issuedBy: root)
        #expect(throws: SCEPError.crlInvalidSignature) { try check(list(root), of: byRoot, trusting: [root]) }
        // Who has the name and the key, and is no authority.
        let device = try OpenSSLIdentity(
            subject: "/O=Example/CN=Root", for: TestKey.rsa, extensions: ["basicConstraints=CA:FALSE"])
        #expect(throws: SCEPError.crlInvalidSignature) { try check(list(device), trusting: [device]) }
        // Another list under a true signature.
        var changed = good
        let number = try #require(changed.firstRange(of: [UInt8](hex: hierarchy.serial)))
        changed[number.upperBound - 1] ^= 1
        #expect(throws: SCEPError.crlInvalidSignature) { try check(changed) }
        // A digest that is too weak.
        let weak = try list(hierarchy.ca, ["-md", "sha1"])
        #expect(throws: SCEPError.belowFloor(.sha1)) { try check(weak) }
        #expect(try check(weak, policy: Policy(digestFloor: .sha1)))
    }

    /// Whether a list covers a certificate depends on both (RFC 5280, 6.3.3). openssl checks beside.
    @Test func whatAListIsForIsChecked() throws {
        let ca = try Authority.one.ca
        func device(_ extensions: [String]) throws -> OpenSSLIdentity {
            try OpenSSLIdentity(
                subject: "/CN=sensor", for: TestKey.p256, issuedBy: ca,
                extensions: ["basicConstraints=CA:FALSE"] + extensions)
        }
        let plain = try device([])
        let pointed = try device(["crlDistributionPoints=URI:http://a/1,URI:http://a/2"])
        let elsewhere = try device(["crlDistributionPoints=URI:http://b/1"])
        let subordinate = try OpenSSLIdentity(
            subject: "/CN=sensor", for: TestKey.p256, issuedBy: ca, extensions: ["basicConstraints=critical,CA:TRUE"])
        typealias Limit = CertificateRevocationList.Limit
        let rows: [(String, OpenSSLIdentity, [String], Limit?)] = [
            ("its own point", pointed, ["fullname=URI:http://a/2"], nil),
            ("one of several names", pointed, ["fullname=URI:http://c/1,URI:http://a/1"], nil),
            ("another point", elsewhere, ["fullname=URI:http://a/1"], .otherDistributionPoint),
            ("a point that begins alike", pointed, ["fullname=URI:http://a/11"], .otherDistributionPoint),
            ("users, and it is one", plain, ["onlyuser=TRUE"], nil),
            ("users, at its own point", pointed, ["fullname=URI:http://a/1", "onlyuser=TRUE"], nil),
            ("users, and it is a CA", subordinate, ["onlyuser=TRUE"], .userCertificates),
            ("CAs", plain, ["onlyCA=TRUE"], .caCertificates),
            ("attribute certificates", plain, ["onlyAA=TRUE"], .attributeCertificates),
            ("some reasons", plain, ["onlysomereasons=keyCompromise,CACompromise"], .someReasons),
            ("other CAs too", plain, ["indirectCRL=TRUE"], .indirect),
            // The CA says by its answer to GetCRL, which names the certificate, that it is the list for it.
            ("a point, and it has none", plain, ["fullname=URI:http://a/1"], nil),
        ]
        for (name, device, point, limit) in rows {
            let list = try ca.revocationList(
                extensions: ["issuingDistributionPoint=critical,@p", "[p]"] + point, options: Authority.times)
            let pem = try OpenSSL.run(["crl", "-inform", "DER"], input: list)
            let opensslTakesIt = try withTemporaryDirectory { directory in
                (try? OpenSSL.run([
                    "verify", "-crl_check", "-extended_crl", "-CAfile",
                    directory.write(ca.certificate, to: "ca"), "-CRLfile", directory.write(pem, to: "crl"),
                    "-no_check_time", directory.write(device.certificate, to: "crt"),
                ])) != nil
            }
            if let limit {
                #expect(throws: SCEPError.crlIncomplete(limit), "\(name)") { try check(list, of: device) }
            } else {
                #expect(try !check(list, of: device), "\(name)")
                #expect(opensslTakesIt || name == "a point, and it has none", "\(name)")
            }
        }
    }

    /// A list of a large authority: more than half a megabyte, in an envelope in BER, as openssl writes one in pieces.
    @Test func largeListsAreTakenOut() throws {
        let hierarchy = try Authority.one
        let serials =
            (0..<20_000).map { "10" + String(0x10000 + $0, radix: 16).suffix(4).uppercased() } + [hierarchy.serial]
        let list = try hierarchy.ca.revocationList(of: serials, options: Authority.times)
        #expect(list.count > 400_000)
        let message = try OpenSSL.run(["crl2pkcs7", "-inform", "DER", "-outform", "DER"], input: list)
        let recipient = try OpenSSLIdentity(subject: "/CN=sensor", for: TestKey.rsa)
        var work = try recipient.envelope(message, options: ["-stream"])
        let envelope = work.indices
        work += [UInt8](repeating: 0, count: 64)
        var key = try TestKey.rsa.rsaPrivateKey()
        var policy = Policy()
        var random = try seededRandom()
        let found: CertificatesOnly
        do {
            var bytes = work.mutableSpan
            found = try CertRep.open(
                &bytes, envelope: envelope, key: &key, password: Span(), policy: &policy, random: &random)
        }
        #expect(Array(work[found.crls]) == list)
        #expect(try check(Array(work[found.crls])))
    }

    @Test func whatIsNoSingleListIsRefused() throws {
        let hierarchy = try Authority.one
        let list = try hierarchy.ca.revocationList(options: Authority.times)
        #expect(throws: SCEPError.crlMissing) { try check([]) }
        #expect(throws: SCEPError.reply(DERError(.trailingBytes, at: 2 + list.count))) { try check(list + list) }
        #expect(throws: SCEPError.reply(DERError(.truncated, at: 2))) { try check(Array(list.dropLast())) }
        #expect(throws: SCEPError.reply(DERError(.unexpectedTag, at: 2))) { try check([0x05, 0x00]) }
        // The changes since another list (RFC 5280, 5.2.4).
        let delta = try hierarchy.ca.revocationList(extensions: ["2.5.29.27=critical,ASN1:INTEGER:5"])
        #expect(throws: SCEPError.crlIncomplete(.delta)) { try check(delta) }
    }

    /// A list and a certificate that a Bouncy Castle server gave to whoever asked for them, by GetCRL and GetCert.
    @Test(
        .enabled(if: Fixtures.areThere, Comment(rawValue: Fixtures.absence)), arguments: ["12", "14"])
    func recordedRetrievalsAreUsed(number: String) throws {
        let message = try Fixtures.read("jscep/\(number)-PKIOperation.rsp.der")
        // A SignedData as openssl takes its content out.
        var work = try OpenSSL.run(["cms", "-verify", "-noverify", "-inform", "DER", "-binary"], input: message)
        var key = try TestKey(pem: try Fixtures.read("jscep/client.key")).rsaPrivateKey()
        var policy = Policy(digestFloor: .sha1, cipherFloor: .tripleDESCBC)
        var random = try seededRandom()
        let found: CertificatesOnly
        do {
            var bytes = work.mutableSpan
            found = try CertRep.open(
                &bytes, envelope: 0..<bytes.count, key: &key, password: Span(), policy: &policy, random: &random)
        }
        let ca = try OpenSSLIdentity(key: [], pem: try Fixtures.read("jscep/ca.crt"))
        let device = try OpenSSLIdentity(key: [], pem: try Fixtures.read("jscep/issued.crt"))
        guard number == "14" else {
            #expect(try !check(Array(work[found.crls]), of: device, trusting: [ca], policy: policy))
            let stranger = try Authority.one.ca
            #expect(throws: SCEPError.crlInvalidSignature) {
                try check(Array(work[found.crls]), of: device, trusting: [stranger], policy: policy)
            }
            return
        }
        let der = device.der
        let names = try Certificate(der.span)
        let range = try IssuedCertificate.find(
            work.span, in: found, issuer: names.issuer, serialNumber: names.serialNumber)
        #expect(Array(work[range]) == device.der)
    }
}
