/// Where the dashboard listens: `PORT` of this machine's loopback, or `HOST:PORT`, HOST a number; `[…]:PORT` for IPv6.
public struct Address: Sendable, Equatable, CustomStringConvertible {
    let host: String
    public let port: UInt16

    /// Nil for anything else.
    public init?(_ text: String) {
        let host: Substring
        let port: Substring
        if let colon = text.lastIndex(of: ":") {
            host = text[..<colon]
            port = text[text.index(after: colon)...]
        } else {
            host = "127.0.0.1"
            port = text[...]
        }
        guard let number = UInt16(port), port.allSatisfy(\.isNumber) else { return nil }
        self.port = number
        if host.hasPrefix("["), host.hasSuffix("]") {
            self.host = String(host.dropFirst().dropLast())
            guard self.host.contains(":"), self.host.allSatisfy({ $0.isHexDigit || $0 == ":" || $0 == "." }) else {
                return nil
            }
        } else {
            self.host = host == "localhost" ? "127.0.0.1" : String(host)
            let parts = self.host.split(separator: ".", omittingEmptySubsequences: false)
            guard parts.count == 4, parts.allSatisfy({ UInt8($0) != nil }) else { return nil }
        }
    }

    public init(loopbackPort port: UInt16) {
        host = "127.0.0.1"
        self.port = port
    }

    init(_ address: Address, port: UInt16) {
        host = address.host
        self.port = port
    }

    /// Whether this machine alone reaches it.
    public var isLoopback: Bool { host.hasPrefix("127.") || host == "::1" }

    public var description: String { (host.contains(":") ? "[\(host)]" : host) + ":\(port)" }
}
