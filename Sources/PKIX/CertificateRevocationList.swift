import DER
import DeviceCrypto

/// A CRL of one CA (RFC 5280, 5), as it stands in a buffer. Its entries are only read when one is looked up.
///
/// ```
/// TBSCertList ::= SEQUENCE {
///     version              INTEGER { v2(1) } OPTIONAL,
///     signature            AlgorithmIdentifier,
///     issuer               Name,
///     thisUpdate           Time,
///     nextUpdate           Time OPTIONAL,
///     revokedCertificates  SEQUENCE OF SEQUENCE {
///         userCertificate     INTEGER,
///         revocationDate      Time,
///         crlEntryExtensions  Extensions OPTIONAL } OPTIONAL,
///     crlExtensions    [0] EXPLICIT Extensions OPTIONAL }
/// ```
///
/// Passed over: revocationDate, and extensions of entries and list that are not critical.
public struct CertificateRevocationList: ~Escapable {
    /// Why a list does not say of a certificate, for every reason, whether it is revoked.
    public enum Limit: UInt8, Equatable, Sendable {
        /// It has the changes since another list alone (RFC 5280, 5.2.4).
        case delta = 1
        /// onlyContainsUserCerts (RFC 5280, 5.2.5, as all that follow), and the certificate is a CA's.
        case userCertificates
        /// onlyContainsCACerts
        case caCertificates
        /// onlySomeReasons
        case someReasons
        /// indirectCRL
        case indirect
        /// onlyContainsAttributeCerts
        case attributeCertificates
        /// It is for another distribution point than the certificate names.
        case otherDistributionPoint
    }

    /// The whole CRL, and its signature.
    public let signed: Signed
    private let issuerRange: Range<Int>
    /// Seconds since 1970-01-01T00:00:00Z.
    public let thisUpdate: Int64
    /// When the next CRL is due at the latest; RFC 5280, 5.1.2.5 asks for it, X.509 does not.
    public let nextUpdate: Int64?
    /// Offsets of the entries.
    private let entries: Range<Int>
    private let scope: Scope

    /// Reads the next element of `reader` as a CRL.
    ///
    /// - Throws: ``DER/DERError``; `unknownCriticalExtension` (RFC 5280, 5.2); on a small image (``DeviceCrypto/Footprint``), also for a list
    ///   that may cover a part only.
    @_lifetime(copy reader)
    public init(_ reader: inout DERReader) throws(DERError) {
        signed = try Signed(&reader)
        var tbs = try signed.reader
        if let version = try tbs.readIfPresent(.integer) { _ = try version.smallInteger(atMost: 1) }
        try signed.readAlgorithm(&tbs)
        issuerRange = try tbs.read(.sequence).range
        thisUpdate = try readTime(&tbs)
        let isDue = tbs.nextTag == .utcTime || tbs.nextTag == .generalizedTime
        nextUpdate = isDue ? try readTime(&tbs) : nil
        entries = try tbs.readIfPresent(.sequence)?.content ?? 0..<0
        var scope = Scope()
        if let wrapped = try tbs.readIfPresent(.contextConstructed(0)) {
            var content = wrapped.reader
            var list = try content.enter()
            try content.finish()
            while !list.isAtEnd { try scope.read(Extension(&list)) }
        }
        self.scope = scope
        try tbs.finish()
    }

    /// A Name with its SEQUENCE header.
    public var issuer: Span<UInt8> {
        @_lifetime(copy self) get { signed.part(issuerRange) }
    }

    /// Why the list does not cover `certificate`, which its issuer issued; nil if it does.
    public func limit(for certificate: borrowing Certificate) -> Limit? {
        guard Footprint.isUnconstrained else { return nil }
        if let limit = scope.limit { return limit }
        if scope.isOfUsers, certificate.isCA { return .userCertificates }
        guard !scope.names.isEmpty else { return nil }
        return certificate.isCovered(by: DERReader(signed.bytes, in: scope.names)) ? nil : .otherDistributionPoint
    }

    /// Why the list does not cover every certificate of a user; nil if that depends on the certificate, or it does.
    public var limit: Limit? { scope.limit }

    /// Whether the certificate with this serial number, the content of its INTEGER, is revoked or on hold.
    ///
    /// All entries are read: one that cannot be understood makes the whole list useless (RFC 5280, 5.3).
    ///
    /// - Throws: ``DER/DERError``: `unknownCriticalExtension`; DER's own.
    public func revokes(_ serialNumber: Span<UInt8>) throws(DERError) -> Bool {
        var isRevoked = false
        var list = DERReader(signed.bytes, in: entries)
        while !list.isAtEnd {
            var entry = try list.enter()
            let number = try entry.read(.integer)
            _ = try entry.read()
            if let extensions = try entry.readIfPresent(.sequence) { try Self.check(extensions) }
            try entry.finish()
            if areEqual(number.contents, serialNumber) { isRevoked = true }
        }
        return isRevoked
    }

