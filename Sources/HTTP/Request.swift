import Bytes

/// A request to a SCEP service (RFC 8894, section 4.1), written piece by piece: nothing is expanded in memory.
///
/// The head is read in chunks of the caller's size; then ``body`` is sent from where it lies.
public struct Request: ~Escapable {
    /// The version of HTTP that a request is of. HTTP/1.0 is understood everywhere but by some proxies.
    public enum Version: UInt8, Equatable, Sendable {
        case http10 = 1
        case http11
    }

    /// What goes with the operation, and so the method: GET, or POST for a body.
    ///
    /// Ranges lie in the work buffer, which is free to take the reply once the request is sent.
    public enum Message: ~Escapable {
        /// GET without a message.
        case none
        /// GET with a text, which is percent-encoded; it may be empty.
        case text(Span<UInt8>)
        /// GET with these bytes of the work buffer in base64, `+`, `/` and `=` percent-encoded.
        case base64(Range<Int>)
        /// POST of these bytes of the work buffer as `application/x-pki-message`.
        case body(Range<Int>)
    }

    /// The parts of the head in their order on the wire; those that a request lacks are empty.
    private enum Piece: UInt8 {
        case method, slash, pathAndQuery, operationName, operation, messageName, message
        case version, host, agent, bodyLengthName, bodyLength, end
    }

    private enum Encoding {
        case plain, percent, base64
    }

    /// The bytes to send after the head; empty for a GET.
    public let body: Span<UInt8>
    private let url: ServerURL
    private let operation: StaticString
    public let isPost: Bool
    private let hasMessage: Bool
    private let encoding: Encoding
    private let message: Span<UInt8>
    private let version: Version

    /// Nil after the last one.
    private var piece: Piece? = .method
    /// The next character of the piece.
    private var position = 0
    /// How many of the three bytes of that character's `%XX` were given.
    private var escapeCount = 0

    /// - Parameters:
    ///   - operation: such as `GetCACaps`; letters only.
    ///   - work: the buffer in which the message's range lies.
    @_lifetime(copy url, copy message, copy work)
    public init(
        _ operation: StaticString, _ message: borrowing Message, to url: ServerURL, in work: Span<UInt8>,
        version: Version = .http10
    ) {
        self.operation = operation
        self.version = version
        self.url = url
        let nothing = work.extracting(0..<0)
        switch message {
        case .none:
            (isPost, hasMessage, encoding) = (false, false, .plain)
            messageStart = work.count
            self.message = nothing
            body = nothing
        case .text(let text):
            (isPost, hasMessage, encoding) = (false, true, .percent)
            messageStart = work.count
            self.message = text
            body = nothing
        case .base64(let range):
            (isPost, hasMessage, encoding) = (false, true, .base64)
            messageStart = range.lowerBound
            self.message = work.extracting(range)
            body = nothing
        case .body(let range):
            (isPost, hasMessage, encoding) = (true, false, .plain)
            messageStart = range.lowerBound
            self.message = nothing
            body = work.extracting(range)
        }
    }

    /// Where the message stands in the work buffer; the end of the buffer if it does not stand there.
    public let messageStart: Int

    /// Stores the next bytes of the head at the front of `chunk`.
    ///
    /// - Returns: how many were stored; fewer than `chunk` holds at the head's end only, and 0 after it.
    public mutating func readHead(into chunk: inout MutableSpan<UInt8>) -> Int {
        var count = 0
        while count < chunk.count, let byte = next() {
            chunk[count] = byte
            count &+= 1
        }
        return count
    }

    /// Bytes of the request target (path, query and the encoded message). Servers have a limit on it, often of 2,048
    /// to 8,192 bytes, which the GET of a large message passes.
    public var targetLength: Int { length(of: Piece.slash.rawValue...Piece.message.rawValue) }

    /// Stores the request target at the front of `bytes`, for whoever has an HTTP client of its own.
    ///
    /// - Returns: ``targetLength``; nothing is stored where that is more than `bytes` has.
    public func copyTarget(to bytes: inout MutableSpan<UInt8>) -> Int {
        let count = targetLength
        guard count <= bytes.count else { return count }
        var head = self
        head.piece = .slash
        var target = bytes._mutatingExtracting(first: count)
        _ = head.readHead(into: &target)
        return count
    }

    /// Bytes of head and body together.
    public var length: Int { length(of: Piece.method.rawValue...Piece.end.rawValue) &+ body.count }

