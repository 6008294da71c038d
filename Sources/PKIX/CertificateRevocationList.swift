import DER
import DeviceCrypto

/// A complete CRL of one CA (RFC 5280, 5), as it stands in a buffer. Its entries are only read when one is looked up.
public struct CertificateRevocationList: ~Escapable {
    /// The whole CRL, and its signature.
    public let signed: Signed
    private let issuerRange: Range<Int>
    /// Seconds since 1970-01-01T00:00:00Z.
    public let thisUpdate: Int64
    /// When the next CRL is due at the latest; RFC 5280, 5.1.2.5 asks for it, X.509 does not.
    public let nextUpdate: Int64?
    /// Offsets of the entries.
    private let entries: Range<Int>

    /// Reads the next element of `reader` as a CRL.
    ///
    /// - Throws: ``DERError``; `unknownCriticalExtension` for one that is not complete, or not only its issuer's
    ///   (RFC 5280, 5.2.4 and 5.2.5).
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
        if let wrapped = try tbs.readIfPresent(.contextConstructed(0)) {
            var content = wrapped.reader
            try Self.refuseCritical(try content.read(.sequence))
            try content.finish()
        }
        try tbs.finish()
    }

    /// A Name with its SEQUENCE header.
    public var issuer: Span<UInt8> {
        @_lifetime(copy self) get { signed.part(issuerRange) }
    }

    /// Whether the certificate with this serial number, the content of its INTEGER, is revoked or on hold.
    ///
    /// All entries are read: one that cannot be understood makes the whole list useless (RFC 5280, 5.3).
    ///
    /// - Throws: ``DERError``: `unknownCriticalExtension`; DER's own.
    public func revokes(_ serialNumber: Span<UInt8>) throws(DERError) -> Bool {
        var isRevoked = false
        var list = DERReader(signed.bytes, in: entries)
        while !list.isAtEnd {
            var entry = try list.enter()
            let number = try entry.read(.integer)
            _ = try entry.read()
            if let extensions = try entry.readIfPresent(.sequence) { try Self.refuseCritical(extensions) }
            try entry.finish()
            if areEqual(number.contents, serialNumber) { isRevoked = true }
        }
        return isRevoked
    }

    /// No extension of a CRL or an entry that can be critical is understood here.
    @inline(never)
    private static func refuseCritical(_ extensions: borrowing DERElement) throws(DERError) {
        var list = extensions.reader
        while !list.isAtEnd {
            let start = list.position
            var item = try list.enter()
            _ = try item.read(.objectIdentifier)
            if let flag = try item.readIfPresent(.boolean), try flag.boolean() {
                throw DERError(.unknownCriticalExtension, at: start)
            }
            _ = try item.read(.octetString)
            try item.finish()
        }
    }
}