    /// Reads what an entry says of itself: a reason, whichever it is, revokes. That one is no longer revoked can stand in
    /// a delta only (RFC 5280, 5.3.1).
    @inline(never)
    private static func check(_ extensions: borrowing DERElement) throws(DERError) {
        var list = extensions.reader
        while !list.isAtEnd {
            let item = try Extension(&list)
            // reasonCode, whose one byte is 8 for removeFromCRL; invalidityDate
            let isUnknown =
                item.number == 21
                ? item.value.content.isEmpty || item.value.bytes[item.value.content.upperBound &- 1] == 8
                : item.isCritical && item.number != 24
            if isUnknown { throw DERError(.unknownCriticalExtension, at: item.start) }
        }
    }
}

/// What a list is for.
private struct Scope {
    var limit: CertificateRevocationList.Limit?
    var isOfUsers = false
    /// Offsets of the GeneralNames of its distribution point; empty when it names none.
    var names = 0..<0

    mutating func read(_ item: borrowing Extension) throws(DERError) {
        if Footprint.isUnconstrained, item.number == 27 {  // deltaCRLIndicator
            limit = .delta
        } else if Footprint.isUnconstrained, item.number == 28 {
            var value = item.value.reader
            var point = try value.enter()
            try value.finish()
            try readPoint(&point)
        } else if item.isCritical {
            throw DERError(.unknownCriticalExtension, at: item.start)
        }
    }

    /// Reads the content of an IssuingDistributionPoint (RFC 5280, 5.2.5).
    ///
    /// ```
    /// IssuingDistributionPoint ::= SEQUENCE {
    ///     distributionPoint          [0] DistributionPointName OPTIONAL,
    ///     onlyContainsUserCerts      [1] BOOLEAN DEFAULT FALSE,
    ///     onlyContainsCACerts        [2] BOOLEAN DEFAULT FALSE,
    ///     onlySomeReasons            [3] ReasonFlags OPTIONAL,
    ///     indirectCRL                [4] BOOLEAN DEFAULT FALSE,
    ///     onlyContainsAttributeCerts [5] BOOLEAN DEFAULT FALSE }
    ///
    /// DistributionPointName ::= CHOICE {
    ///     fullName                [0] SEQUENCE OF GeneralName,
    ///     nameRelativeToCRLIssuer [1] RelativeDistinguishedName }
    /// ```
    private mutating func readPoint(_ point: inout DERReader) throws(DERError) {
        while !point.isAtEnd {
            let field = try point.read()
            var found: CertificateRevocationList.Limit?
            switch field.tag {
            case .contextConstructed(0):
                var name = field.reader
                let full = try name.read()
                try name.finish()
                // A name relative to the issuer's is compared with nothing here.
                if full.tag == .contextConstructed(0) { names = full.content } else { found = .otherDistributionPoint }
            case .context(1): if try isTrue(field) { isOfUsers = true }
            case .context(2): if try isTrue(field) { found = .caCertificates }
            case .context(3): found = .someReasons
            case .context(4): if try isTrue(field) { found = .indirect }
            case .context(5): if try isTrue(field) { found = .attributeCertificates }
            default: throw DERError(.unexpectedTag, at: field.start)
            }
            limit = limit ?? found
        }
    }

    private func isTrue(_ field: borrowing DERElement) throws(DERError) -> Bool {
        guard field.content.count == 1 else { throw DERError(.invalidBoolean, at: field.start) }
        return field.contents[0] != 0
    }
}

extension Certificate {
    /// Whether one of a distribution point's names is one of this certificate's distribution points (RFC 5280, 6.3.3).
    /// A certificate without any depends on whoever looked the list up for it: a CA does so when it is asked by GetCRL.
    ///
    /// ```
    /// CRLDistributionPoints ::= SEQUENCE OF SEQUENCE {
    ///     distributionPoint  [0] DistributionPointName OPTIONAL,
    ///     reasons            [1] ReasonFlags OPTIONAL,
    ///     cRLIssuer          [2] GeneralNames OPTIONAL }
    /// ```
    ///
    /// Passed over: reasons and cRLIssuer, since a list of some reasons, or of another issuer, is refused by what it
    /// says itself.
    fileprivate func isCovered(by names: DERReader) -> Bool {
        do throws(DERError) {
            guard var points = try distributionPoints() else { return true }
            return try Self.haveCommon(&points, names)
        } catch {
            return false
        }
    }

    private static func haveCommon(_ points: inout DERReader, _ names: DERReader) throws(DERError) -> Bool {
        while !points.isAtEnd {
            var point = try points.enter()
            guard let field = try point.readIfPresent(.contextConstructed(0)) else { continue }
            var name = field.reader
            guard let full = try name.readIfPresent(.contextConstructed(0)) else { continue }
            var own = full.reader
            while !own.isAtEnd {
                let one = try own.read()
                var others = names
                while !others.isAtEnd {
                    if areEqual(one.encoding, try others.read().encoding) { return true }
                }
            }
        }
        return false
    }

    /// A reader of the value of cRLDistributionPoints (RFC 5280, 4.2.1.13); nil if there is none.
    @_lifetime(copy self)
    private func distributionPoints() throws(DERError) -> DERReader? {
        var tbs = try signed.reader
        while !tbs.isAtEnd {
            let field = try tbs.read()
            guard field.tag == .contextConstructed(3) else { continue }
            var content = field.reader
            var list = try content.enter()
            while !list.isAtEnd {
                let item = try Extension(&list)
                if item.number == 31 {
                    var value = item.value.reader
                    return try value.enter()
                }
            }
        }
        return nil
    }
}
