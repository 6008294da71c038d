/// A byte stream to one far side at a time, such as TCP. A TLS layer is a transport over a transport.
///
/// Every call waits until it has done something or `deadline` has passed; none waits longer.
public protocol Transport: ~Copyable {
    /// Opens the stream.
    ///
    /// - Parameters:
    ///   - host: a DNS name, a dotted IPv4 address, or an IPv6 address without brackets; ASCII.
    ///   - port: in host byte order.
    ///   - deadline: in milliseconds of the same board's ``Clock/uptime``.
    mutating func connect(host: Span<UInt8>, port: UInt16, deadline: UInt64) throws(TransportError)

    /// Sends all of `bytes`.
    mutating func send(_ bytes: Span<UInt8>, deadline: UInt64) throws(TransportError)

    /// Waits for bytes and stores as many as there are, at least one.
    ///
    /// - Returns: how many bytes were stored at the front of `buffer`; 0 when the far side has ended its stream.
    mutating func receive(into buffer: inout MutableSpan<UInt8>, deadline: UInt64) throws(TransportError) -> Int

    /// Ends the stream. Harmless when none is open.
    mutating func close()
}

/// Why a ``Transport`` failed.
public enum TransportError: UInt8, Error, Equatable, Sendable {
    /// The board has no address of its own: no link, or no answer from DHCP.
    case noAddress = 1
    /// The host's name could not be resolved.
    case nameUnknown
    /// The far side, or a router on the way, refused the connection.
    case refused
    /// No route to the far side.
    case unreachable
    /// The deadline passed.
    case timedOut
    /// The stream broke before it was ended in order.
    case reset
    /// The board's network stack has no memory or slot left.
    case exhausted
}
