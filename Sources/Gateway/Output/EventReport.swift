import Agent
import Bytes
import DER
import DeviceCrypto
import PKIX

extension Report {
    /// Adds an event's fields: those that Docs/Lifecycle.md has for its line, with the whole subject.
    ///
    /// - Parameter work: the buffer in which the event's ranges lie.
    mutating func event(_ event: borrowing Event, _ work: Span<UInt8>) {
        if let operation = event.operation {
            field("operation", bytes: operation.name)
        } else {
            field("operation", "-")
        }
        field("outcome", bytes: event.outcome.name)
        if let error = event.failure { field("error", bytes: error.text(work).kind) }
        let bytes = work.extracting(event.certificate ?? 0..<0)
        let certificate = try? Certificate(bytes)
        if let certificate {
            field("serial", hex: certificate.serialNumber)
            field("notAfter", time: certificate.notAfter)
            field("fingerprint", hex: Hash.digest(.sha256, of: bytes).bytes)
        }
        if let transactionID = event.transactionID { field("transactionID", bytes: transactionID.span) }
        field("next", bytes: event.next.name)
        if let time = event.next.time { field("at", time: time) }
        if let seconds = event.next.seconds { field("in", number: seconds) }
        if let certificate { field("subject", text: Text(name: certificate.subject)) }
    }
}
