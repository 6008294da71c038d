import Reports

/// What a browser gets.
struct Answer: Equatable, Sendable {
    enum Status: Int {
        case ok = 200
        case seeOther = 303
        case badRequest = 400
        case forbidden = 403
        case notFound = 404
        case notAllowed = 405
        case misdirected = 421
        case headTooLong = 431
        case unavailable = 503

        var reason: String {
            switch self {
            case .ok: "OK"
            case .seeOther: "See Other"
            case .badRequest: "Bad Request"
            case .forbidden: "Forbidden"
            case .notFound: "Not Found"
            case .notAllowed: "Method Not Allowed"
            case .misdirected: "Misdirected Request"
            case .headTooLong: "Request Header Fields Too Large"
            case .unavailable: "Service Unavailable"
            }
        }
    }

    var status: Status
    var type: String
    var body: String
    /// Beside those that all have.
    var fields: [String] = []

    init(_ status: Status = .ok, page: Markup) {
        self.init(status, type: "text/html; charset=utf-8", page.text)
    }

    init(_ status: Status, text: String) { self.init(status, type: "text/plain; charset=utf-8", text + "\n") }

    init(_ status: Status = .ok, type: String, _ body: String) {
        self.status = status
        self.type = type
        self.body = body
    }

    init(redirectTo place: String) {
        self.init(.seeOther, text: "See \(place)")
        fields = ["Location: \(place)"]
    }

    /// What keeps a page to itself: it loads, runs and sends nothing but what is the dashboard's own, stands in no other page, and is
    /// kept by nobody.
    private static let security = [
        "Content-Security-Policy: default-src 'none'; style-src 'self'; script-src 'self'; connect-src 'self'; img-src data:; "
            + "form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
        "X-Content-Type-Options: nosniff", "X-Frame-Options: DENY", "Referrer-Policy: no-referrer",
        "Cross-Origin-Opener-Policy: same-origin", "Cross-Origin-Resource-Policy: same-origin",
        "Cache-Control: no-store",
    ]

    /// As it goes over the wire. Every answer ends its connection.
    ///
    /// - Parameter hasBody: false for HEAD.
    func encoding(hasBody: Bool) -> [UInt8] {
        let lines =
            [
                "HTTP/1.1 \(status.rawValue) \(status.reason)", "Content-Type: \(type)",
                "Content-Length: \(body.utf8.count)", "Connection: close",
            ] + Self.security + fields
        let head = lines.joined(separator: "\r\n") + "\r\n\r\n"
        return [UInt8]((hasBody ? head + body : head).utf8)
    }
}
