import Board
import HTTP

/// A transport that opens no connection once something forbids it: what cannot be recorded is not sent.
struct VetoedTransport<Lower: Transport & ~Copyable>: Transport, ~Copyable {
    var lower: Lower
    let veto: Veto

    init(_ lower: consuming Lower, veto: Veto) {
        self.lower = lower
        self.veto = veto
    }

    static var isSecuring: Bool { Lower.isSecuring }

    mutating func note(time: Int64?, isExact: Bool) { lower.note(time: time, isExact: isExact) }

    mutating func trust(pins: Span<UInt8>, certificate: Span<UInt8>) -> Bool {
        lower.trust(pins: pins, certificate: certificate)
    }

    mutating func connect(to url: borrowing ServerURL, deadline: UInt64) throws(TransportError) {
        guard veto.reason == nil else { throw .exhausted }
        try lower.connect(to: url, deadline: deadline)
    }

    mutating func connect(host: Span<UInt8>, port: UInt16, deadline: UInt64) throws(TransportError) {
        guard veto.reason == nil else { throw .exhausted }
        try lower.connect(host: host, port: port, deadline: deadline)
    }

    mutating func send(_ bytes: Span<UInt8>, deadline: UInt64) throws(TransportError) {
        try lower.send(bytes, deadline: deadline)
    }

    mutating func receive(into buffer: inout MutableSpan<UInt8>, deadline: UInt64) throws(TransportError) -> Int {
        try lower.receive(into: &buffer, deadline: deadline)
    }

    mutating func close() { lower.close() }
}

/// Why nothing may be sent: set once, by whoever could not record it.
final class Veto {
    var reason: (any Error)?
}
