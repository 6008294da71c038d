import CMS
import DER
import DeviceCrypto
import PKIX

/// The certificates of a CA that a device trusts, one after the other in DER: the CA's own, those of the CAs under
/// it, and those of its registration authorities.
public struct CACertificates: ~Escapable {
    /// More are not looked at.
    public static var maximumCount: Int { 8 }

    private let bytes: Span<UInt8>
    private let range: Range<Int>
    /// Which of them count: bit 0 is the first one's.
    private var chosen: Int32

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
            while !reader.isAtEnd, let whole = try? reader.read() {
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
    /// - Throws: ``SCEPError/noEncryptionCertificate``.
    @_lifetime(copy self)
    public func encryptionCertificate() throws(SCEPError) -> Certificate {
        var list = list
        var best = 0..<0
        var greatestScore = -1
        while let certificate = list.next() {
            let isRSA = certificate.subjectPublicKeyInfo.kind == .rsa
            guard isRSA || Curve.areSupported else { continue }
            var score = isRSA ? 16 : 0
            if let usage = certificate.extensions.keyUsage {
                if usage.contains(.keyEncipherment) { score &+= 8 }
            } else {
                score &+= 4
            }
            if !certificate.extensions.isCA {
                score &+= 2
            } else if !hasIssued(certificate, casOnly: false) {
                score &+= 1
            }
            if score > greatestScore {
                greatestScore = score
                best = certificate.range
            }
        }
        guard greatestScore >= 0, let certificate = try? Certificate(bytes.extracting(best)) else {
            throw .noEncryptionCertificate
        }
        return certificate
    }

    /// The certificate of the CA that issues: the one that issued no other CA here.
    ///
    /// - Throws: ``SCEPError/pinnedIsNotCA`` when there is none.
    @_lifetime(copy self)
    public func issuingCertificate() throws(SCEPError) -> Certificate {
        var list = list
        while let certificate = list.next() {
            if certificate.extensions.isCA, !hasIssued(certificate, casOnly: true) { return certificate }
        }
        throw .pinnedIsNotCA
    }

    /// Whether another certificate here names this one as its issuer.
    @inline(never)
    private func hasIssued(_ issuer: borrowing Certificate, casOnly: Bool) -> Bool {
        var list = list
        while let other = list.next() {
            guard !casOnly || other.extensions.isCA else { continue }
            if areEqual(other.issuer, issuer.subject), !other.isSelfIssued { return true }
        }
        return false
    }

    /// Verifies that one of these certificates' keys signed `message`, with a digest that the policy allows.
    ///
    /// - Parameter casOnly: whether only a CA's own certificate counts, and no registration authority's.
    /// - Throws: ``SCEPError/unknownSigner``, ``SCEPError/invalidSignature``, ``SCEPError/digestBelowFloor(_:)``,
    ///   ``SCEPError/reply(_:)``.
    @inline(never)
    func authenticate(_ message: borrowing SignedData, _ policy: inout Policy, casOnly: Bool) throws(SCEPError) {
        guard let signer = message.signer else { throw .unknownSigner }
        guard policy.permits(signer.digest) else { throw .digestBelowFloor(signer.digest) }
        var list = list
        var failure = SCEPError.unknownSigner
        while let certificate = list.next() {
            guard signer.names(certificate), !casOnly || certificate.extensions.isCA else { continue }
            do throws(DERError) {
                try message.verify(with: certificate.subjectPublicKeyInfo)
                return
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
    ///   leave no room for one. There are servers that make every device one.
    public func haveIssued(_ certificate: borrowing Certificate, mayBeCA: Bool) -> Bool {
        var issuer = signer(of: certificate.signed, named: certificate.issuer, .keyCertSign)
        guard !issuer.isEmpty else { return false }
        guard !mayBeCA, certificate.extensions.isCA else { return true }
        // Whether the path lengths of the CAs above leave room for another one (RFC 5280, 4.2.1.9). Two CAs can have
        // certified each other.
        for count in 0..<Self.maximumCount {
            guard let ca = try? Certificate(bytes.extracting(issuer)) else { return false }
            if let greatest = ca.extensions.pathLength, count >= greatest { return false }
            if ca.isSelfIssued { return true }
            issuer = signer(of: ca.signed, named: ca.issuer, .keyCertSign)
            if issuer.isEmpty { return true }
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
    public func include(oneOf fingerprints: borrowing Fingerprints) -> Bool {
        var list = list
        while let certificate = list.next() {
            if fingerprints.contain(certificate.encoding) { return true }
        }
        return false
    }

    func contain(_ encoding: Span<UInt8>) -> Bool {
        var list = list
        while let certificate = list.next() {
            if areEqual(certificate.encoding, encoding) { return true }
        }
        return false
    }
}

extension CACertificates {
    mutating func choose(_ bit: Int32, _ certificate: borrowing Certificate) {
        if !contain(certificate.encoding) { chosen |= bit }
    }

    /// Chooses what those that are chosen issued, and what these issued, and so on.
    ///
    /// - Parameter isNext: whether the current CA vouches for all: they may become valid in the future, and a
    ///   registration authority needs no mark.
    @inline(never)
    mutating func chooseIssued(_ policy: inout Policy, _ moment: Moment, isNext: Bool) throws(SCEPError) {
        var sawUnmarkedRA = false
        var before: Int32
        // Every round chooses one level more, so there are at most as many rounds as certificates.
        repeat {
            before = chosen
            // A certificate that cannot be read cannot be trusted, and others may still do.
            var list = all
            while let certificate = list.next() {
                guard !contain(certificate.encoding), !moment.isOver(certificate.notAfter),
                    isNext || !moment.isBefore(certificate.notBefore), haveIssued(certificate, mayBeCA: false)
                else { continue }
                let extensions = certificate.extensions
                // What is critical and not judged here forbids its use (RFC 5280, 4.2); a pin would allow it.
                guard policy.permits(certificate.signed.algorithm.digest), !extensions.hasUnknownCritical else {
                    continue
                }
                guard extensions.isCA || extensions.isRegistrationAuthority || isNext || policy.permitsUnmarkedRA()
                else {
                    sawUnmarkedRA = true
                    continue
                }
                chosen |= list.bit
            }
        } while chosen != before
        // Without its RA the CA would be asked in a way that it does not expect.
        guard !sawUnmarkedRA else { throw .unmarkedRA }
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
            guard size <= trusted.count else { throw .tooManyCACertificates }
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
    func isSigner(of signed: borrowing Signed, named name: Span<UInt8>, _ usage: KeyUsage) -> Bool {
        guard extensions.isCA, extensions.keyUsage?.contains(usage) ?? true, areEqual(subject, name) else {
            return false
        }
        do throws(CryptoError) {
            try signed.verify(signedBy: subjectPublicKeyInfo)
            return true
        } catch {
            return false
        }
    }
}
