/// What a reply says before anyone reads its body.
public struct Response: Equatable, Sendable {
    /// 200 to 299 or 400 to 999: interim replies are skipped and redirects refused.
    public internal(set) var status: UInt16 = 0
    public internal(set) var mediaType = MediaType.missing
    /// The Date field in seconds since 1970-01-01T00:00:00Z: a hint, which nobody has signed.
    public internal(set) var date: Int64?
    /// Whether the Server field begins with `Microsoft-IIS` (RFC 8894, section 3.5.2, on servers that overstate).
    public internal(set) var isMicrosoftIIS = false
    /// Where the work buffer holds the body; begins at 0.
    public internal(set) var body = 0..<0
    /// Whether only the start of the body is there. Happens with a status of 400 or more only, since such a body is
    /// for people: that it is too large or cut is not worth losing it.
    public internal(set) var isBodyCut = false

    public init() {}

    /// A reply that another HTTP client has read.
    ///
    /// - Parameters:
    ///   - status: 200 to 999.
    ///   - contentType: the field's value; may be empty.
    ///   - date: the field's value; may be empty.
    ///   - count: bytes of the body, which stands at the front of the work buffer.
    /// - Throws: ``HTTPError/Kind/redirected`` for 300 to 399; `notHTTP` for what is no status of a last reply.
    public init(
        status: UInt16, contentType: Span<UInt8>, date: Span<UInt8>, body count: Int
    ) throws(HTTPError) {
        guard 200...999 ~= status else { throw HTTPError(.notHTTP, at: 0, status: status) }
        guard !(300...399 ~= status) else { throw HTTPError(.redirected, at: 0, status: status) }
        self.status = status
        mediaType = MediaType(contentType)
        self.date = HTTPDate.seconds(date)
        body = 0..<count
    }
}

/// The Content-Type of a reply, without its parameters. Servers mislabel: the body decides.
public enum MediaType: UInt8, Equatable, Sendable {
    /// The reply has no type.
    case missing = 1
    /// `application/x-x509-ca-cert`
    case caCertificate
    /// `application/x-x509-ca-ra-cert`
    case caRACertificate
    /// `application/x-x509-next-ca-cert`
    case nextCACertificate
    /// `application/x-pki-message`
    case pkiMessage
    /// `text/plain`
    case text
    /// `text/html`
    case html
    case other

    init(_ value: Span<UInt8>) {
        var end = 0
        while end < value.count, !value[end].isBlank, value[end] != UInt8(ascii: ";") { end += 1 }
        let names: StaticString =
            """
            application/x-x509-ca-cert application/x-x509-ca-ra-cert application/x-x509-next-ca-cert \
            application/x-pki-message text/plain text/html
            """
        let number = value.number(of: 0..<end, in: names)
        self = end == 0 ? .missing : number == 0 ? .other : MediaType(rawValue: number + 1) ?? .other
    }
}

/// How much of a reply is taken in. Every count is in bytes.
public struct ResponseLimits: Equatable, Sendable {
    /// All field lines together, with those of interim replies and trailers.
    public var head: Int
    /// What is looked at of one line; the rest of a longer one is skipped. The line of a chunk's size must fit.
    public var line: Int
    /// The body; one byte less than the work buffer if that is smaller.
    public var body: Int

    public init(head: Int = 16_384, line: Int = 512, body: Int = HTTPError.largestSize) {
        self.head = head
        self.line = line
        self.body = body
    }
}
