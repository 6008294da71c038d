import Bytes

/// What a certificate is to a device that trusts it. It is asked here, and nowhere else.
extension Certificate {
    public enum Role: Equatable, Sendable {
        /// A CA's: see ``Certificate/isCA``.
        case ca
        /// A registration authority's, which is marked as one.
        case ra
        /// That of somebody whom nothing marks as either.
        case other
    }

    public var role: Role {
        @inline(never) get { isCA ? .ca : extensions.isRegistrationAuthority ? .ra : .other }
    }

    /// Whether this is a CA's certificate: cA is TRUE and, where there is a keyUsage, it has keyCertSign (RFC 5280,
    /// 4.2.1.9 and 4.2.1.3).
    ///
    /// Of version 1, which cannot say so, it is one that names itself as its issuer: to be taken only if it is pinned
    /// itself, which is for ``SCEP/GetCACert`` to see to.
    public var isCA: Bool {
        @inline(never) get {
            if version == 1 { return isSelfIssued }
            return extensions.cA && extensions.keyUsage?.contains(.keyCertSign) ?? true
        }
    }

    /// Offsets of the identifier of an extension, its contents, that forbids to use this certificate unless it is
    /// pinned: one that is critical and not checked here (RFC 5280, 4.2), as extKeyUsage is not in a CA's certificate.
    /// Empty if there is none.
    public var forbiddingExtension: Range<Int> {
        guard extensions.unknownCritical.isEmpty else { return extensions.unknownCritical }
        return extensions.cA ? extensions.criticalExtKeyUsage : extensions.unknownCritical
    }
}
