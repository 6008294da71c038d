import Foundation
import Ledger
import Signing

/// The record of a batch, as it is at one moment, for people and for programs.
public struct Report {
    public enum Format: String, CaseIterable, Sendable {
        /// For people: a page that prints, with nothing to load.
        case html
        /// For spreadsheets: RFC 4180, one device a row.
        case csv
        /// For programs: one device a line.
        case ndjson
        /// For a cloud's registration, and for auditors: one device a line, each signed, and a last line with the totals.
        case jws
    }

    let ledger: Ledger
    let batch: String
    let key: StationKey
    let actor: Actor
    let chain: CertificateChain

    /// - Parameters:
    ///   - actor: who reports, at which station.
    ///   - chain: the CA's certificates, for ``Format/jws``.
    public init(of batch: String, in ledger: Ledger, key: StationKey, by actor: Actor, chain: CertificateChain = .none)
    {
        self.ledger = ledger
        self.batch = batch
        self.key = key
        self.actor = actor
        self.chain = chain
    }

    /// Writes it piece by piece: a batch of any size takes the memory of a few devices.
    ///
    /// - Returns: the checkpoint of the audit trail in the state that was reported; nil for an empty trail. HTML and JWS have it.
    /// - Throws: ``ReportError``, ``LedgerError``, what `out` throws.
    @discardableResult
    public func write(_ format: Format, to out: @escaping (String) throws -> Void) throws -> String? {
        switch format {
        case .html: try HTMLReport(self, out).write()
        case .csv: try CSVReport(self, out).write()
        case .ndjson: try JSONReport(self, out).write()
        case .jws: try SignedReport(self, out).write()
        }
    }

    /// Hands out the batch's figures, and then a reader of its devices in the same state.
    func read(_ body: (BatchFigures, BatchReader) throws -> Void) throws -> AuditHead {
        try ledger.readBatch(batch) { reader in
            guard let figures = try reader.figures() else { throw ReportError.noBatch(batch) }
            try body(figures, reader)
            return try reader.auditHead()
        }
    }

    func checkpoint(at head: AuditHead) throws -> String? {
        try ledger.signCheckpoint(by: key, of: actor, at: head)
    }
}

public enum ReportError: Error, Equatable, CustomStringConvertible {
    case noBatch(String)
    /// The file with the CA's certificates.
    case noCertificates(String)
    /// The given certificates do not lead on from a device's.
    case noIssuer(serial: String, issuer: String)

    public var description: String {
        switch self {
        case .noBatch(let name): "the ledger has no batch '\(name)': `scep-station status` lists them"
        case .noCertificates(let file): "\(file) holds no certificates in PEM"
        case .noIssuer(let serial, let issuer):
            "the certificate of \(serial) was issued by \(issuer), which is not among the given ones: add it to the file"
        }
    }
}
