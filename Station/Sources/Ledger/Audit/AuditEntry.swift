import DeviceCrypto

/// What somebody did, as the audit trail has it: each entry names the digest of the one before.
public struct AuditEntry: Sendable, Equatable {
    /// From 1, without a gap.
    public let sequence: Int
    /// ``digest`` of the entry before; 64 zeros in front of the first.
    public let previous: String
    /// UTC, by the station's clock, as ``Timestamp`` writes it. The order of entries is their sequence, never this.
    public let at: String
    /// Which station.
    public let station: String
    /// Which person, or `station` where nobody asked for it.
    public let actor: String
    /// What was done: a word.
    public let action: String
    /// To what: a serial, a batch, a station.
    public let subject: String
    /// What else there is to know: an object of canonical JSON.
    public let detail: String
    /// SHA-256 of ``encoding``, lower-case hexadecimal.
    public let digest: String

    static let beginning = String(repeating: "0", count: 64)

    init(
        sequence: Int, previous: String, at: String, station: String, actor: String, action: String, subject: String,
        detail: String
    ) {
        self.sequence = sequence
        self.previous = previous
        self.at = at
        self.station = station
        self.actor = actor
        self.action = action
        self.subject = subject
        self.detail = detail
        digest = Self.digest(
            Self.encoding(sequence, previous, at, station, actor, action, subject, detail))
    }

    /// The canonical JSON that the digest is of: an object with all of the above but the digest.
    public var encoding: [UInt8] {
        Self.encoding(sequence, previous, at, station, actor, action, subject, detail)
    }

    // By hand, since a million entries are verified in seconds: the names are in their order.
    private static func encoding(
        _ sequence: Int, _ previous: String, _ at: String, _ station: String, _ actor: String, _ action: String,
        _ subject: String, _ detail: String
    ) -> [UInt8] {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(384)
        func append(_ name: StaticString, _ value: String) {
            name.withUTF8Buffer { bytes += $0 }
            JSON.append(value, to: &bytes)
        }
        append("{\"action\":", action)
        append(",\"actor\":", actor)
        append(",\"at\":", at)
        bytes += ",\"detail\":".utf8
        bytes += detail.utf8
        append(",\"prev\":", previous)
        bytes += ",\"seq\":\(sequence)".utf8
        append(",\"station\":", station)
        append(",\"subject\":", subject)
        bytes.append(UInt8(ascii: "}"))
        return bytes
    }

    private static func digest(_ bytes: [UInt8]) -> String {
        hexadecimal(Hash.digest(.sha256, of: bytes.span).bytes)
    }
}
