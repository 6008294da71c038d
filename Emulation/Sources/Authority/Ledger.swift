import LibCrypto

/// Every request for a certificate that came with a good signature, refused ones as well: enough to tell whether a
/// device took one key for two transactions, or one password. It holds digests of passwords, never a password.
public struct Ledger: Sendable {
    /// What one transaction asked for. Sent again, it is the same entry.
    public struct Entry: Sendable, Hashable, Codable {
        public let transactionID: String
        /// As which kind of request it came.
        public let messageType: CAMessageType
        /// Serial number of the certificate that a renewal is signed with, hexadecimal; nil in an enrolment.
        public let renews: String?
        /// SHA-256 of the requested key's SubjectPublicKeyInfo, hexadecimal.
        public let key: String
        /// SHA-256 of the challengePassword, hexadecimal; nil when there is none.
        public let challenge: String?

        /// A transaction's name: with the key renewed, a renewal may have the transactionID of the enrolment.
        fileprivate var transaction: [String?] { [transactionID, renews] }
    }

    /// In the order in which they first came.
    public private(set) var entries: [Entry] = []
    /// How often each came.
    public private(set) var counts: [Entry: Int] = [:]

    mutating func record(_ entry: Entry) {
        let count = counts[entry, default: 0]
        if count == 0 { entries.append(entry) }
        counts[entry] = count + 1
    }

    /// The transactionIDs that came with more than one key, sorted.
    public var transactionIDsOfSeveralKeys: [String] {
        Self.several(entries.map { ($0.transactionID, $0.key) })
    }

    /// The digests of the passwords that came in more than one transaction, sorted.
    public var challengesOfSeveralTransactions: [String] {
        Self.several(entries.compactMap { entry in entry.challenge.map { ($0, entry.transaction) } })
    }

    private static func several<Value: Hashable>(_ pairs: [(name: String, value: Value)]) -> [String] {
        Dictionary(grouping: pairs, by: \.name).filter { Set($0.value.map(\.value)).count > 1 }.keys.sorted()
    }
}