    private func length(of pieces: ClosedRange<UInt8>) -> Int {
        var length = 0
        for number in pieces {
            guard let piece = Piece(rawValue: number) else { break }
            var position = 0
            while let character = character(piece, at: position) {
                length &+= isEscaped(character, in: piece) ? 3 : 1
                position &+= 1
            }
        }
        return length
    }

    private mutating func next() -> UInt8? {
        while let piece {
            guard let character = character(piece, at: position) else {
                self.piece = Piece(rawValue: piece.rawValue &+ 1)
                position = 0
                continue
            }
            if isEscaped(character, in: piece), escapeCount < 2 {
                escapeCount &+= 1
                return escapeCount == 1 ? UInt8(ascii: "%") : hexadecimalDigit(character >> 4)
            }
            position &+= 1
            guard escapeCount > 0 else { return character }
            escapeCount = 0
            return hexadecimalDigit(character & 15)
        }
        return nil
    }

    /// Everything but the unreserved characters of RFC 3986, section 2.3.
    private func isEscaped(_ character: UInt8, in piece: Piece) -> Bool {
        guard piece == .message, !character.isLetterOrDigit else { return false }
        switch character {
        case UInt8(ascii: "-"), UInt8(ascii: "."), UInt8(ascii: "_"), UInt8(ascii: "~"): return false
        default: return true
        }
    }

    private func hexadecimalDigit(_ value: UInt8) -> UInt8 {
        let digits: StaticString = "0123456789ABCDEF"
        return span(of: digits)[Int(value)]
    }

    /// The character of `piece` at `position` before percent-encoding; nil after its last.
    @inline(never)
    private func character(_ piece: Piece, at position: Int) -> UInt8? {
        if piece == .bodyLength { return decimalDigit(of: body.count, at: position) }
        if piece == .message, encoding == .base64 { return base64Character(at: position) }
        let text = text(of: piece)
        return position < text.count ? text[position] : nil
    }

    private func decimalDigit(of number: Int, at position: Int) -> UInt8? {
        guard isPost else { return nil }
        var digits = 1
        var rest = number / 10
        while rest > 0 {
            digits &+= 1
            rest /= 10
        }
        guard position < digits else { return nil }
        rest = number
        for _ in position..<(digits &- 1) { rest /= 10 }
        return UInt8(ascii: "0") &+ UInt8(truncatingIfNeeded: rest % 10)
    }

    /// RFC 4648, section 4: six bits a character, from the first.
    private func base64Character(at position: Int) -> UInt8? {
        let alphabet: StaticString = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
        let bit = position &* 6
        let index = bit / 8
        guard index < message.count else { return position % 4 == 0 ? nil : UInt8(ascii: "=") }
        let next = index &+ 1 < message.count ? Int(message[index &+ 1]) : 0
        return span(of: alphabet)[(Int(message[index]) << 8 | next) &>> (10 &- bit & 7) & 63]
    }

    @_lifetime(copy self)
    private func text(of piece: Piece) -> Span<UInt8> {
        let literal: StaticString
        switch piece {
        case .method: literal = isPost ? "POST " : "GET "
        case .slash: literal = url.pathAndQuery.holds("/", at: 0) ? "" : "/"
        case .pathAndQuery: return url.pathAndQuery
        case .operationName: literal = operationName
        case .operation: literal = operation
        case .messageName: literal = hasMessage ? "&message=" : ""
        case .message: return message
        case .version: literal = version == .http10 ? " HTTP/1.0\r\nHost: " : " HTTP/1.1\r\nHost: "
        case .host: return url.hostField
        case .agent: literal = "\r\nUser-Agent: EmbeddedSCEP\r\nConnection: close"
        case .bodyLengthName:
            literal = isPost ? "\r\nContent-Type: application/x-pki-message\r\nContent-Length: " : ""
        case .bodyLength: literal = ""
        case .end: literal = "\r\n\r\n"
        }
        return span(of: literal)
    }

    /// Joins the operation to a query that the URL may bring along.
    private var operationName: StaticString {
        let target = url.pathAndQuery
        var hasQuery = false
        for index in target.indices where target[index] == UInt8(ascii: "?") { hasQuery = true }
        guard hasQuery else { return "?operation=" }
        let last = target[target.count &- 1]
        return last == UInt8(ascii: "?") || last == UInt8(ascii: "&") ? "operation=" : "&operation="
    }
}
