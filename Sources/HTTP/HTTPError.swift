/// Why a reply cannot be used.
public struct HTTPError: Error, Equatable, Sendable {
    public enum Kind: UInt8, Error, Equatable, Sendable {
        /// The far side ended the stream without a byte.
        case noReply = 1
        /// The first line is not HTTP/1.0 or HTTP/1.1 with a status of 100 to 999: another service or TLS, perhaps.
        /// ``HTTPError/text`` is that line or its start.
        case notHTTP
        /// The header fields pass ``ResponseLimits/head``.
        case headTooLarge
        /// A line that is neither a field nor the end of the fields, or a control byte in one.
        case badField
        /// A length that is not a number.
        case badContentLength
        /// Two lengths that differ, or a length beside a chunked body.
        case conflictingLengths
        /// A transfer coding other than chunked, or a compressed body, though none was asked for.
        case unsupportedCoding
        /// The server sends us elsewhere, which is not followed; ``HTTPError/text`` is its Location, if it gave one.
        case redirected
        /// The body passes ``ResponseLimits/body`` or the work buffer; ``HTTPError/size`` is the size as far as known.
        case bodyTooLarge
        /// The framing of a chunk is not as RFC 9112, section 7.1 has it.
        case badChunk
        /// The stream ended early; ``HTTPError/size`` is how many bytes are missing as far as known, else 0.
        case truncated
    }

    public let kind: Kind
    /// Where it was noticed, in bytes from the start of the reply.
    public let offset: Int
    /// In bytes; 0 where the kind has none. What passes ``largestSize`` is given as that.
    public let size: Int
    /// The HTTP status, or 0 when none was read.
    public let status: UInt16
    /// Where the work buffer holds words of the far side for a person; they can be any bytes.
    public let text: Range<Int>

    /// 64 MiB less 1: more than any device here has, and with a digit or another size added it still fits 32 bits.
    public static var largestSize: Int { 0x03FF_FFFF }

    public init(_ kind: Kind, at offset: Int, size: Int = 0, status: UInt16 = 0, text: Range<Int> = 0..<0) {
        self.kind = kind
        self.offset = offset
        self.size = size
        self.status = status
        self.text = text
    }
}
