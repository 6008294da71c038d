/// What a browser asks for: the head of an HTTP/1.0 or 1.1 request (RFC 9112), as far as a server needs it that only shows something.
struct RequestHead: Equatable, Sendable {
    let method: String
    let path: String
    /// By name, decoded; the first of a name counts.
    let query: [String: String]
    let host: String
    let cookies: [String: String]

    /// Bytes of a head at most: browsers send about one thousand.
    static let limit = 8_192

    /// - Parameter bytes: up to the empty line.
    init(_ bytes: [UInt8]) throws(Refusal) {
        guard bytes.allSatisfy({ ($0 >= 0x20 && $0 < 0x7F) || $0 == 0x0D || $0 == 0x0A || $0 == 0x09 }) else {
            throw .malformed
        }
        let lines = String(decoding: bytes, as: UTF8.self).split(separator: "\r\n", omittingEmptySubsequences: false)
        let words = (lines.first ?? "").split(separator: " ", omittingEmptySubsequences: false)
        guard words.count == 3, words[2] == "HTTP/1.1" || words[2] == "HTTP/1.0", words[1].hasPrefix("/") else {
            throw .malformed
        }
        var hosts: [Substring] = []
        var cookies: [String: String] = [:]
        for line in lines.dropFirst() {
            guard let colon = line.firstIndex(of: ":"), colon > line.startIndex,
                !line.contains(where: { $0 == "\r" || $0 == "\n" })
            else { throw .malformed }
            let value = line[line.index(after: colon)...].trimmingBlanks
            switch line[..<colon].lowercased() {
            case "host": hosts.append(value)
            case "cookie":
                for pair in value.split(separator: ";") {
                    let parts = pair.split(separator: "=", maxSplits: 1)
                    if parts.count == 2 { cookies[String(parts[0].trimmingBlanks)] = String(parts[1].trimmingBlanks) }
                }
            default: break
            }
        }
        // None, or two that two readers choose from differently: RFC 9112, section 3.2.
        guard hosts.count == 1 else { throw .malformed }
        let target = words[1].split(separator: "?", maxSplits: 1, omittingEmptySubsequences: false)
        method = String(words[0])
        path = String(target[0])
        query = try Self.query(target.count > 1 ? target[1] : "")
        host = String(hosts[0])
        self.cookies = cookies
    }

    /// As a form sends it: application/x-www-form-urlencoded.
    private static func query(_ text: Substring) throws(Refusal) -> [String: String] {
        var result: [String: String] = [:]
        for pair in text.split(separator: "&") {
            let parts = pair.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            let name = try decoded(parts[0])
            if result[name] == nil { result[name] = try parts.count > 1 ? decoded(parts[1]) : "" }
        }
        return result
    }

    private static func decoded(_ text: Substring) throws(Refusal) -> String {
        var bytes: [UInt8] = []
        var rest = text.utf8[...]
        while let byte = rest.popFirst() {
            switch byte {
            case UInt8(ascii: "+"): bytes.append(0x20)
            case UInt8(ascii: "%"):
                guard rest.count >= 2, let value = UInt8(String(decoding: rest.prefix(2), as: UTF8.self), radix: 16),
                    rest.first != UInt8(ascii: "+")
                else { throw .malformed }
                bytes.append(value)
                rest = rest.dropFirst(2)
            default: bytes.append(byte)
            }
        }
        guard let result = String(validating: bytes, as: UTF8.self) else { throw .malformed }
        return result
    }
}

/// A request that gets no page.
enum Refusal: Error, Equatable {
    case malformed
    case tooLong

    var answer: Answer {
        switch self {
        case .malformed: Answer(.badRequest, text: "This is no request that a browser sends.")
        case .tooLong: Answer(.headTooLong, text: "The request is too long.")
        }
    }
}

extension StringProtocol where SubSequence == Substring {
    /// Without blanks and tabulators around it.
    fileprivate var trimmingBlanks: Substring {
        var part = self[...]
        while let first = part.first, first == " " || first == "\t" { part.removeFirst() }
        while let last = part.last, last == " " || last == "\t" { part.removeLast() }
        return part
    }
}

/// For a link: all but letters, digits, `-`, `.`, `_` and `~` (RFC 3986, section 2.3) encoded.
func percentEncoded(_ text: String) -> String {
    text.utf8.reduce(into: "") { result, byte in
        switch byte {
        case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "-"), UInt8(ascii: "."), UInt8(ascii: "_"),
            UInt8(ascii: "~"):
            result.unicodeScalars.append(Unicode.Scalar(byte))
        default: result += "%" + (byte < 16 ? "0" : "") + String(byte, radix: 16, uppercase: true)
        }
    }
}
