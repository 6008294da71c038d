import Board
import Bytes
import CMbedTLSSSL
import DeviceCrypto
import HTTP
import PKIX

/// TLS 1.2 (RFC 5246) over a stream: what is `https` is secured, what is `http` passes.
///
/// Cipher suites are ECDHE with AES-GCM, or ChaCha20-Poly1305 where mbedTLS has it; groups are P-256 and P-384; the least
/// that certificates and signatures have to have are SHA-256, RSA-2048 and P-256. There is no renegotiation and no
/// resumption, since each exchange has a connection of its own.
///
/// The server's certificate is checked before anything of the client is shown to it. Its name has to be among the
/// subject's alternative names: a dNSName, or an iPAddress when the URL has an address; a common name does not count.
@safe public struct TLSTransport<Lower: Transport & ~Copyable>: Transport, ~Copyable {
    public var lower: Lower
    public var trust: ServerTrust
    public var identity: ClientIdentity?
    /// What is known of the time.
    var moment = Moment.unknown
    var random = RandomGenerator()
    var session: OpaquePointer?
    var lastDeadline: UInt64 = 0

    /// - Parameter random: gives 48 bytes, with which the connections' own generator is seeded.
    /// - Throws: `.notSeeded`.
    public init(_ lower: consuming Lower, trust: consuming ServerTrust, random: inout RandomGenerator)
        throws(CryptoError)
    {
        self.lower = lower
        self.trust = trust
        identity = nil
        var seed = InlineArray<48, UInt8>(repeating: 0)
        var buffer = seed.mutableSpan
        defer { wipe(&buffer) }
        try random.fill(&buffer)
        try self.random.seed(buffer.span, personalization: buffer.span.extracting(first: 0))
    }

    public static var isSecuring: Bool { true }

    public mutating func note(time: Int64?, isExact: Bool) {
        moment = time.map { isExact ? .exact($0) : .atLeast($0) } ?? .unknown
        lower.note(time: time, isExact: isExact)
    }

    public mutating func trust(pins: Span<UInt8>, certificate: Span<UInt8>) -> Bool {
        do throws(CryptoError) {
            if !pins.isEmpty { try trust.add(pins: pins) }
            if !certificate.isEmpty { try trust.add(certificates: certificate) }
            return true
        } catch {
            return false
        }
    }

    /// Opens a stream in the clear.
    public mutating func connect(host: Span<UInt8>, port: UInt16, deadline: UInt64) throws(TransportError) {
        close()
        try lower.connect(host: host, port: port, deadline: deadline)
    }

    public mutating func connect(to url: borrowing ServerURL, deadline: UInt64) throws(TransportError) {
        close()
        guard url.scheme == .https else { return try lower.connect(to: url, deadline: deadline) }
        lastDeadline = deadline
        // First, since it may fail, and no connection is spent on that.
        try open(url.host)
        do throws(TransportError) {
            try lower.connect(host: url.host, port: url.port, deadline: deadline)
            try shakeHands(deadline)
        } catch {
            drop()
            throw error
        }
    }

    public mutating func send(_ bytes: Span<UInt8>, deadline: UInt64) throws(TransportError) {
        guard let session = unsafe session else { return try lower.send(bytes, deadline: deadline) }
        lastDeadline = deadline
        var rest = bytes
        while !rest.isEmpty {
            let count = unsafe try step(session, deadline) { random in
                unsafe rest.withUnsafeBufferPointer { bytes in
                    unsafe cmbedtls_ssl_write(session, random, bytes.baseAddress, bytes.count)
                }
            }
            rest = rest.extracting(droppingFirst: count)
        }
    }

    /// Waits for bytes and stores as many as there are.
    ///
    /// - Returns: 0 only if the server said by close_notify that this is all. A stream that ends without is
    ///   ``TransportError/reset``: somebody may have cut it short (RFC 5246, 7.2.1).
    public mutating func receive(into buffer: inout MutableSpan<UInt8>, deadline: UInt64) throws(TransportError) -> Int
    {
        guard let session = unsafe session else { return try lower.receive(into: &buffer, deadline: deadline) }
        lastDeadline = deadline
        return unsafe try buffer.withUnsafeMutableBufferPointer { bytes throws(TransportError) in
            unsafe try step(session, deadline) { random in
                unsafe cmbedtls_ssl_read(session, random, bytes.baseAddress, bytes.count)
            }
        }
    }

    /// Says close_notify, if a secured stream is open, and ends the stream.
    public mutating func close() {
        // mbedTLS has nothing to say if the handshake has not ended.
        if let session = unsafe session, unsafe cmbedtls_ssl_close_notify(session) == Status.send {
            unsafe try? flush(session, lastDeadline)
        }
        drop()
    }

    /// Forgets the connection, and gives back the memory of what is trusted and shown.
    public mutating func free() {
        close()
        trust.free()
        identity?.free()
        random.wipe()
    }

    private mutating func drop() {
        unsafe cmbedtls_ssl_free(session)
        unsafe session = nil
        lower.close()
    }
}
