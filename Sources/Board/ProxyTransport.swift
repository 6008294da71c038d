import DeviceCrypto
import HTTP

/// A stream through an HTTP proxy, over the stream to it; without a proxy, just the stream.
///
/// To a host and port it asks the proxy for a tunnel (CONNECT, RFC 9110, section 9.3.6), which a TLS layer above then
/// secures from end to end. To an `http` URL it connects to the proxy itself and puts the request into the form that a
/// proxy is sent (RFC 9112, section 3.2.2) while the request passes: the URL's scheme and host in front of the target,
/// and who asks behind the first line. Whoever writes the request need not know of the proxy.
public struct ProxyTransport<Lower: Transport & ~Copyable>: Transport, ~Copyable {
    /// What of a request has passed.
    private enum Passed {
        case nothing, method, all
    }

    /// A reply to CONNECT has no more bytes than these.
    private static var replyLimit: Int { 16_384 }

    public var lower: Lower
    public var proxy: HTTPProxy?
    private var passed = Passed.all
    /// The host field of the URL: at most 255 bytes in brackets, and a port.
    private var target = RequestText()

    public init(_ lower: consuming Lower, proxy: HTTPProxy?) {
        self.lower = lower
        self.proxy = proxy
    }

    public mutating func connect(host: Span<UInt8>, port: UInt16, deadline: UInt64) throws(TransportError) {
        passed = .all
        guard try connectToProxy(deadline) else {
            return try lower.connect(host: host, port: port, deadline: deadline)
        }
        do throws(TransportError) {
            try askForTunnel(host, port, deadline)
        } catch {
            lower.close()
            throw error
        }
    }

    public mutating func connect(to url: borrowing ServerURL, deadline: UInt64) throws(TransportError) {
        guard url.scheme == .http, try connectToProxy(deadline) else {
            return try connect(host: url.host, port: url.port, deadline: deadline)
        }
        target = RequestText()
        target.append(url.hostField)
        passed = .nothing
    }

    public mutating func note(time: Int64?, isExact: Bool) { lower.note(time: time, isExact: isExact) }

    public mutating func send(_ bytes: Span<UInt8>, deadline: UInt64) throws(TransportError) {
        var rest = bytes
        while passed != .all {
            let mark = passed == .nothing ? UInt8(ascii: " ") : 0x0A
            var end = 0
            while end < rest.count, rest[end] != mark { end &+= 1 }
            guard end < rest.count else { break }
            try lower.send(rest.extracting(first: end &+ 1), deadline: deadline)
            rest = rest.extracting(droppingFirst: end &+ 1)
            var insertion = RequestText()
            if passed == .nothing {
                insertion.append("http://")
                insertion.append(target.span)
                passed = .method
            } else {
                proxy?.appendAuthorization(to: &insertion)
                passed = .all
            }
            if !insertion.span.isEmpty { try lower.send(insertion.span, deadline: deadline) }
            insertion.wipe()
        }
        if !rest.isEmpty { try lower.send(rest, deadline: deadline) }
    }

    public mutating func receive(into buffer: inout MutableSpan<UInt8>, deadline: UInt64) throws(TransportError) -> Int
    {
        try lower.receive(into: &buffer, deadline: deadline)
    }

    public mutating func close() { lower.close() }

    /// - Returns: false if there is none.
    private mutating func connectToProxy(_ deadline: UInt64) throws(TransportError) -> Bool {
        do throws(TransportError) {
            return try proxy?.connect(over: &lower, deadline) != nil
        } catch {
            switch error {
            case .nameUnknown, .refused, .unreachable, .reset: throw .proxyUnreachable
            default: throw error
            }
        }
    }

    private mutating func askForTunnel(
        _ host: Span<UInt8>, _ port: UInt16, _ deadline: UInt64
    ) throws(TransportError) {
        var request = RequestText()
        request.append("CONNECT ")
        request.append(host: host, port)
        request.append(" HTTP/1.1\r\nHost: ")
        request.append(host: host, port)
        request.append("\r\n")
        proxy?.appendAuthorization(to: &request)
        request.append("\r\n")
        defer { request.wipe() }
        try lower.send(request.span, deadline: deadline)
        switch try receiveStatus(deadline) {
        case 200...299: return
        // 407 asks who it is; to a wrong name or password there are proxies that say 401.
        case 401, 407: throw .proxyAuthentication
        default: throw .proxyRefused
        }
    }

