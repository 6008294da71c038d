/// Why a batch's quota was not changed.
public enum QuotaError: Error, Equatable {
    case noBatch(String)
    /// A reason is part of the record.
    case noReason
    /// So many devices have, or may get, a certificate.
    case belowMade(batch: String, made: Int)
    case same(batch: String, quota: Int)
}

extension QuotaError: CustomStringConvertible {
    public var description: String {
        switch self {
        case .noBatch(let name): "the ledger has no batch '\(name)': `scep-station status` lists them"
        case .noReason: "say why: the reason is part of the record"
        case .belowMade(let batch, let made):
            "\(made) devices of batch \(batch) have, or may get, a certificate: its quota cannot be less"
        case .same(let batch, let quota): "batch \(batch) has a quota of \(quota) already"
        }
    }
}

extension Ledger {
    /// Changes how many devices of a batch may get a certificate; recorded with who and why.
    ///
    /// - Returns: the quota before; nil if there was none.
    @discardableResult
    public func setQuota(_ quota: Int, of batch: String, reason: String, by actor: Actor) throws -> Int? {
        guard !reason.allSatisfy(\.isWhitespace) else { throw QuotaError.noReason }
        return try database.write { session in
            guard let row = try session.run("SELECT quota FROM batches WHERE name = $1", [.text(batch)]).first else {
                throw QuotaError.noBatch(batch)
            }
            let before = try row.integerIfAny("quota")
            guard before != quota else { throw QuotaError.same(batch: batch, quota: quota) }
            let made = try placesTaken(in: batch, session)
            guard quota >= made else { throw QuotaError.belowMade(batch: batch, made: made) }
            try session.run(
                "UPDATE batches SET quota = $1 WHERE name = $2", [SQLValue(quota), .text(batch)])
            try append(
                "quota", batch,
                ["before": before.map(JSON.number), "quota": .number(quota), "reason": .text(reason)], by: actor,
                in: session)
            return before
        }
    }
}
