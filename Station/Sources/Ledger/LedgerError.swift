/// Why a ledger did not do something.
public enum LedgerError: Error, Equatable {
    /// The database cannot be reached, for now: the network, the server, a lock that another program keeps.
    case unavailable(String)
    /// A station worked on without it for as long as it may.
    case unsynced(since: String)
    /// The machine's clock was never set: what it says stands in the record.
    case clockUnset(String)
    /// The disk is full.
    case full(String)
    /// What is there cannot be opened: no right to, no folder, no database of that name.
    case notOpened(String)
    /// Who works here may read it, and not write it.
    case readOnly(String)
    /// It is a database, but none of a ledger.
    case foreign(String)
    /// A program of a later version made it.
    case newer(version: Int, known: Int)
    /// What is there is not what the ledger wrote.
    case damaged(String)
    /// A statement was refused: a defect of this program, or a rule of the tables that it broke.
    case refused(String)
}

extension LedgerError: CustomStringConvertible {
    public var description: String {
        switch self {
        case .unavailable(let what): "the ledger cannot be reached: \(what)"
        case .unsynced(let moment):
            "the ledger is away, and this station has worked on without it since \(moment), as long as --max-unsynced has it: bring the ledger back; nothing is lost"
        case .clockUnset(let moment):
            "this machine's clock says \(moment), which cannot be: set it, as by NTP, and go on; nothing is recorded with a wrong time"
        case .full(let what):
            "the ledger cannot be written, its disk is full: \(what); nothing was lost, make space and go on"
        case .notOpened(let what): "the ledger cannot be opened: \(what)"
        case .readOnly(let what):
            "the ledger can only be read here: \(what); nothing was recorded. Status, reports, the dashboard and `audit verify` need no more; for all else this user has to be let write it, and the folder that it is in"
        case .foreign(let name): "\(name) is a database, but no station's ledger; name another file or database"
        case .newer(let version, let known):
            "the ledger has version \(version), and this program knows \(known): use the newer program, or a ledger of its own"
        case .damaged(let what):
            "the ledger was changed by something else, or is damaged: \(what); go back to a backup, and keep this one for the inquiry"
        case .refused(let what): "the ledger refused a statement: \(what)"
        }
    }
}
