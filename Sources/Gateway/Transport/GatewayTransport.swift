import Agent
import Board
import Bytes
import DeviceCrypto
import HTTP
import LinuxBoard
import Output
import TLS

/// TCP, through an HTTP proxy if there is one, and TLS where a URL is `https`.
struct GatewayTransport: Transport, ~Copyable {
    private let clock: SystemClock
    private var tls: TLSTransport<ProxyTransport<TCP>>
    /// The authorities, until the first `https` URL needs them: hundreds of certificates take their time.
    private var unread: [UInt8]
    private var takesSystemAuthorities: Bool
    /// What signs for the identity, which has only a pointer to it.
    private var signer: Signer?
    private var knowsTime = false
    /// What to show a server that asks who this is; nil for nothing.
    var shown: ShownIdentity?
    let offered = OfferedCertificates()

    /// - Throws: `.invalidLength` if the pins are not good; `.notSeeded` if the system has no randomness.
    init(_ options: TransportOptions, clock: SystemClock) throws(CryptoError) {
        var random = try Self.makeRandom()
        let tls = try TLSTransport(
            ProxyTransport(TCP(clock: clock), proxy: options.proxy), trust: Self.trust(options.pins.span),
            random: &random)
        self.clock = clock
        self.tls = tls
        unread = options.authorities
        takesSystemAuthorities = options.takesSystemAuthorities
    }

    private static func makeRandom() throws(CryptoError) -> RandomGenerator {
        do throws(AgentError) {
            return try systemRandom()
        } catch {
            throw .notSeeded
        }
    }

    private static func trust(_ pins: Span<UInt8>) throws(CryptoError) -> ServerTrust {
        var trust = ServerTrust()
        if !pins.isEmpty { try trust.add(pins: pins) }
        return trust
    }

    /// Shows a certificate to servers that ask for one, instead of the one before.
    ///
    /// - Parameters:
    ///   - certificate: in DER.
    ///   - key: its key.
    /// - Throws: `.invalidKey` if the certificate cannot be read; `.notSeeded`, `.outOfMemory`.
    mutating func show<Key: DeviceKey & ~Copyable>(
        _ certificate: Span<UInt8>, key: consuming Key
    ) throws(CryptoError) {
        hide()
        let (algorithm, size) = (key.algorithm, key.signatureSize)
        let signer = KeySigner(key, try Self.makeRandom())
        tls.identity = unsafe try ClientIdentity(
            certificate: certificate, algorithm: algorithm, signatureSize: size,
            key: Unmanaged<Signer>.passUnretained(signer).toOpaque(), sign: sign)
        self.signer = signer
    }

    /// Shows an issuer of the certificate too, in DER, for servers that know only the CA above it.
    mutating func show(issuer: Span<UInt8>) throws(CryptoError) {
        try tls.identity?.add(certificate: issuer)
    }

    /// Shows no certificate any more.
    mutating func hide() {
        tls.close()
        tls.identity?.free()
        tls.identity = nil
        signer = nil
    }

    /// Forgets what is secret. It is good for nothing afterwards.
    mutating func end() {
        hide()
        shown = nil
        tls.lower.proxy?.wipe()
        tls.free()
    }

    static var isSecuring: Bool { true }

    /// What an agent knows of the time counts more than the clock that it takes it from.
    mutating func note(time: Int64?, isExact: Bool) {
        knowsTime = true
        tls.note(time: time, isExact: isExact)
    }

    mutating func connect(host: Span<UInt8>, port: UInt16, deadline: UInt64) throws(TransportError) {
        try tls.connect(host: host, port: port, deadline: deadline)
    }

    mutating func connect(to url: borrowing ServerURL, deadline: UInt64) throws(TransportError) {
        offered.begin()
        if !knowsTime { tls.note(time: clock.time, isExact: clock.time != nil) }
        if url.scheme == .https {
            try showCurrent()
            try readAuthorities()
        }
        try tls.connect(to: url, deadline: deadline)
    }

    private mutating func showCurrent() throws(TransportError) {
        guard let shown, shown.isNew else { return }
        do throws(CryptoError) {
            try show(shown.certificate.span, key: shown.takeKey())
            for issuer in shown.issuers { try show(issuer: issuer.span) }
        } catch {
            throw .identityFailed
        }
    }

    private mutating func readAuthorities() throws(TransportError) {
        if takesSystemAuthorities { unread = SystemAuthorities.read() }
        takesSystemAuthorities = false
        guard !unread.isEmpty else { return }
        let authorities = unread
        do throws(CryptoError) {
            try tls.trust.add(certificates: authorities.span)
        } catch {
            throw error == .outOfMemory ? .exhausted : .certificateUntrusted
        }
        unread = []
    }

    mutating func send(_ bytes: Span<UInt8>, deadline: UInt64) throws(TransportError) {
        offered.sent(bytes)
        try tls.send(bytes, deadline: deadline)
    }

    mutating func receive(into buffer: inout MutableSpan<UInt8>, deadline: UInt64) throws(TransportError) -> Int {
        let count = try tls.receive(into: &buffer, deadline: deadline)
        offered.received(buffer.span.extracting(first: count))
        return count
    }

    mutating func close() {
        offered.end()
        tls.close()
    }
}

/// A key of any type, as C can point to it.
private class Signer {
    func sign(
        _ algorithm: UInt8, _ digest: UnsafePointer<UInt8>?, _ count: Int, _ signature: UnsafeMutablePointer<UInt8>?,
        _ capacity: Int, _ size: UnsafeMutablePointer<Int>?
    ) -> Int32 { preconditionFailure("a signer has a key") }
}

private final class KeySigner<Key: DeviceKey & ~Copyable>: Signer {
    private var key: Key
    private var random: RandomGenerator

    init(_ key: consuming Key, _ random: consuming RandomGenerator) {
        self.key = key
        self.random = random
    }

    deinit {
        key.wipe()
        random.wipe()
    }

    override func sign(
        _ algorithm: UInt8, _ digest: UnsafePointer<UInt8>?, _ count: Int, _ signature: UnsafeMutablePointer<UInt8>?,
        _ capacity: Int, _ size: UnsafeMutablePointer<Int>?
    ) -> Int32 {
        unsafe ClientIdentity.signature(
            with: &key, random: &random, algorithm, digest, count, signature, capacity, size)
    }
}

private let sign: ClientIdentity.Sign = { signer, algorithm, digest, count, signature, capacity, size in
    guard let signer = unsafe signer else { preconditionFailure("it is the one that was handed over") }
    return unsafe Unmanaged<Signer>.fromOpaque(signer).takeUnretainedValue()
        .sign(algorithm, digest, count, signature, capacity, size)
}
