import Board
import Bytes
import PKIX

extension Line: EventFields {
    /// Appends the line of an event; Docs/Lifecycle.md gives its form.
    ///
    /// - Parameter work: the buffer in which the event's ranges lie.
    public mutating func append(_ event: borrowing Event, _ work: Span<UInt8>) {
        append("event")
        event.write(to: &self, work)
    }

    private mutating func begin(_ name: StaticString) {
        append(" ")
        append(name)
        append("=")
    }

    public mutating func field(_ name: StaticString, bytes: Span<UInt8>) {
        begin(name)
        append(bytes)
    }

    public mutating func field(_ name: StaticString, hex: Span<UInt8>) {
        begin(name)
        append(hex: hex)
    }

    public mutating func field(_ name: StaticString, number: Int) {
        begin(name)
        append(decimal: number)
    }

    public mutating func field(_ name: StaticString, time: Int64) {
        var text = InlineArray<20, UInt8>(repeating: 0)
        var buffer = text.mutableSpan
        let count = timeText(time, into: &buffer)
        field(name, bytes: buffer.span.extracting(first: count))
    }

    /// A name that is longer than 160 bytes as text is left out.
    public mutating func field(_ name: StaticString, name der: Span<UInt8>) {
        var text = InlineArray<160, UInt8>(repeating: 0)
        var buffer = text.mutableSpan
        let count = nameText(der, into: &buffer)
        guard count > 0 else { return }
        begin(name)
        append("\"")
        append(buffer.span.extracting(first: count))
        append("\"")
    }
}

extension Operation {
    /// As RFC 8894 calls it.
    public var name: Span<UInt8> {
        @_lifetime(immortal)
        get {
            tableRow(
                rawValue &- 1,
                of: "GetCACaps\nGetCACert\nGetNextCACert\nPKCSReq\nRenewalReq\nCertPoll\nGetCert\nGetCRL")
        }
    }
}

extension Operation? {
    /// The name; `-` if nothing was asked.
    var name: Span<UInt8> {
        @_lifetime(immortal)
        get {
            if let self { self.name } else { span(of: "-") }
        }
    }
}

extension Event.Outcome {
    /// The word for it in the field `outcome`.
    public var name: Span<UInt8> {
        @_lifetime(immortal)
        get {
            tableRow(
                rawValue,
                of: "current\nissued\nissued-early\ntaken-over\npending\nnext-ca\nnot-revoked\nknown\nfailed\nrefused")
        }
    }
}

extension Event.Next {
    /// The word for it in the field `next`.
    public var name: Span<UInt8> {
        @_lifetime(immortal)
        get {
            let number: UInt8 =
                switch self {
                case .nothing: 0
                case .poll: 1
                case .retry: 2
                case .renew: 3
                case .nextCA: 4
                case .takeOver: 5
                }
            return tableRow(number, of: "none\npoll\nretry\nrenew\nnext-ca\ntake-over")
        }
    }
}
