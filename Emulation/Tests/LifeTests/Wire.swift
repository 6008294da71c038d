import Authority
import Foundation

/// HTTP between a device and an authority in the same process.
enum Wire {
    /// What comes over the line; nil when it is closed before a byte.
    static func bytes(of answer: Answer, date: String?) -> [UInt8]? {
        guard !answer.isDropped else { return nil }
        var body = answer.body
        body += [UInt8](repeating: 0, count: max(0, (answer.padding ?? 0) - body.count))
        var head = "HTTP/1.0 \(answer.status) Status\r\nContent-Type: \(answer.mediaType)\r\n"
        if let date { head += "Date: \(date)\r\n" }
        head += "Content-Length: \(body.count)\r\n\r\n"
        return [UInt8](head.utf8) + body.prefix(answer.cut ?? body.count)
    }

    /// RFC 9110, section 5.6.7.
    static func date(_ date: Date) -> String {
        var time = time_t(date.timeIntervalSince1970)
        var parts = tm()
        gmtime_r(&time, &parts)
        var text = [CChar](repeating: 0, count: 40)
        let count = strftime(&text, text.count, "%a, %d %b %Y %H:%M:%S GMT", &parts)
        return String(decoding: text[..<count].map(UInt8.init), as: UTF8.self)
    }
}

extension Request {
    /// Reads an HTTP request as our own device writes one; nil if it is another.
    init?(http bytes: [UInt8]) {
        guard let end = bytes.indices.dropLast(3).first(where: { bytes[$0..<$0 + 4].elementsEqual([13, 10, 13, 10]) })
        else { return nil }
        let lines = String(decoding: bytes[..<end], as: UTF8.self).components(separatedBy: "\r\n")
        let words = lines[0].split(separator: " ")
        guard words.count == 3, words[2] == "HTTP/1.0" else { return nil }
        let target = words[1].split(separator: "?", maxSplits: 1)
        guard target.count == 2 else { return nil }
        func field(_ name: String) -> String? {
            lines.dropFirst().first { $0.lowercased().hasPrefix(name + ": ") }
                .map { String($0.dropFirst(name.count + 2)) }
        }
        let body = [UInt8](bytes[(end + 4)...])
        guard body.count == field("content-length").flatMap({ Int($0) }) ?? 0 else { return nil }
        self.init(
            method: String(words[0]), path: String(target[0]), query: String(target[1]),
            mediaType: field("content-type"), body: body)
        host = field("host")
    }

    /// The value of a field of the query, percent-decoded.
    func field(_ name: String) -> String? {
        query.split(separator: "&").first { $0.hasPrefix(name + "=") }
            .flatMap { String($0.dropFirst(name.count + 1)).removingPercentEncoding }
    }

    /// The pkiMessage that it carries.
    var message: [UInt8]? {
        guard field("operation") == "PKIOperation" else { return nil }
        return method == "POST" ? body : field("message").flatMap { Data(base64Encoded: $0) }.map { [UInt8]($0) }
    }
}
