import Foundation
import Signing

/// What a station says of the audit trail at one moment, signed: kept elsewhere, or printed on a report, it shows whether the trail
/// lost its end, or was made anew.
///
/// A JWS whose payload is canonical JSON: `{"at":…,"digest":…,"seq":…,"station":…}`.
public struct Checkpoint: Sendable, Equatable {
    public let sequence: Int
    /// Of that entry, SHA-256, hexadecimal.
    public let digest: String
    public let station: String
    public let at: String

    /// The trail's end when it was signed.
    public var head: AuditHead { AuditHead(sequence: sequence, digest: digest) }

    private struct Payload: Codable {
        let at: String
        let digest: String
        let seq: Int
        let station: String
    }

    /// - Throws: ``Signing/SigningError/notSigned`` for what was not signed by the key, or is no checkpoint.
    public init(_ jws: String, by key: VerifyingKey) throws {
        let bytes = try key.payload(of: jws)
        guard let payload = try? JSONDecoder().decode(Payload.self, from: Data(bytes)) else {
            throw SigningError.notSigned
        }
        (sequence, digest, station, at) = (payload.seq, payload.digest, payload.station, payload.at)
    }
}

extension Ledger {
    /// Signs a checkpoint of the trail, and keeps it in the ledger, too, where that can be written.
    ///
    /// - Parameter head: as it was when something was read that the checkpoint is to stand on; as it is now by default.
    /// - Returns: a JWS in its compact form; nil for an empty trail.
    public func signCheckpoint(by key: StationKey, of actor: Actor, at head: AuditHead? = nil) throws -> String? {
        let head = try head ?? auditHead()
        guard head.sequence > 0 else { return nil }
        let known = try database.read { session in
            try session.run(
                "SELECT signature FROM checkpoints WHERE station = $1 AND seq = $2",
                [.text(actor.station), SQLValue(head.sequence)]
            ).first?.text("signature")
        }
        if let known, let checkpoint = try? Checkpoint(known, by: key.verifier), checkpoint.digest == head.digest {
            return known
        }
        let payload: JSON = [
            "at": .text("\(try moment())"), "digest": .text(head.digest), "seq": .number(head.sequence),
            "station": .text(actor.station),
        ]
        let jws = try key.sign(payload.encoding)
        guard known == nil else { return jws }
        do {
            _ = try database.write { session in
                try session.run(
                    "INSERT INTO checkpoints (station, seq, digest, signature) VALUES ($1, $2, $3, $4)",
                    [.text(actor.station), SQLValue(head.sequence), .text(head.digest), .text(jws)])
            }
        } catch LedgerError.readOnly, LedgerError.full {
            // Whoever has it can hold the ledger against it all the same.
        }
        return jws
    }

    /// How many checkpoints the ledger itself has, of whatever key.
    public func checkpointCount() throws -> Int {
        try database.read { try $0.run("SELECT count(*) AS number FROM checkpoints").first?.integer("number") ?? 0 }
    }

    /// The checkpoints that the ledger itself has of a station: against those who can write the audit trail but do not have the
    /// station's key.
    public func checkpoints(of key: VerifyingKey) throws -> [Checkpoint] {
        try database.read { session in
            try session.run("SELECT signature FROM checkpoints ORDER BY seq").compactMap {
                try? Checkpoint(try $0.text("signature"), by: key)
            }
        }
    }
}
