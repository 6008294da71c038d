import Authority

extension Answer {
    /// What comes over the line, with what is to go wrong on it; nil when it is closed before a byte.
    ///
    /// - Parameter date: of the Date header; nil leaves it out.
    public func http(date: String?) -> [UInt8]? {
        guard !isDropped else { return nil }
        let body = body + [UInt8](repeating: 0, count: max(0, (padding ?? 0) - body.count))
        var head = "HTTP/1.0 \(status) Status\r\nContent-Type: \(mediaType)\r\n"
        if let date { head += "Date: \(date)\r\n" }
        head += "Content-Length: \(body.count)\r\n\r\n"
        return [UInt8](head.utf8) + body.prefix(cut ?? body.count)
    }
}
