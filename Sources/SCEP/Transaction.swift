import DeviceCrypto

/// What ties a reply to a request (RFC 8894, 3.2.1.1 and 3.2.1.5).
public struct Transaction: Sendable {
    /// 16 random bytes; the transactionID is their hexadecimal text, 32 characters. They also number the self-signed
    /// certificate, so the first bit is 0 and the second is 1.
    public let identifier: InlineArray<16, UInt8>
    /// Fresh for every message.
    public private(set) var senderNonce = InlineArray<16, UInt8>(repeating: 0)

    /// Begins a transaction.
    public init(random: inout RandomGenerator) throws(CryptoError) {
        var bytes = InlineArray<16, UInt8>(repeating: 0)
        do {
            var buffer = bytes.mutableSpan
            try random.fill(&buffer)
        }
        bytes[0] = bytes[0] & 0x3F | 0x40
        identifier = bytes
    }

    /// Goes on with a transaction that was begun before.
    public init(identifier: InlineArray<16, UInt8>) {
        self.identifier = identifier
    }

    /// Makes a new senderNonce, for the next message.
    public mutating func renewNonce(random: inout RandomGenerator) throws(CryptoError) {
        var buffer = senderNonce.mutableSpan
        try random.fill(&buffer)
    }

    /// The transactionID: 32 hexadecimal digits.
    public var transactionID: InlineArray<32, UInt8> {
        var text = InlineArray<32, UInt8>(repeating: 0)
        for index in 0..<16 {
            text[2 &* index] = Self.digit(identifier[index] &>> 4)
            text[2 &* index &+ 1] = Self.digit(identifier[index] & 0x0F)
        }
        return text
    }

    private static func digit(_ value: UInt8) -> UInt8 {
        value < 10 ? UInt8(ascii: "0") &+ value : UInt8(ascii: "A") &+ value &- 10
    }
}
