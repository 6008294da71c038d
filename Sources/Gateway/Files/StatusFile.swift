import Agent
import Bytes
import CLinux
import DER
import DeviceCrypto
import LinuxBoard
import Output
import SCEP

/// What came of the last run, or up to now of one that stays, in the file `status`: lines `name=value`. For `scep status`, and for nothing else: what the
/// agent has to remember is in its store.
struct StatusFile {
    /// When that was, in seconds since 1970.
    var time: Int64 = 0
    /// Of the last failure; empty when the run did all that was due.
    var kind = Text()
    var message = Text()
    /// What is tried next, a word of an event's field `next`; empty when nothing is.
    var next = Text()
    /// When, in seconds since 1970; 0 when that is not known.
    var nextTime: Int64 = 0
    /// SHA-256 of the certificate that the CA said it revoked, in hexadecimal; empty if it said so of none.
    var revoked = Text()
    /// Of the request that the CA has not decided on; empty if there is none.
    var transactionID = Text()
    /// Of the certificate that there is, as the last event had it.
    private(set) var fingerprint = Text()

    /// Whether the CA has said that it revoked this certificate.
    func isRevoked(_ certificate: [UInt8]) -> Bool {
        !revoked.isEmpty && revoked == hexadecimal(Hash.digest(.sha256, of: certificate.span).bytes)
    }

    static func read(in workspace: Workspace) -> StatusFile? {
        guard let bytes = try? InputFile.read(workspace.path + Text("/status"), limit: 4096) else { return nil }
        var status = StatusFile()
        for line in bytes.split(separator: UInt8(ascii: "\n")) {
            guard let equals = line.firstIndex(of: UInt8(ascii: "=")) else { continue }
            let (name, value) = (Text(line[..<equals]), Text(line[(equals + 1)...]))
            if name.equals("time") { status.time = decimal(value) ?? 0 }
            if name.equals("kind") { status.kind = value }
            if name.equals("message") { status.message = value }
            if name.equals("next") { status.next = value }
            if name.equals("next-time") { status.nextTime = decimal(value) ?? 0 }
            if name.equals("revoked") { status.revoked = value }
            if name.equals("transaction") { status.transactionID = value }
        }
        return status
    }

    /// Takes up what happened.
    ///
    /// - Parameters:
    ///   - work: the buffer in which the event's ranges lie.
    ///   - failure: what went wrong, for who runs the program; nil if nothing did.
    mutating func note(_ event: borrowing Event, _ work: Span<UInt8>, _ failure: Failure?, at now: Int64) {
        time = now
        if let certificate = event.certificate {
            fingerprint = hexadecimal(Hash.digest(.sha256, of: work.extracting(certificate)).bytes)
        }
        kind = failure?.kind ?? []
        message = failure?.message ?? []
        next = []
        if let seconds = event.next.seconds {
            next = Text(event.next.name)
            nextTime = now + Int64(seconds)
        }
        switch event.outcome {
        case .pending: transactionID = event.transactionID.map { Text($0.span) } ?? []
        case .issued: transactionID = []
        case .notRevoked: revoked = []
        case .refused: transactionID = []
        default: break
        }
        switch event.failure {
        case .revoked, .scep(_, .revoked, _): revoked = fingerprint
        default: break
        }
    }

    func write(in workspace: Workspace) throws(Failure) {
        var text = Text("time=")
        text.append(decimal: time)
        text.append("\nkind=")
        text.append(kind)
        text.append("\nmessage=")
        text.append(printable: message.span)
        text.append("\nnext=")
        text.append(printable: next.span)
        text.append("\nnext-time=")
        text.append(decimal: nextTime)
        text.append("\nrevoked=")
        text.append(revoked)
        text.append("\ntransaction=")
        text.append(printable: transactionID.span)
        text.append("\n")
        try workspace.replace("status", with: text)
    }
}

/// The number that a text is; nil for any other text, and for more than 18 digits.
func decimal(_ text: Text) -> Int64? {
    guard !text.isEmpty, text.count <= 18 else { return nil }
    var number: Int64 = 0
    for byte in text {
        let digit = byte &- UInt8(ascii: "0")
        guard digit <= 9 else { return nil }
        number = 10 * number + Int64(digit)
    }
    return number
}
