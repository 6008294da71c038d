import Bytes
import CMS
import DER
import DeviceCrypto
import PKIX

/// The certificates of a CA that a device trusts, one after the other in DER: the CA's own, those of the CAs under
/// it, and those of its registration authorities.
public struct CACertificates: ~Escapable {
    /// More are not looked at.
    public static var maximumCount: Int { 8 }

    let bytes: Span<UInt8>
    private let range: Range<Int>
    /// Which of them count: bit 0 is the first one's.
    var chosen: Int32
    /// Whether a CA is among them that another one issued.
    private var hasIssuedCA = false

    /// - Parameter bytes: what ``GetCACert`` or ``GetNextCACert`` kept.
    @_lifetime(copy bytes)
    public init(_ bytes: Span<UInt8>) {
        self.bytes = bytes
        range = 0..<bytes.count
        chosen = -1
    }

    /// Certificates at `range` of `bytes`, of which none counts that is not chosen.
    @_lifetime(copy bytes)
    init(_ bytes: Span<UInt8>, choosingIn range: Range<Int>) {
        self.bytes = bytes
        self.range = range
        chosen = 0
    }

    /// A reader of all, chosen or not.
    var reader: DERReader {
        @_lifetime(copy self) get { DERReader(bytes, in: range) }
    }

    /// The certificates that count, one after the other.
    private var list: List {
        @_lifetime(copy self) get { List(reader, chosen) }
    }

    /// All certificates, chosen or not.
    var all: List {
        @_lifetime(copy self) get { List(reader, -1) }
    }

    struct List: ~Escapable {
        private var reader: DERReader
        private var chosen: Int32
        /// What stands for the one that ``next()`` gave.
        private(set) var bit: Int32 = 0

        @_lifetime(copy reader)
        init(_ reader: DERReader, _ chosen: Int32) {
            self.reader = reader
            self.chosen = chosen
        }

        /// The next one that can be read.
        @_lifetime(copy self)
        @inline(never)
        mutating func next() -> Certificate? {
            while let whole = try? reader.read() {
                let counts = chosen & 1 != 0
                chosen &>>= 1
                bit = bit == 0 ? 1 : bit &<< 1
                var again = DERReader(whole.bytes, in: whole.range)
                if counts, let certificate = try? Certificate(&again) { return certificate }
            }
            return nil
        }
    }

    /// The certificate to encrypt requests to: an RSA key rather than an elliptic curve key, which takes a password
    /// (RFC 8894, 3.1), for encryption by its key usage, an RA's rather than a
    /// CA's, and of CAs the one that issued none of the others.
    ///
    /// Key usage decides where it can; old servers leave it out, or set one bit where two are due (RFC 8894, 3.5.2).
    ///
    /// - Parameter canDecrypt: whether the device's key can, as RSA keys do. The request of such a device is encrypted
    ///   with the password, which can then be guessed at leisure, only if the policy allows it: else it takes no more
    ///   than leaving the RSA certificates out of a reply that nobody signs.
    /// - Throws: ``SCEPError/noEncryptionCertificate``.
    @_lifetime(copy self)
    public func encryptionCertificate(canDecrypt: Bool, policy: inout Policy) throws(SCEPError) -> Certificate {
        let best = best(forEncryption: true)
        guard let certificate = try? Certificate(bytes.extracting(best)),
            !canDecrypt || certificate.subjectPublicKeyInfo.kind == .rsa || policy.permitsPasswordEncryption()
        else { throw .noEncryptionCertificate }
        return certificate
    }

    /// The certificate of the CA that issues: the one that issued no other CA here. Of several certificates of one
    /// name, such as before and after a renewal, it is the one that is valid for longest.
    ///
    /// - Throws: ``SCEPError/pinnedIsNotCA`` when there is none.
    @_lifetime(copy self)
    public func issuingCertificate() throws(SCEPError) -> Certificate {
        guard let certificate = try? Certificate(bytes.extracting(best(forEncryption: false))) else {
            throw .pinnedIsNotCA
        }
        return certificate
    }

    /// Where the first of those stands that serve best, and of several certificates of one name the one that is valid
    /// for longest; empty if there is none.
    @inline(never)
    private func best(forEncryption: Bool) -> Range<Int> {
        var list = list
        var best = 0..<0
        var greatestScore = 0
        while let certificate = list.next() {
            let score = forEncryption ? encryptionScore(certificate) : issuingScore(certificate)
            guard score > 0, score >= greatestScore else { continue }
            if score == greatestScore {
                guard let other = try? Certificate(bytes.extracting(best)), certificate.notAfter > other.notAfter,
                    areNamesEqual(certificate.subject, other.subject)
                else { continue }
            }
            greatestScore = score
            best = certificate.range
        }
        return best
    }

