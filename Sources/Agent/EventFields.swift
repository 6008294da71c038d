import Bytes
import DER
import DeviceCrypto
import PKIX

/// Who takes the fields of an event and gives them a form: a line, JSON.
public protocol EventFields: ~Copyable {
    /// - Parameter bytes: text in ASCII.
    mutating func field(_ name: StaticString, bytes: Span<UInt8>)
    mutating func field(_ name: StaticString, hex: Span<UInt8>)
    mutating func field(_ name: StaticString, number: Int)
    /// - Parameter time: seconds since 1970-01-01T00:00:00Z.
    mutating func field(_ name: StaticString, time: Int64)
    /// - Parameter der: a Name, with its SEQUENCE header.
    mutating func field(_ name: StaticString, name der: Span<UInt8>)
}

extension Event {
    /// Writes the fields; Docs/Lifecycle.md says what they mean.
    ///
    /// - Parameter work: the buffer in which the event's ranges lie.
    public borrowing func write<F: EventFields & ~Copyable>(to fields: inout F, _ work: Span<UInt8>) {
        fields.field("operation", bytes: operation.name)
        fields.field("outcome", bytes: outcome.name)
        if let failure { fields.field("error", bytes: failure.text(work).kind) }
        // What cannot be read is left out.
        let bytes = work.extracting(certificate ?? 0..<0)
        let parsed = try? Certificate(bytes)
        if let parsed {
            fields.field("serial", hex: parsed.shownSerialNumber)
            fields.field("notAfter", time: parsed.notAfter)
            fields.field("fingerprint", hex: Hash.digest(.sha256, of: bytes).bytes)
        }
        if let transactionID { fields.field("transactionID", bytes: transactionID.span) }
        fields.field("next", bytes: next.name)
        if let seconds = next.seconds { fields.field("in", number: seconds) }
        if let time = next.time { fields.field("at", time: time) }
        // The subject is last, since it may be long.
        if let parsed { fields.field("subject", name: parsed.subject) }
    }
}