    /// Receives the reply to CONNECT up to the empty line, and not a byte of the tunnel behind it.
    ///
    /// - Returns: the HTTP status.
    private mutating func receiveStatus(_ deadline: UInt64) throws(TransportError) -> Int {
        let form: StaticString = "HTTP/1.x "
        var status = 0
        var lineLength = 0
        for position in 0..<Self.replyLimit {
            var byte = InlineArray<1, UInt8>(repeating: 0)
            var buffer = byte.mutableSpan
            guard try lower.receiveSome(into: &buffer, deadline: deadline) > 0 else { throw .proxyRefused }
            let received = buffer[0]
            switch position {
            case 7: break
            case 0..<9: guard unsafe received == form.utf8Start[position] else { throw .proxyUnreachable }
            case 9..<12:
                let digit = received &- UInt8(ascii: "0")
                guard digit <= 9 else { throw .proxyUnreachable }
                status = status &* 10 &+ Int(digit)
            default: break
            }
            if received == 0x0A {
                guard position >= 12 else { throw .proxyUnreachable }
                if lineLength == 0 { return status }
                lineLength = 0
            } else if received != 0x0D {
                lineLength &+= 1
            }
        }
        throw .proxyUnreachable
    }
}

/// What is done with a proxy's name and password where they stand: bound to a name of its own, an optional is copied, and
/// nobody wipes the copy. Hence `mutating`.
extension HTTPProxy {
    fileprivate mutating func connect<Lower: Transport & ~Copyable>(
        over lower: inout Lower, _ deadline: UInt64
    ) throws(TransportError) {
        try lower.connect(host: host, port: port, deadline: deadline)
    }

    fileprivate mutating func appendAuthorization(to request: inout RequestText) {
        guard !authorization.isEmpty else { return }
        request.append("Proxy-Authorization: Basic ")
        request.append(authorization)
        request.append("\r\n")
    }
}

/// Bytes of a request; what does not fit is a defect, and left out.
///
/// Neither generic nor copyable: of a generic one Swift 6.3, when it optimises, lends a span of a copy that is gone.
private struct RequestText: ~Copyable {
    private let inPlace = InPlace()
    /// More than a request for a tunnel takes: twice a host and port, and the credentials.
    private var bytes = InlineArray<1024, UInt8>(repeating: 0)
    private var count = 0

    var span: Span<UInt8> {
        @_lifetime(borrow self) get { bytes.span.extracting(first: count) }
    }

    mutating func append(_ text: Span<UInt8>) {
        for index in text.indices where count < bytes.count {
            bytes[count] = text[index]
            count &+= 1
        }
    }

    mutating func append(_ text: StaticString) {
        for index in 0..<text.utf8CodeUnitCount where count < bytes.count {
            bytes[count] = unsafe text.utf8Start[index]
            count &+= 1
        }
    }

    /// Appends a host, in brackets if it is an IPv6 address, and a port.
    mutating func append(host: Span<UInt8>, _ port: UInt16) {
        var isIPv6 = false
        for index in host.indices where host[index] == UInt8(ascii: ":") { isIPv6 = true }
        if isIPv6 { append("[") }
        append(host)
        append(isIPv6 ? "]:" : ":")
        var divisor: UInt16 = 10_000
        while divisor > 1, port / divisor == 0 { divisor /= 10 }
        while divisor > 0 {
            let digit: InlineArray<1, UInt8> = [UInt8(ascii: "0") &+ UInt8(truncatingIfNeeded: port / divisor % 10)]
            append(digit.span)
            divisor /= 10
        }
    }

    mutating func wipe() {
        var buffer = bytes.mutableSpan
        DeviceCrypto.wipe(&buffer)
    }
}