    private func issuingScore(_ certificate: borrowing Certificate) -> Int {
        certificate.isCA && !hasIssued(certificate, casOnly: true) ? 1 : 0
    }

    private func encryptionScore(_ certificate: borrowing Certificate) -> Int {
        let isRSA = certificate.subjectPublicKeyInfo.kind == .rsa
        if case .other = certificate.subjectPublicKeyInfo.kind { return 0 }
        guard isRSA || Curve.isSupported else { return 0 }
        var score = isRSA ? 17 : 1
        if let usage = certificate.extensions.keyUsage {
            if usage.contains(.keyEncipherment) { score &+= 8 }
        } else {
            score &+= 4
        }
        if !certificate.isCA {
            score &+= 2
        } else if !hasIssued(certificate, casOnly: false) {
            score &+= 1
        }
        return score
    }

    /// Whether another certificate here names this one as its issuer.
    @inline(never)
    private func hasIssued(_ issuer: borrowing Certificate, casOnly: Bool) -> Bool {
        var list = list
        while let other = list.next() {
            guard !casOnly || other.isCA else { continue }
            if areNamesEqual(other.issuer, issuer.subject), !other.isSelfIssued { return true }
        }
        return false
    }

    /// Verifies that one of these certificates' keys signed `message`, and that it has not expired; only then is checked
    /// whether that is enough: what anybody can have signed says nothing of the CA.
    ///
    /// - Parameter casOnly: whether only a CA's own certificate counts, and no registration authority's.
    /// - Returns: what would have to be allowed for the signature's digest; nothing may be taken that is below the floor.
    /// - Throws: ``SCEPError/unknownSigner``, ``SCEPError/signerExpired``, ``SCEPError/invalidSignature``,
    ///   ``SCEPError/reply(_:)``.
    @inline(never)
    public func authenticate(
        _ message: borrowing SignedData, _ policy: inout Policy, _ moment: Moment, casOnly: Bool
    ) throws(SCEPError) -> Leniency {
        guard let signer = message.signer else { throw .unknownSigner }
        var list = list
        var failure = SCEPError.unknownSigner
        while let certificate = list.next() {
            guard signer.names(certificate), !casOnly || certificate.isCA else { continue }
            guard !moment.isPast(certificate.notAfter) else {
                if failure == .unknownSigner { failure = .signerExpired }
                continue
            }
            do throws(DERError) {
                try message.verify(with: certificate.subjectPublicKeyInfo)
                if message.isOfOtherType { policy.note(.contentType) }
                if signer.isNamedByKey { policy.note(.signatureName) }
                return policy.weakness(of: signer.digest)
            } catch {
                switch error.kind {
                // Who changes the content, and not the digest of it that is signed, changes what is signed.
                case .crypto(.invalidSignature), .digestMismatch: failure = .invalidSignature
                default: failure = .reply(error)
                }
            }
        }
        throw failure
    }

    /// Whether one of these CAs issued `certificate`.
    ///
    /// - Parameter mayBeCA: whether that counts if it is the certificate of a CA although the path lengths above it
    ///   leave no space for one. There are servers that make every device one.
    public func haveIssued(_ certificate: borrowing Certificate, mayBeCA: Bool) -> Bool {
        guard !signer(of: certificate.signed, named: certificate.issuer, .keyCertSign).isEmpty else { return false }
        return mayBeCA || pathLengthsPermit(certificate)
    }

    /// Whether the path lengths of the CAs above leave space for this certificate, if it is a CA's. Those that name
    /// themselves as their issuers are not counted (RFC 5280, 4.2.1.9).
    @inline(never)
    func pathLengthsPermit(_ certificate: borrowing Certificate) -> Bool {
        guard certificate.extensions.cA else { return true }
        var count = certificate.isSelfIssued ? 0 : 1
        var below = certificate.range
        var issuer = signer(of: certificate.signed, named: certificate.issuer, .keyCertSign)
        // Two CAs can have certified each other.
        for _ in 0..<Self.maximumCount {
            // At the top is who nobody here has certified, or who did it himself.
            guard !issuer.isEmpty, issuer != below else { return true }
            guard let ca = try? Certificate(bytes.extracting(issuer)) else { return false }
            if let greatest = ca.extensions.pathLength, count > greatest { return false }
            if !ca.isSelfIssued { count &+= 1 }
            below = issuer
            issuer = signer(of: ca.signed, named: ca.issuer, .keyCertSign)
        }
        return false
    }

