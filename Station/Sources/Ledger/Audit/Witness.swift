import Foundation

/// What a station saw of the audit trail last, in a file of its own. A ledger that does not have it is an older copy, or another
/// one: whoever goes on with it makes again what was made already.
public struct Witness: Sendable {
    private let file: URL

    public init(file: URL) { self.file = file }

    private struct Head: Codable {
        let sequence: Int
        let digest: String
    }

    /// Fails if the ledger does not have what was seen.
    ///
    /// - Throws: ``WitnessError``, ``LedgerError``.
    public func check(_ ledger: Ledger) throws {
        guard let seen = try? JSONDecoder().decode(Head.self, from: Data(contentsOf: file)) else { return }
        let digest = try ledger.database.read { session in
            try session.run("SELECT digest FROM audit WHERE seq = $1", [SQLValue(seen.sequence)]).first?.text("digest")
        }
        guard digest == seen.digest else {
            throw WitnessError(ledger: ledger.database.name, sequence: seen.sequence)
        }
    }

    /// Takes note of the trail as it is now.
    public func note(_ ledger: Ledger) throws {
        let head = try ledger.auditHead()
        guard head.sequence > 0 else { return }
        let content = try JSONEncoder().encode(Head(sequence: head.sequence, digest: head.digest))
        do {
            try content.write(to: file, options: .atomic)
        } catch {
            throw LedgerError.full("\(file.path) cannot be written (\(error.localizedDescription))")
        }
    }
}

/// The ledger is not the one that the station worked with last.
public struct WitnessError: Error, Equatable, CustomStringConvertible {
    let ledger: String
    let sequence: Int

    public var description: String {
        "\(ledger) does not have entry \(sequence) of the audit trail as this station saw it: it is an older copy, or another ledger, and "
            + "devices would be made a second time. Bring back the one that this station worked with, or say --accept-ledger"
    }
}
