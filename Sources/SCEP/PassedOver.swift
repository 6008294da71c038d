import PKIX

/// A certificate that came with the CA's, and is not trusted.
public struct PassedOver: Equatable, Sendable {
    /// Offsets in the buffer that it stands in.
    public let certificate: Range<Int>
    /// What it would be.
    public let role: Certificate.Role
    public let reason: Reason

    public init(certificate: Range<Int>, role: Certificate.Role, reason: Reason) {
        (self.certificate, self.role, self.reason) = (certificate, role, reason)
    }

    public enum Reason: Equatable, Sendable {
        /// It cannot be read.
        case unreadable
        /// No CA that is trusted signed it.
        case notSigned
        /// One may have, with an algorithm that is unknown here.
        case unknownSignatureAlgorithm
        case expired
        case notYetValid
        /// The offsets are those of the extension's identifier, its contents: see ``PKIX/Certificate/forbiddingExtension``.
        case criticalExtension(Range<Int>)
        /// It says that it is a CA, and its keyUsage that it is none; or it is of version 1, and not pinned.
        case notCA
        /// The path lengths above leave no space for another CA (RFC 5280, 4.2.1.9).
        case pathLength
        /// It is signed with a digest below the floor.
        case weakDigest
        case unusableKey(KeyDefect)
        /// A CA's that has no keyUsage, as every device's may be that a careless CA calls one.
        case caWithoutKeyUsage
        /// A registration authority's, if anybody's, that nothing marks as one.
        case unmarkedRA
    }

    /// Whether a trusted CA made it for a CA or an RA, so that requests may now go to somebody else than they should.
    public var matters: Bool { reason != .notSigned && reason != .notCA && (role != .other || reason == .unreadable) }

    /// The first few, in the order in which they stand.
    public struct List: Sendable {
        private var items = InlineArray<4, PassedOver>(
            repeating: PassedOver(certificate: 0..<0, role: .other, reason: .notSigned))
        public private(set) var count = 0

        public init() {}

        public subscript(index: Int) -> PassedOver { items[index] }

        mutating func append(_ item: PassedOver) {
            guard count < items.count else { return }
            items[count] = item
            count &+= 1
        }
    }
}