    /// Where the first of these CAs stands that has this name and a key that may sign this and did so; empty when there
    /// is none.
    @inline(never)
    func signer(of signed: borrowing Signed, named name: Span<UInt8>, _ usage: KeyUsage) -> Range<Int> {
        var list = list
        while let ca = list.next() {
            if ca.isSigner(of: signed, named: name, usage) { return ca.range }
        }
        return 0..<0
    }

    /// Whether one of these certificates has one of `fingerprints`.
    public func includes(oneOf fingerprints: borrowing Fingerprints) -> Bool {
        var list = list
        while let certificate = list.next() {
            if fingerprints.contains(certificate.encoding) { return true }
        }
        return false
    }

    @inline(never)
    func contains(_ encoding: Span<UInt8>) -> Bool {
        var list = list
        while let certificate = list.next() {
            if areEqual(certificate.encoding, encoding) { return true }
        }
        return false
    }
}

extension CACertificates {
    @inline(never)
    mutating func choose(_ bit: Int32, _ certificate: borrowing Certificate) {
        if !contains(certificate.encoding) { chosen |= bit }
    }

    /// Chooses what those that are chosen issued, and what these issued, and so on.
    ///
    /// - Parameter isNext: whether the current CA vouches for all: they may become valid in the future, a registration
    ///   authority needs no mark, and a CA no key usage.
    @inline(never)
    mutating func chooseIssued(_ policy: inout Policy, _ moment: Moment, isNext: Bool) {
        var before: Int32
        // Every round chooses one level more, so there are at most as many rounds as certificates.
        repeat {
            before = chosen
            var list = all
            while let certificate = list.next() {
                if !contains(certificate.encoding), reason(against: certificate, &policy, moment, isNext: isNext) == nil
                {
                    chosen |= list.bit
                    if certificate.isCA { hasIssuedCA = true }
                }
            }
        } while chosen != before
    }

    /// Why a certificate is not trusted, those that are chosen being so; nil if it is.
    @inline(never)
    func reason(
        against certificate: borrowing Certificate, _ policy: inout Policy, _ moment: Moment, isNext: Bool
    ) -> PassedOver.Reason? {
        let algorithm = certificate.signed.algorithm
        let signer = signer(of: certificate.signed, named: certificate.issuer, .keyCertSign)
        guard !signer.isEmpty else {
            return algorithm == nil && hasCA(named: certificate.issuer, key: Span())
                ? .unknownSignatureAlgorithm : .notSigned
        }
        if moment.isPast(certificate.notAfter) { return .expired }
        if !isNext, moment.isBefore(certificate.notBefore) { return .notYetValid }
        // What is critical and not checked here forbids its use (RFC 5280, 4.2); a pin would allow it.
        let forbidding = certificate.forbiddingExtension
        guard forbidding.isEmpty else { return .criticalExtension(forbidding) }
        let role = certificate.role
        // Who is a CA by half is none, and no registration authority for want of a mark either. One of version 1 would
        // have to be pinned.
        guard role == .ca ? certificate.version != 1 : role == .ra || !certificate.extensions.cA else { return .notCA }
        guard role != .ca || pathLengthsPermit(certificate) else { return .pathLength }
        guard let digest = algorithm?.digest, policy.permits(digest) else { return .weakDigest }
        if let defect = certificate.subjectPublicKeyInfo.defect { return .unusableKey(defect) }
        if isNext { return nil }
        switch role {
        case .ca where certificate.extensions.keyUsage == nil && !isRenewed(certificate, by: signer):
            return policy.permitsCAWithoutKeyUsage() ? nil : .caWithoutKeyUsage
        case .other: return policy.permitsUnmarkedRA() ? nil : .unmarkedRA
        default: return nil
        }
    }

    /// - Parameter key: empty for any.
    @inline(never)
    private func hasCA(named name: Span<UInt8>, key: Span<UInt8>) -> Bool {
        var list = list
        while let certificate = list.next() {
            if certificate.isCA, areNamesEqual(certificate.subject, name),
                key.isEmpty || areEqual(certificate.subjectPublicKeyInfo.key, key)
            {
                return true
            }
        }
        return false
    }

