import DeviceCrypto
import HTTP

/// An HTTP proxy, and who asks it.
public struct HTTPProxy: Sendable {
    /// Bytes of a name and a password at most, with the colon between them.
    public static var credentialsLimit: Int { 255 }

    private var hostBytes = InlineArray<255, UInt8>(repeating: 0)
    private var hostCount = 0
    let port: UInt16
    /// In base64, four characters for three bytes.
    private var authorizationBytes = InlineArray<340, UInt8>(repeating: 0)
    private var authorizationCount = 0

    /// - Parameters:
    ///   - url: `http://host:port`.
    ///   - credentials: a name, a colon and a password (RFC 7617, section 2), a secret; empty for none. At most
    ///     ``credentialsLimit`` bytes, of which more are not looked at.
    public init(_ url: borrowing ServerURL, credentials: Span<UInt8>) {
        port = url.port
        let host = url.host
        for index in host.indices { hostBytes[index] = host[index] }
        hostCount = host.count
        let count = min(credentials.count, Self.credentialsLimit)
        var index = 0
        while index < count {
            append(credentials, from: index, end: count)
            index &+= 3
        }
    }

    var host: Span<UInt8> {
        @_lifetime(borrow self) get { hostBytes.span.extracting(first: hostCount) }
    }

    /// The credentials of the Basic scheme; empty if there are none.
    var authorization: Span<UInt8> {
        @_lifetime(borrow self) get { authorizationBytes.span.extracting(first: authorizationCount) }
    }

    /// Sets the credentials to 0.
    public mutating func wipe() {
        var buffer = authorizationBytes.mutableSpan
        DeviceCrypto.wipe(&buffer)
        authorizationCount = 0
    }

    /// Appends the next three bytes in base64 (RFC 4648, section 4).
    private mutating func append(_ bytes: Span<UInt8>, from start: Int, end: Int) {
        var group = 0
        for index in start..<(start &+ 3) { group = group &<< 8 | (index < end ? Int(bytes[index]) : 0) }
        for position in 0..<4 {
            let isPadding = start &+ position > end
            authorizationBytes[authorizationCount] =
                isPadding ? UInt8(ascii: "=") : Self.character(group &>> (18 &- 6 &* position) & 63)
            authorizationCount &+= 1
        }
    }

    private static func character(_ value: Int) -> UInt8 {
        let value = UInt8(truncatingIfNeeded: value)
        return switch value {
        case 0..<26: UInt8(ascii: "A") &+ value
        case 26..<52: UInt8(ascii: "a") &+ (value &- 26)
        case 52..<62: UInt8(ascii: "0") &+ (value &- 52)
        case 62: UInt8(ascii: "+")
        default: UInt8(ascii: "/")
        }
    }
}
