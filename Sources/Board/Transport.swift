import HTTP

/// A byte stream to one far side at a time, such as TCP. A TLS layer is a transport over a transport.
///
/// Every call waits until it has done something or `deadline` has passed, which is `timedOut`; none waits longer. A stream that
/// ended or broke is `reset`. Whatever a call throws, the stream may be closed.
public protocol Transport: ~Copyable {
    /// Whether ``connect(to:deadline:)`` secures the stream to an `https` URL. A constant; by default it does not, and
    /// ``exchange(_:_:with:in:limits:deadline:over:clock:traffic:)`` then sends nothing to such a URL.
    static var isSecuring: Bool { get }

    /// Opens the stream to a URL's server, secured if the scheme is `https`. By default it is opened in the clear.
    ///
    /// - Parameter deadline: in milliseconds of the same board's ``Clock/uptime``.
    mutating func connect(to url: borrowing ServerURL, deadline: UInt64) throws(TransportError)

    /// Tells, before each connection, what is known of the time, by which the server's certificate is checked. By default
    /// nobody listens.
    ///
    /// - Parameters:
    ///   - time: in seconds since 1970-01-01T00:00:00Z; nil if nothing is known.
    ///   - isExact: or else it is no earlier than that.
    mutating func note(time: Int64?, isExact: Bool)

    /// Tells, once, whom the device was told to trust as a server. What cannot secure takes nothing.
    ///
    /// - Parameters:
    ///   - pins: fingerprints of servers' certificates, hexadecimal, separated by commas; may be empty.
    ///   - certificate: of a CA, in base64; may be empty.
    /// - Returns: false if they cannot be used.
    mutating func trust(pins: Span<UInt8>, certificate: Span<UInt8>) -> Bool

    /// Opens the stream.
    ///
    /// - Parameters:
    ///   - host: a DNS name, a dotted IPv4 address, or an IPv6 address without brackets; ASCII.
    ///   - port: in host byte order.
    ///   - deadline: in milliseconds of the same board's ``Clock/uptime``.
    /// - Throws: `noAddress`, `nameUnknown`, `nameUnresolved`, `refused`, `unreachable`, `timedOut`, `exhausted`; what secures
    ///   also those of TLS.
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

extension Transport where Self: ~Copyable {
    public static var isSecuring: Bool { false }

    public mutating func connect(to url: borrowing ServerURL, deadline: UInt64) throws(TransportError) {
        try connect(host: url.host, port: url.port, deadline: deadline)
    }

    public mutating func note(time: Int64?, isExact: Bool) {}

    public mutating func trust(pins: Span<UInt8>, certificate: Span<UInt8>) -> Bool {
        pins.isEmpty && certificate.isEmpty
    }

    /// ``receive(into:deadline:)`` for whoever goes on with what came: a board's transport that claims more bytes than there
    /// was space for, or fewer than none, is a stream that broke.
    public mutating func receiveSome(
        into buffer: inout MutableSpan<UInt8>, deadline: UInt64
    ) throws(TransportError) -> Int {
        let capacity = buffer.count
        let count = try receive(into: &buffer, deadline: deadline)
        guard count >= 0, count <= capacity else { throw .reset }
        return count
    }
}

/// Why a ``Transport`` failed.
public enum TransportError: UInt8, Error, Equatable, Sendable {
    /// The board has no address of its own: no link, or no answer from DHCP.
    case noAddress = 1
    /// DNS does not know the host's name, or no address of it; or, on a board that cannot tell, it did not answer.
    case nameUnknown
    /// DNS did not say, for now: no name server answered in time, or one that answered could not find out.
    case nameUnresolved
    /// The far side, or a router on the way, refused the connection.
    case refused
    /// No route to the far side.
    case unreachable
    /// The deadline passed.
    case timedOut
    /// The stream broke before it was ended in order: over TLS, without close_notify, or by a record that is not the
    /// far side's.
    case reset
    /// The board's network stack, or the memory of TLS, has no space or slot left.
    case exhausted

    // MARK: Only of transports that secure

    /// What answers does not speak TLS.
    case notTLS
    /// The server knows neither TLS 1.2 nor a cipher suite of ours.
    case noCommonProtocol
    /// The server broke the handshake off.
    case handshakeRefused
    /// The handshake is wrong in itself: an unexpected message, a signature or a digest that does not hold.
    case handshakeFailed
    /// No CA that is trusted has issued the server's certificate.
    case certificateUntrusted
    /// The server's certificate is for other hosts.
    case certificateOfOtherHost
    /// The server's certificate, or that of a CA above it, has expired.
    case certificateExpired
    /// It begins later.
    case certificateNotYetValid
    /// A key or a signature in it is below SHA-256, RSA-2048 and P-256, or of a kind that is not known.
    case certificateWeak
    /// By its key usage it is not for servers.
    case certificateMisused
    /// The server's certificate is none of those that are pinned.
    case pinMismatch
    /// The server does not take the device's certificate, or asks for one and there is none.
    case identityRefused
    /// The device's key did not sign.
    case identityFailed

    // MARK: Only of transports through a proxy

    /// The proxy cannot be reached, or is none.
    case proxyUnreachable
    /// The proxy does not let this through, or does not reach the far side either.
    case proxyRefused
    /// The proxy wants to know who asks, or does not know this name and password (HTTP status 407).
    case proxyAuthentication
}
