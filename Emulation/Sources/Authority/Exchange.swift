import Foundation

/// An HTTP request as the authority sees it.
public struct Request: Sendable, Hashable {
    public var method: String
    /// Of the request target, as sent.
    public var path: String
    /// Of the request target, without the question mark, as sent.
    public var query: String
    /// Host, which a client should send in HTTP/1.0 too.
    public var host: String? = "localhost"
    /// Content-Type.
    public var mediaType: String?
    public var body: [UInt8]
    /// Address of the client, for the log.
    public var peer: String

    public init(
        method: String, path: String = "/", query: String = "", mediaType: String? = nil, body: [UInt8] = [],
        peer: String = "-"
    ) {
        self.method = method
        self.path = path
        self.query = query
        self.mediaType = mediaType
        self.body = body
        self.peer = peer
    }

    /// What is asked for; nil if it is nothing that SCEP knows.
    public var operation: CAOperation? { QueryParameters(query)["operation"].flatMap(CAOperation.init(name:)) }
}

/// An HTTP answer, and what is to go wrong with it on the wire.
public struct Answer: Sendable {
    public var status: Int
    public var mediaType: String
    public var body: [UInt8]
    /// Seconds to wait before it is sent.
    public var delay: Double = 0
    /// Whether the connection closes in place of the answer.
    public var isDropped = false
    /// The connection closes after this many bytes of the body.
    public var cut: Int?
    /// The body goes on with zero bytes up to this many.
    public var padding: Int?

    public init(status: Int = 200, mediaType: String = "text/plain; charset=utf-8", body: [UInt8]) {
        self.status = status
        self.mediaType = mediaType
        self.body = body
    }

    public init(status: Int, text: String) {
        self.init(status: status, body: [UInt8]((text + "\n").utf8))
    }
}

/// One line of the log: what was asked, and what became of it. It never holds a password.
public struct LogEvent: Sendable, CustomStringConvertible {
    public var date: Date
    public var peer: String
    public var method: String
    /// Name of the operation, or the path when it is none.
    public var operation: String
    /// `message` of an operation without a pkiMessage: the CA identifier, or a certificate's number.
    public var identifier: String?
    public var messageType: CAMessageType?
    public var transactionID: String?
    public var subject: String?
    /// `SUCCESS`, `PENDING`, `FAILURE badRequest: …`, or the HTTP status.
    public var outcome = ""
    public var status = 0
    /// Bytes of SCEP, without HTTP headers.
    public var received = 0
    public var sent = 0
    /// What was odd about the request but let pass, and faults that were made on purpose.
    public var notes: [String] = []

    init(date: Date, request: Request) {
        self.date = date
        peer = request.peer
        method = request.method
        operation = request.path
        received = request.body.count
    }

    public var description: String {
        var words = [Self.clock(date), method, operation]
        if let identifier { words.append("message=\(Self.shortened(identifier))") }
        if let messageType { words.append(messageType.name) }
        if let transactionID { words.append(Self.shortened(transactionID)) }
        if let subject { words.append(Self.printable(subject)) }
        words.append("-> \(Self.printable(outcome))")
        words.append("(\(received) B in, \(sent) B out)")
        for note in notes { words.append("[\(Self.printable(note))]") }
        return words.joined(separator: " ")
    }

    private static func clock(_ date: Date) -> String {
        // Time can be before 1970 here.
        let seconds = (Int(date.timeIntervalSince1970) % 86_400 + 86_400) % 86_400
        return [seconds / 3600, seconds / 60 % 60, seconds % 60]
            .map { $0 < 10 ? "0\($0)" : "\($0)" }.joined(separator: ":") + "Z"
    }

    private static func shortened(_ text: String) -> String {
        text.count > 16 ? printable(String(text.prefix(12))) + "…" : printable(text)
    }

    /// A hostile request must not write to somebody's terminal.
    private static func printable(_ text: String) -> String {
        String(text.unicodeScalars.map { $0.value < 32 || (127..<160).contains($0.value) ? "?" : Character($0) })
    }
}