    /// Finds out why the others were not chosen, and lists them in `passedOver` where ``Footprint`` allows.
    ///
    /// - Throws: where the CA would be asked in a way that it does not expect, without its RA or at the wrong CA:
    ///   ``SCEPError/unmarkedRA``, ``SCEPError/caWithoutKeyUsage``, ``SCEPError/caKeyUnusable(_:)``.
    @inline(never)
    func explain(
        _ policy: inout Policy, _ moment: Moment, isNext: Bool, _ passedOver: inout PassedOver.List
    ) throws(SCEPError) {
        var others = reader
        while let whole = try? others.read() {
            guard !contains(whole.encoding) else { continue }
            var reason = PassedOver.Reason.unreadable
            var role = Certificate.Role.other
            var again = DERReader(whole.bytes, in: whole.range)
            if let certificate = try? Certificate(&again) {
                role = certificate.role
                guard let found = self.reason(against: certificate, &policy, moment, isNext: isNext) else { continue }
                reason = found
            }
            switch reason {
            case .unmarkedRA: throw .unmarkedRA
            case .caWithoutKeyUsage: throw .caWithoutKeyUsage
            case .unusableKey(let defect) where role != .ca || !hasIssuedCA: throw .caKeyUnusable(defect)
            default: break
            }
            if Footprint.isUnconstrained {
                passedOver.append(PassedOver(certificate: whole.range, role: role, reason: reason))
            }
        }
    }

    /// Whether those that are chosen are the CA of `known`, or its successor: the same certificate, the same name and
    /// key in another one, or a new key that the old one signed, by itself or in a link certificate (RFC 4210, 4.4).
    @inline(never)
    func continues(_ known: borrowing CACertificates, _ policy: inout Policy) -> Bool {
        var links = all
        while let link = links.next() {
            if known.contains(link.encoding) || known.haveRenewed(link, &policy, .unknown),
                hasCA(named: link.subject, key: link.subjectPublicKeyInfo.key)
            {
                return true
            }
        }
        return false
    }

    /// Whether one of these CAs made this certificate for itself: a new one for its key, or for a new key.
    func haveRenewed(_ certificate: borrowing Certificate, _ policy: inout Policy, _ moment: Moment) -> Bool {
        certificate.isCA && certificate.isSelfIssued
            && reason(against: certificate, &policy, moment, isNext: false) == nil
    }

    /// Whether a certificate has name and key of its signer's. Only the key tells: there are CAs that give any name to
    /// anybody, and write cA into every certificate.
    private func isRenewed(_ certificate: borrowing Certificate, by signer: Range<Int>) -> Bool {
        guard certificate.isSelfIssued, let ca = try? Certificate(bytes.extracting(signer)) else { return false }
        return areEqual(ca.subjectPublicKeyInfo.key, certificate.subjectPublicKeyInfo.key)
    }

    /// Where those that are chosen stand in the buffer; empty ranges after the last.
    var ranges: InlineArray<8, Range<Int>> {
        var ranges = InlineArray<8, Range<Int>>(repeating: 0..<0)
        var count = 0
        var list = list
        while count < ranges.count, let certificate = list.next() {
            ranges[count] = certificate.range
            count &+= 1
        }
        return ranges
    }

    /// Writes those that are chosen to the front of `trusted`.
    ///
    /// - Returns: their size in bytes.
    func keep(in trusted: inout MutableSpan<UInt8>) throws(SCEPError) -> Int {
        var size = 0
        for isWriting in 0..<2 {
            guard size <= trusted.count else { throw .caCertificatesTooLarge(size) }
            size = 0
            var list = list
            while let certificate = list.next() {
                let encoding = certificate.encoding
                if isWriting == 1 { for index in encoding.indices { trusted[size &+ index] = encoding[index] } }
                size &+= encoding.count
            }
        }
        return size
    }
}

extension Certificate {
    /// Whether this is the certificate of a CA of this name, whose key may sign `signed` and did so.
    @inline(never)
    func isSigner(of signed: borrowing Signed, named name: Span<UInt8>, _ usage: KeyUsage) -> Bool {
        guard areNamesEqual(subject, name), isCA, extensions.keyUsage?.contains(usage) ?? true else { return false }
        do throws(CryptoError) {
            try signed.verify(signedBy: subjectPublicKeyInfo)
            return true
        } catch {
            return false
        }
    }
}
