import Bytes

/// A view of the URL of a server's service, checked: `http://host`, `https://[2001:db8::1]:8443/a/path?profile=x`.
///
/// Stricter than RFC 3986: ASCII only, no user information, no fragment, a host of letters, digits, `-`, `_` and `.`
/// (so no percent-encoding in it) or an IPv6 address without zone, no empty port.
public struct ServerURL: ~Escapable {
    public enum Scheme: UInt8, Equatable, Sendable {
        case http = 1
        case https
    }

    public let scheme: Scheme
    /// 80 or 443 where the URL names none.
    public let port: UInt16
    private let bytes: Span<UInt8>
    private let hostRange: Range<Int>
    private let hostFieldRange: Range<Int>
    private let targetStart: Int

    /// A DNS name, a dotted IPv4 address, or an IPv6 address without brackets; 1 to 255 bytes of ASCII.
    public var host: Span<UInt8> {
        @_lifetime(copy self)
        get { bytes.extracting(hostRange) }
    }

    /// The value of the Host field: the host, in brackets if IPv6, and the port if it is not the scheme's own.
    public var hostField: Span<UInt8> {
        @_lifetime(copy self)
        get { bytes.extracting(hostFieldRange) }
    }

    /// Path and query as they were written: empty, or beginning with `/` or `?`.
    public var pathAndQuery: Span<UInt8> {
        @_lifetime(copy self)
        get { bytes.extracting(targetStart..<bytes.count) }
    }

    /// Checks `bytes`, an absolute URL in ASCII, and keeps a view of it.
    @_lifetime(copy bytes)
    public init(_ bytes: Span<UInt8>) throws(ServerURLError) {
        let authorityStart: Int
        let defaultPort: UInt16
        if bytes.holds("http://", at: 0) {
            (scheme, authorityStart, defaultPort) = (.http, 7, 80)
        } else if bytes.holds("https://", at: 0) {
            (scheme, authorityStart, defaultPort) = (.https, 8, 443)
        } else {
            throw ServerURLError(.unknownScheme, at: 0)
        }
        let authority = authorityStart..<(try Self.endOfAuthority(bytes, from: authorityStart))
        try Self.checkCharacters(bytes, from: authority.upperBound)

        var end = authority.lowerBound
        if end < authority.upperBound, bytes[end] == UInt8(ascii: "[") {
            end &+= 1
            let start = end
            while end < authority.upperBound, bytes[end] != UInt8(ascii: "]") { end &+= 1 }
            guard end < authority.upperBound, Self.isIPv6Address(bytes, start..<end) else {
                throw ServerURLError(.badHost, at: start)
            }
            hostRange = start..<end
            end &+= 1
        } else {
            while end < authority.upperBound, bytes[end] != UInt8(ascii: ":") { end &+= 1 }
            hostRange = authority.lowerBound..<end
            try Self.checkName(bytes, hostRange)
        }

        port = try Self.port(bytes, end..<authority.upperBound) ?? defaultPort
        hostFieldRange = authority.lowerBound..<(port == defaultPort ? end : authority.upperBound)
        targetStart = authority.upperBound
        self.bytes = bytes
    }

    private static func endOfAuthority(_ bytes: Span<UInt8>, from start: Int) throws(ServerURLError) -> Int {
        for index in start..<bytes.count {
            switch bytes[index] {
            case UInt8(ascii: "/"), UInt8(ascii: "?"), UInt8(ascii: "#"): return index
            case UInt8(ascii: "@"): throw ServerURLError(.userInformation, at: index)
            default: break
            }
        }
        return bytes.count
    }

    private static func checkCharacters(_ bytes: Span<UInt8>, from start: Int) throws(ServerURLError) {
        let forbidden: StaticString = "\" < > \\ ^ ` { | }"
        for index in start..<bytes.count {
            let byte = bytes[index]
            if byte == UInt8(ascii: "#") { throw ServerURLError(.fragment, at: index) }
            guard byte.isVisible, bytes.number(of: index..<(index &+ 1), in: forbidden) == 0 else {
                throw ServerURLError(.badCharacter, at: index)
            }
        }
    }

    /// Whether the characters are those of an address; the resolver reads it in full.
    private static func isIPv6Address(_ bytes: Span<UInt8>, _ range: Range<Int>) -> Bool {
        var colons = 0
        for index in range {
            if bytes[index] == UInt8(ascii: ":") {
                colons &+= 1
            } else if bytes[index] != UInt8(ascii: "."), bytes[index].hexadecimalValue == nil {
                return false
            }
        }
        return colons > 1 && colons < 9 && range.count < 46
    }

    /// Whether the characters are those of a name or an IPv4 address; the resolver reads it in full.
    private static func checkName(_ bytes: Span<UInt8>, _ name: Range<Int>) throws(ServerURLError) {
        guard 1...255 ~= name.count else { throw ServerURLError(.badHost, at: name.lowerBound) }
        for index in name {
            switch bytes[index] {
            case UInt8(ascii: "-"), UInt8(ascii: "."), UInt8(ascii: "_"): break
            case let byte: guard byte.isLetterOrDigit else { throw ServerURLError(.badHost, at: index) }
            }
        }
    }

    /// The port in `range`, which is empty or begins with a colon.
    private static func port(_ bytes: Span<UInt8>, _ range: Range<Int>) throws(ServerURLError) -> UInt16? {
        guard !range.isEmpty else { return nil }
        let digits = (range.lowerBound &+ 1)..<range.upperBound
        guard bytes[range.lowerBound] == UInt8(ascii: ":"), let port = bytes.decimal(in: digits, ceiling: 65_536),
            port < 65_536, bytes[digits.lowerBound] != UInt8(ascii: "0")
        else { throw ServerURLError(.badPort, at: range.lowerBound) }
        return UInt16(truncatingIfNeeded: port)
    }
}

/// What is wrong with a URL, and where.
public struct ServerURLError: Error, Equatable, Sendable {
    public enum Kind: UInt8, Equatable, Sendable {
        /// Neither `http://` nor `https://`.
        case unknownScheme = 1
        /// A control, a blank, a byte outside ASCII or a character that has to be percent-encoded.
        case badCharacter
        /// A user name or password before the host.
        case userInformation
        /// A `#`: it means something to a browser only.
        case fragment
        /// No host, or not a name and not an address.
        case badHost
        /// Not 1 to 65535, or empty.
        case badPort
    }

    public let kind: Kind
    /// Bytes from the start of the URL.
    public let offset: Int

    public init(_ kind: Kind, at offset: Int) {
        self.kind = kind
        self.offset = offset
    }
}
