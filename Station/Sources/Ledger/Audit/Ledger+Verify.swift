/// What is wrong with an audit trail: the first thing that was found.
public enum AuditFault: Error, Equatable {
    /// An entry is not what its digest is of.
    case altered(sequence: Int)
    /// An entry does not follow the one before it.
    case broken(sequence: Int)
    /// Numbers are missing before this one.
    case gap(sequence: Int)
    /// A checkpoint names an entry that is not there: the end of the trail was cut off.
    case truncated(last: Int, checkpoint: Int)
    /// At a checkpoint, the trail is another one.
    case replaced(checkpoint: Int)
    /// The tables say something else of a device than the trail does.
    case tableDiffers(serial: String, attempt: Int)
    /// The table has another quota of a batch than the trail says.
    case quotaDiffers(batch: String)
    /// So many certificates that the trail names are in no table.
    case certificatesMissing(Int)
}

extension AuditFault: CustomStringConvertible {
    public var description: String {
        switch self {
        case .altered(let sequence): "entry \(sequence) was altered: its digest is not that of what it says"
        case .broken(let sequence): "entry \(sequence) does not follow entry \(sequence - 1): one of them was replaced"
        case .gap(let sequence): "entries before \(sequence) are missing"
        case .truncated(let last, let checkpoint):
            "the trail ends at entry \(last), and a checkpoint was signed at \(checkpoint): its end was cut off"
        case .replaced(let checkpoint):
            "entry \(checkpoint) is not the one that a checkpoint was signed at: the trail was made anew"
        case .tableDiffers(let serial, let attempt):
            "what the tables have of attempt \(attempt) of \(serial) is not what the trail says"
        case .quotaDiffers(let batch): "the quota of batch \(batch) is not the one that the trail says"
        case .certificatesMissing(let count): "\(count) certificates that the trail names are missing from the tables"
        }
    }
}

/// How an audit trail ends, if it is whole.
public struct AuditHead: Sendable, Equatable {
    /// 0 for an empty trail.
    public let sequence: Int
    public let digest: String

    static func read(_ session: any Session) throws -> AuditHead {
        let row = try session.run("SELECT seq, digest FROM audit ORDER BY seq DESC LIMIT 1").first
        return AuditHead(
            sequence: try row?.integer("seq") ?? 0, digest: try row?.text("digest") ?? AuditEntry.beginning)
    }
}

extension Ledger {
    /// Goes through the whole audit trail, and holds against it what the tables say of each device: its attempts, how far each
    /// came, and its certificates.
    ///
    /// A trail that is whole in itself may still be cut short, or made anew by whoever can write the tables: that is seen
    /// against checkpoints which were kept elsewhere.
    ///
    /// - Parameter checkpoints: what the trail was when they were signed: each has to hold. Their signatures were verified.
    /// - Throws: ``AuditFault``, ``LedgerError``.
    @discardableResult
    public func verifyAudit(against checkpoints: [AuditHead] = []) throws -> AuditHead {
        let expected = Dictionary(grouping: checkpoints, by: \.sequence)
        return try database.read { session in
            var head = AuditHead(sequence: 0, digest: AuditEntry.beginning)
            var replay = Replay()
            try session.forEachRow("SELECT \(AuditEntry.columns) FROM audit ORDER BY seq", []) { row in
                let (entry, stored) = try AuditEntry.read(row)
                guard entry.sequence == head.sequence + 1 else { throw AuditFault.gap(sequence: entry.sequence) }
                guard entry.previous == head.digest else { throw AuditFault.broken(sequence: entry.sequence) }
                guard entry.digest == stored else { throw AuditFault.altered(sequence: entry.sequence) }
                if let signed = expected[entry.sequence], signed.contains(where: { $0.digest != stored }) {
                    throw AuditFault.replaced(checkpoint: entry.sequence)
                }
                head = AuditHead(sequence: entry.sequence, digest: stored)
                replay.take(entry)
            }
            if let last = expected.keys.max(), last > head.sequence {
                throw AuditFault.truncated(last: head.sequence, checkpoint: last)
            }
            try compare(replay, in: session)
            return head
        }
    }

    /// The last entry, of which a checkpoint is signed.
    public func auditHead() throws -> AuditHead { try database.read { try AuditHead.read($0) } }
}
