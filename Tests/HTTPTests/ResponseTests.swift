import HTTP
import Testing

struct ReplyCase: Sendable, CustomTestStringConvertible {
    let name: String
    let reply: String
    let outcome: Outcome
    var capacity = 4096
    var limits = ResponseLimits()

    init(_ name: String, _ reply: String, _ outcome: Outcome, capacity: Int = 4096, limits: ResponseLimits = .init()) {
        (self.name, self.reply, self.outcome, self.capacity, self.limits) = (name, reply, outcome, capacity, limits)
    }

    var testDescription: String { name }
}

@Suite struct ResponseTests {
    static let accepted: [ReplyCase] = [
        .init("length", "HTTP/1.0 200 OK\r\nContent-Length: 5\r\n\r\nhello", .reply(status: 200, body: "hello")),
        .init("no length", "HTTP/1.0 200 OK\r\n\r\nhello", .reply(status: 200, body: "hello")),
        .init("HTTP/1.1", "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello", .reply(status: 200, body: "hello")),
        .init("bare LF", "HTTP/1.1 200 OK\nContent-Length: 5\n\nhello", .reply(status: 200, body: "hello")),
        .init("no reason", "HTTP/1.1 200\r\nContent-Length: 2\r\n\r\nok", .reply(status: 200, body: "ok")),
        .init("blank for a reason", "HTTP/1.1 200 \r\n\r\nok", .reply(status: 200, body: "ok")),
        .init("no fields", "HTTP/1.1 200 OK\r\n\r\n", .reply(status: 200, body: "")),
        .init("empty body", "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", .reply(status: 200, body: "")),
        .init(
            "more than its length", "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok\r\nxx",
            .reply(status: 200, body: "ok")),
        .init("length in any case", "HTTP/1.1 200 OK\r\ncOntent-lenGTH:2\r\n\r\nokxx", .reply(status: 200, body: "ok")),
        .init("blanks", "HTTP/1.1 200 OK\r\nContent-Length: \t 2 \t\r\n\r\nokxx", .reply(status: 200, body: "ok")),
        .init(
            "leading zeros", "HTTP/1.1 200 OK\r\nContent-Length: 0000000000000002\r\n\r\nokxx",
            .reply(status: 200, body: "ok")),
        .init(
            "the same length twice", "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 02\r\n\r\nokxx",
            .reply(status: 200, body: "ok")),
        .init("empty value", "HTTP/1.1 200 OK\r\nX:\r\nContent-Length: 2\r\n\r\nokxx", .reply(status: 200, body: "ok")),
        .init(
            "bytes outside ASCII", "HTTP/1.1 200 \u{e9}\r\nX: \u{ff}\u{80}\r\n\r\nok", .reply(status: 200, body: "ok")),
        .init(
            "folded", "HTTP/1.1 200 OK\r\nX: 1\r\n\tContent-Length: 9\r\n \r\n\r\nok", .reply(status: 200, body: "ok")),
        .init("every byte", "HTTP/1.1 200 OK\r\n\r\n\0\r\n\u{ff}", .reply(status: 200, body: "\0\r\n\u{ff}")),
        .init("no content", "HTTP/1.1 204 No Content\r\nContent-Length: 5\r\n\r\nhello", .reply(status: 204, body: "")),
        .init("error", "HTTP/1.1 400 Bad Request\r\nContent-Length: 3\r\n\r\nwhy", .reply(status: 400, body: "why")),
        .init("error without length", "HTTP/1.0 500 Oops\r\n\r\nwhy", .reply(status: 500, body: "why")),
        .init(
            "Location without redirect", "HTTP/1.1 200 OK\r\nLocation: /x\r\n\r\nok", .reply(status: 200, body: "ok")),
        .init("identity", "HTTP/1.1 200 OK\r\nTransfer-Encoding: identity\r\n\r\nok", .reply(status: 200, body: "ok")),
        .init("interim", "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\n\r\nok", .reply(status: 200, body: "ok")),
        .init(
            "interim with fields",
            "HTTP/1.1 103 Early Hints\nContent-Length: 7\nServer: Microsoft-IIS\nLocation: /\n\nHTTP/1.1 200 OK\n\nok",
            .reply(status: 200, body: "ok")),
        .init(
            "chunked", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n6\r\n world\r\n0\r\n\r\n",
            .reply(status: 200, body: "hello world")),
        .init(
            "chunked with all that is allowed",
            "HTTP/1.0 200 OK\nTransfer-Encoding: CHUNKED\n\n05;a=\"b\"\nhello\n00B \t\n world, you\r\n000;x\r\nX: y\r\n\r\nmore",
            .reply(status: 200, body: "hello world, you")),
        .init(
            "chunked and empty", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
            .reply(status: 200, body: "")),
        .init(
            "chunks with line ends",
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n\r\n\r\n2\r\n\n\n\r\n0\r\n\r\n",
            .reply(status: 200, body: "\r\n\n\n")),
        .init(
            "long field",
            "HTTP/1.1 200 OK\r\nX: \(String(repeating: "x", count: 200))\r\nContent-Length: 2\r\n\r\nokxx",
            .reply(status: 200, body: "ok"), limits: .init(line: 32)),
        .init(
            "long reason", "HTTP/1.1 200 \(String(repeating: "x", count: 200))\r\n\r\nok",
            .reply(status: 200, body: "ok"),
            limits: .init(line: 32)),
        .init(
            "full buffer", "HTTP/1.1 200 OK\r\n\r\n0123456789012345678",
            .reply(status: 200, body: "0123456789012345678"), capacity: 20),
        .init(
            "full buffer, length", "HTTP/1.1 200 OK\r\nContent-Length: 19\r\n\r\n0123456789012345678",
            .reply(status: 200, body: "0123456789012345678"), capacity: 20),
        .init(
            "full buffer, chunked",
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1d\r\n01234567890123456789012345678\r\n0\r\n\r\n",
            .reply(status: 200, body: "01234567890123456789012345678"), capacity: 30),
        .init("body limit", "HTTP/1.1 200 OK\r\n\r\nhello", .reply(status: 200, body: "hello"), limits: .init(body: 5)),
        .init(
            "head limit", "HTTP/1.1 200 OK\r\nA: 1\r\n\r\nhello", .reply(status: 200, body: "hello"),
            limits: .init(head: 25)),
        .init(
            "folded, another field than a length or a coding",
            "HTTP/1.1 200 OK\r\nContent-Type: text/html;\r\n x=y\r\nDate: x\r\n y\r\n\r\nok",
            .reply(status: 200, body: "ok")
        ),
        .init(
            "content that is not coded", "HTTP/1.1 200 OK\r\nContent-Encoding: identity\r\n\r\nok",
            .reply(status: 200, body: "ok")),
        .init(
            "interim, chunked",
            "HTTP/1.1 100 C\nTransfer-Encoding: chunked\n\nHTTP/1.1 200 OK\nContent-Length: 2\n\nokxx",
            .reply(status: 200, body: "ok")),
        .init("Location below 300", "HTTP/1.1 299 X\nLocation: /x\n\nok", .reply(status: 299, body: "ok")),
        .init("Location from 400 on", "HTTP/1.1 400 X\nLocation: /x\n\nok", .reply(status: 400, body: "ok")),
        .init(
            "a line that fills the buffer", "HTTP/1.1 200 OK\nContent-Length: 2\n\nok", .reply(status: 200, body: "ok"),
            capacity: 18),
        .init("a tilde and a tab", "HTTP/1.1 200 ~\nX: ~\t\n\nok", .reply(status: 200, body: "ok")),
    ]

    @Test(arguments: accepted)
    func isAccepted(_ row: ReplyCase) throws {
        let result = try #require(readEveryWay(row.reply, capacity: row.capacity, limits: row.limits))
        #expect(result.outcome == row.outcome)
        #expect(!result.response.isBodyCut)
    }

    static let refused: [ReplyCase] = [
        .init("nothing", "", .failure(.noReply, at: 0)),
        .init("HTTP/0.9", "<html>no</html>\r\n", .failure(.notHTTP, at: 0, text: "<html>no</html>")),
        .init("HTTP/0.9 without line end", "<html>", .failure(.notHTTP, at: 0, text: "<html>")),
        .init("an SSH server", "SSH-2.0-OpenSSH_9.2\r\n", .failure(.notHTTP, at: 0, text: "SSH-2.0-OpenSSH_9.2")),
        .init("a TLS alert", "\u{15}\u{3}\u{1}\0\u{2}\u{2}\u{46}", .failure(.notHTTP, at: 0)),
        .init("HTTP/2", "HTTP/2.0 200 OK\r\n\r\n", .failure(.notHTTP, at: 5, text: "HTTP/2.0 200 OK")),
        .init("lower case", "http/1.1 200 OK\r\n\r\n", .failure(.notHTTP, at: 0, text: "http/1.1 200 OK")),
        .init("empty line first", "\r\nHTTP/1.1 200 OK\r\n\r\n", .failure(.notHTTP, at: 0)),
        .init("short status", "HTTP/1.1 20\r\n\r\n", .failure(.notHTTP, at: 11, text: "HTTP/1.1 20")),
        .init("long status", "HTTP/1.1 2000\r\n\r\n", .failure(.notHTTP, at: 12, text: "HTTP/1.1 2000")),
        .init("status below 100", "HTTP/1.1 099 X\r\n\r\n", .failure(.notHTTP, at: 9, text: "HTTP/1.1 099 X")),
        .init(
            "status that begins with a letter", "HTTP/1.1 x00 X\r\n\r\n",
            .failure(.notHTTP, at: 9, text: "HTTP/1.1 x00 X")),
        .init(
            "a coding that the buffer cuts", "HTTP/1.1 200 OK\nTransfer-Encoding: chunked, gzip\n\n",
            .failure(.unsupportedCoding, at: 35, status: 200), capacity: 27),
        .init("status of letters", "HTTP/1.1 2xx X\r\n\r\n", .failure(.notHTTP, at: 10, text: "HTTP/1.1 2xx X")),
        .init("NUL in the first line", "HTTP/1.1 2\0", .failure(.notHTTP, at: 10, text: "HTTP/1.1 2")),
        .init("CR in the first line", "HTTP/1.1 200 \rX", .failure(.notHTTP, at: 14, text: "HTTP/1.1 200 ")),
        .init("after an interim reply", "HTTP/1.1 100 C\n\nnope\n", .failure(.notHTTP, at: 16, text: "nope")),
        .init(
            "long first line", String(repeating: "x", count: 100) + "\n",
            .failure(.notHTTP, at: 0, text: String(repeating: "x", count: 32)), limits: .init(line: 32)),
        .init("half a first line", "HTTP/1.1 20", .failure(.truncated, at: 11)),
        .init("interim only", "HTTP/1.1 100 Continue\r\n\r\n", .failure(.truncated, at: 25)),
        .init("half a head", "HTTP/1.1 200 OK\r\nX: y\r\n", .failure(.truncated, at: 23, status: 200)),
        .init(
            "head over the limit", "HTTP/1.1 200 OK\r\nA: 1\r\n\r\n", .failure(.headTooLarge, at: 24, status: 200),
            limits: .init(head: 24)),
        .init(
            "endless interim replies", String(repeating: "HTTP/1.1 100\n\n", count: 40),
            .failure(.headTooLarge, at: 500),
            limits: .init(head: 500)),
        .init("one byte", "X", .failure(.notHTTP, at: 0, text: "X")),
        .init("one right byte", "H", .failure(.truncated, at: 1)),
        .init(
            "fold after an interim reply", "HTTP/1.1 100 C\nX: 1\n\nHTTP/1.1 200 OK\n X\n\n",
            .failure(.badField, at: 37, status: 200)),
        .init(
            "folded transfer coding", "HTTP/1.1 200 OK\nTransfer-Encoding: chunked\n , gzip\n\n",
            .failure(.badField, at: 43, status: 200)),
        .init(
            "folded content coding", "HTTP/1.1 200 OK\nContent-Encoding:\n gzip\n\n",
            .failure(.badField, at: 34, status: 200)),
        .init(
            "a length that the buffer cuts", "HTTP/1.1 200 OK\nContent-Length: 10\n\n",
            .failure(.badContentLength, at: 32, status: 200), capacity: 18),
        .init(
            "redirected, 300", "HTTP/1.1 300 X\nLocation: /x\n\n",
            .failure(.redirected, at: 25, status: 300, text: "/x")),
        .init(
            "redirected, 399", "HTTP/1.1 399 X\nLocation: /x\n\n",
            .failure(.redirected, at: 25, status: 399, text: "/x")),
        .init("1F in a field", "HTTP/1.1 200 OK\r\nA: \u{1F}\r\n\r\n", .failure(.badField, at: 20, status: 200)),
        .init("7F in a field", "HTTP/1.1 200 OK\r\nA: \u{7F}\r\n\r\n", .failure(.badField, at: 20, status: 200)),
        .init(
            "two lengths beyond what is counted",
            "HTTP/1.1 200 OK\nContent-Length: 67108864\nContent-Length: 67108865\n\n",
            .failure(.bodyTooLarge, at: 66, size: HTTPError.largestSize, status: 200)),
        .init("no colon", "HTTP/1.1 200 OK\r\nA: 1\r\nnonsense\r\n\r\n", .failure(.badField, at: 31, status: 200)),
        .init("no name", "HTTP/1.1 200 OK\r\n: 1\r\n\r\n", .failure(.badField, at: 17, status: 200)),
        .init(
            "blank in the name", "HTTP/1.1 200 OK\r\nContent-Length : 1\r\n\r\n",
            .failure(.badField, at: 31, status: 200)),
        .init("NUL in a field", "HTTP/1.1 200 OK\r\nA: \0\r\n\r\n", .failure(.badField, at: 20, status: 200)),
        .init("CR in a field", "HTTP/1.1 200 OK\r\nA: \rB: 1\r\n\r\n", .failure(.badField, at: 21, status: 200)),
        .init("CR CR LF", "HTTP/1.1 200 OK\r\nA: 1\r\r\n\r\n", .failure(.badField, at: 22, status: 200)),
        .init("fold before any field", "HTTP/1.1 200 OK\r\n A: 1\r\n\r\n", .failure(.badField, at: 17, status: 200)),
        .init(
            "folded length", "HTTP/1.1 200 OK\r\nContent-Length: 1\r\n 2\r\n\r\n",
            .failure(.badField, at: 36, status: 200)),
        .init(
            "no length's number", "HTTP/1.1 200 OK\r\nContent-Length:\r\n\r\n",
            .failure(.badContentLength, at: 32, status: 200)),
        .init(
            "negative length", "HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n",
            .failure(.badContentLength, at: 33, status: 200)),
        .init(
            "length with plus", "HTTP/1.1 200 OK\r\nContent-Length: +1\r\n\r\n",
            .failure(.badContentLength, at: 33, status: 200)),
        .init(
            "hexadecimal length", "HTTP/1.1 200 OK\r\nContent-Length: 0x1\r\n\r\n",
            .failure(.badContentLength, at: 33, status: 200)),
        .init(
            "list of lengths", "HTTP/1.1 200 OK\r\nContent-Length: 1, 1\r\n\r\n",
            .failure(.badContentLength, at: 33, status: 200)),
        .init(
            "length longer than a line", "HTTP/1.1 200 OK\r\nContent-Length: 00000000000000001\r\n\r\n",
            .failure(.badContentLength, at: 33, status: 200), limits: .init(line: 32)),
        .init(
            "two lengths", "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n",
            .failure(.conflictingLengths, at: 52, status: 200)),
        .init(
            "two huge lengths", "HTTP/1.1 200 OK\r\nContent-Length: 99999999999999999999\r\nContent-Length: 1\r\n\r\n",
            .failure(.conflictingLengths, at: 71, status: 200)),
        .init(
            "length and chunks", "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n",
            .failure(.conflictingLengths, at: 55, status: 200)),
        .init(
            "chunks and length", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nContent-Length: 1\r\n\r\n",
            .failure(.conflictingLengths, at: 61, status: 200)),
        .init(
            "other coding", "HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n",
            .failure(.unsupportedCoding, at: 36, status: 200)),
        .init(
            "chunked twice", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n",
            .failure(.unsupportedCoding, at: 64, status: 200)),
        .init(
            "compressed", "HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\n\r\n",
            .failure(.unsupportedCoding, at: 35, status: 200)),
        .init(
            "redirect", "HTTP/1.1 302 Found\r\nA: 1\r\nLocation:  https://ca.example/scep \r\nB: 2\r\n\r\n",
            .failure(.redirected, at: 37, status: 302, text: "https://ca.example/scep")),
        .init("redirect to nowhere", "HTTP/1.1 301 X\r\nA: 1\r\n\r\n", .failure(.redirected, at: 23, status: 301)),
        .init("not modified", "HTTP/1.1 304 X\n\n", .failure(.redirected, at: 15, status: 304)),
        .init(
            "long redirect", "HTTP/1.1 307 X\r\nLocation: http://\(String(repeating: "x", count: 100))\r\n\r\n",
            .failure(.redirected, at: 26, status: 307, text: "http://" + String(repeating: "x", count: 15)),
            limits: .init(line: 32)),
        .init(
            "cut body", "HTTP/1.1 200 OK\r\nContent-Length: 7\r\n\r\nabc",
            .failure(.truncated, at: 41, size: 4, status: 200)),
        .init(
            "large length", "HTTP/1.1 200 OK\r\nContent-Length: 20\r\n\r\n",
            .failure(.bodyTooLarge, at: 38, size: 20, status: 200), capacity: 20),
        .init(
            "large length, limit", "HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\n",
            .failure(.bodyTooLarge, at: 37, size: 6, status: 200),
            limits: .init(body: 5)),
        .init(
            "huge length", "HTTP/1.1 200 OK\r\nContent-Length: 67108864\r\n\r\n",
            .failure(.bodyTooLarge, at: 44, size: 67_108_863, status: 200)),
        .init(
            "length beyond 64 bits", "HTTP/1.1 200 OK\r\nContent-Length: 18446744073709551618\r\n\r\n",
            .failure(.bodyTooLarge, at: 56, size: HTTPError.largestSize, status: 200)),
        .init(
            "long body", "HTTP/1.1 200 OK\r\n\r\nabcdef", .failure(.bodyTooLarge, at: 24, size: 6, status: 200),
            limits: .init(body: 5)),
        .init(
            "body over the buffer", "HTTP/1.1 200 OK\n\n" + String(repeating: "x", count: 20),
            .failure(.bodyTooLarge, at: 36, size: 20, status: 200), capacity: 20),
    ]

    static let badChunks: [ReplyCase] = {
        let head = "HTTP/1.1 200 OK\nTransfer-Encoding: chunked\n\n"
        func row(
            _ name: String, _ body: String, _ kind: HTTPError.Kind, at offset: Int, size: Int = 0,
            limits: ResponseLimits = .init()
        ) -> ReplyCase {
            .init(
                name, head + body, .failure(kind, at: head.utf8.count + offset, size: size, status: 200), limits: limits
            )
        }
        return [
            row("no size", "\r\n\r\n", .badChunk, at: 1),
            row("no size, bare LF", "\n", .badChunk, at: 0),
            row("blank before the size", " 1\r\na", .badChunk, at: 0),
            row("negative size", "-1\r\n", .badChunk, at: 0),
            row("0x", "0x1\r\n", .badChunk, at: 1),
            row("extension without size", ";a\r\n", .badChunk, at: 0),
            row("NUL in an extension", "1;\0\r\n", .badChunk, at: 2),
            row("CR in a size", "1\r1\r\n", .badChunk, at: 2),
            row("longer than its size", "1\r\nab\r\n0\r\n\r\n", .badChunk, at: 4),
            row("CR without LF after a chunk", "1\r\na\rb", .badChunk, at: 5),
            row(
                "endless size", String(repeating: "0", count: 33) + "1\r\na", .badChunk, at: 32, limits: .init(line: 32)
            ),
            row(
                "endless extension", "1;" + String(repeating: "x", count: 99), .badChunk, at: 32,
                limits: .init(line: 32)),
            row("large chunk", "1001\r\n", .bodyTooLarge, at: 5, size: 4097),
            row(
                "large second chunk", "f\r\n\(String(repeating: "x", count: 15))\r\n1\r\n", .bodyTooLarge, at: 22,
                size: 16,
                limits: .init(body: 15)),
            row("chunk beyond 32 bits", "100000001\r\n", .bodyTooLarge, at: 10, size: HTTPError.largestSize),
            row("chunk beyond 64 bits", "10000000000000001\r\n", .bodyTooLarge, at: 18, size: HTTPError.largestSize),
            row("ends before the size", "", .truncated, at: 0),
            row("ends in the size", "12", .truncated, at: 2),
            row("ends in an extension", "12;", .truncated, at: 3, size: 18),
            row("ends in a chunk", "12\r\nabc", .truncated, at: 7, size: 15),
            row("ends after a chunk", "1\r\na\r\n", .truncated, at: 6),
            row("ends in the trailers", "1\r\na\r\n0\r\nA: b\r\n", .truncated, at: 15),
            row("NUL in a trailer", "0\r\n\0\r\n\r\n", .badField, at: 3),
            row(
                "endless trailers", "0\r\n" + String(repeating: "A: 1\r\n", count: 100), .headTooLarge, at: 59,
                limits: .init(head: 100)),
        ]
    }()

    @Test(arguments: refused + badChunks)
    func isRefused(_ row: ReplyCase) throws {
        let result = try #require(readEveryWay(row.reply, capacity: row.capacity, limits: row.limits))
        #expect(result.outcome == row.outcome)
    }

    /// With a status of 400 or more the body is for people, or is a small CertRep: as much of it as there is, is kept.
    static let cut: [ReplyCase] = [
        .init(
            "length", "HTTP/1.1 500 X\nContent-Length: 9\n\nabcdefghi", .reply(status: 500, body: "abcde"),
            limits: .init(body: 5)),
        .init(
            "huge length", "HTTP/1.1 500 X\nContent-Length: 99999999999\n\nabcdefghi",
            .reply(status: 500, body: "abcde"), limits: .init(body: 5)),
        .init("no length", "HTTP/1.1 400 X\n\nabcdefghi", .reply(status: 400, body: "abcde"), limits: .init(body: 5)),
        .init(
            "chunks", "HTTP/1.1 404 X\nTransfer-Encoding: chunked\n\n3\nabc\n6\ndefghi\n0\n\n",
            .reply(status: 404, body: "abcde"),
            limits: .init(body: 5)),
        .init(
            "one more chunk", "HTTP/1.1 404 X\nTransfer-Encoding: chunked\n\n5\nabcde\n1\nf\n0\n\n",
            .reply(status: 404, body: "abcde"), limits: .init(body: 5)),
        .init(
            "400 with a length", "HTTP/1.1 400 X\nContent-Length: 9\n\nabcdefghi", .reply(status: 400, body: "abcde"),
            limits: .init(body: 5)),
        .init(
            "400 with a chunk", "HTTP/1.1 400 X\nTransfer-Encoding: chunked\n\n6\nabcdef\n0\n\n",
            .reply(status: 400, body: "abcde"), limits: .init(body: 5)),
        .init("400 ended early", "HTTP/1.1 400 X\nContent-Length: 9\n\nabc", .reply(status: 400, body: "abc")),
        .init("ended early", "HTTP/1.1 503 X\nContent-Length: 9\n\nabc", .reply(status: 503, body: "abc")),
        .init(
            "ended in a chunk", "HTTP/1.1 503 X\nTransfer-Encoding: chunked\n\n9\nabc", .reply(status: 503, body: "abc")
        ),
        .init(
            "no space", "HTTP/1.1 503 X\nContent-Length: 9\n\nabc", .reply(status: 503, body: ""),
            limits: .init(body: 0)
        ),
    ]

    @Test(arguments: cut)
    func keepsTheStartOfAnErrorsBody(_ row: ReplyCase) throws {
        let result = try #require(readEveryWay(row.reply, capacity: row.capacity, limits: row.limits))
        #expect(result.outcome == row.outcome)
        #expect(result.response.isBodyCut)
    }

    @Test(arguments: [
        ("application/x-x509-ca-cert", MediaType.caCertificate), ("application/x-x509-ca-ra-cert", .caRACertificate),
        ("application/x-x509-next-ca-cert", .nextCACertificate), ("application/x-pki-message", .pkiMessage),
        ("Application/X-PKI-Message", .pkiMessage), ("application/x-pki-message; charset=utf-8", .pkiMessage),
        ("application/x-pki-message;charset=utf-8", .pkiMessage), ("application/x-pki-message ;a=b", .pkiMessage),
        ("application/x-pki-messages", .other), ("application/x-pki-messag", .other), ("text/plain", .text),
        ("text/plain;charset=ISO-8859-1", .text), ("text/html", .html), ("TEXT/HTML", .html), ("text/xml", .other),
        ("text", .other), ("", .missing), (";charset=utf-8", .missing), ("\u{e9}", .other),
    ])
    func mediaType(_ value: String, _ type: MediaType) throws {
        let result = try #require(readEveryWay("HTTP/1.1 200 OK\r\nContent-Type: \(value)\r\n\r\n"))
        #expect(result.response.mediaType == type)
    }

    @Test func mediaTypeIsMissing() {
        #expect(read(["HTTP/1.1 200 OK\r\nX: text/html\r\n\r\n".latin1[...]]).response.mediaType == .missing)
    }

    @Test(arguments: [
        ("Microsoft-IIS/10.0", true), ("microsoft-iis", true), ("Microsoft-HTTPAPI/2.0", false), ("Apache", false),
        ("not Microsoft-IIS", false), ("", false),
    ])
    func server(_ value: String, _ isMicrosoftIIS: Bool) throws {
        let result = try #require(readEveryWay("HTTP/1.1 200 OK\r\nServer: \(value)\r\n\r\n"))
        #expect(result.response.isMicrosoftIIS == isMicrosoftIIS)
    }

    @Test func factsOfInterimRepliesAreForgotten() {
        let reply = """
            HTTP/1.1 102 X
            Server: Microsoft-IIS
            Content-Type: text/html
            Date: Sun, 06 Nov 1994 08:49:37 GMT

            HTTP/1.1 200 OK


            """
        let response = read([reply.latin1[...]]).response
        #expect(response.status == 200)
        #expect(!response.isMicrosoftIIS)
        #expect(response.mediaType == .missing)
        #expect(response.date == nil)
    }

    @Test func aReplyWithoutLengthLastsUntilTheStreamEnds() {
        #expect(read(["HTTP/1.1 200 OK\r\n\r\nabc".latin1[...]], ending: false).outcome == .incomplete)
        #expect(
            read(["HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nabc".latin1[...]], ending: false).outcome
                == .reply(status: 200, body: "abc"))
    }

    /// The largest body that can be told, and one byte more: a buffer of that size is only claimed here.
    @Test(
        arguments: [
            ("Content-Length: 67108863\n\n", nil), ("Transfer-Encoding: chunked\n\n3FFFFFF\n", nil),
            ("Content-Length: 67108864\n\n", 41), ("Transfer-Encoding: chunked\n\n4000000\n", 51),
        ] as [(String, Int?)])
    func largestSize(rest: String, faultOffset: Int?) throws {
        let head = ("HTTP/1.1 200 OK\n" + rest).latin1
        var work = head + [UInt8](repeating: 0, count: 100)
        var reader = ResponseReader(limits: ResponseLimits(body: 1 << 27), capacity: 1 << 27)
        // Byte by byte, as lines are read at the front.
        var found: HTTPError?
        for byte in head {
            let place = reader.freeRange.lowerBound
            work[place] = byte
            var span = work.mutableSpan
            do throws(HTTPError) { try reader.received(1, in: &span) } catch { found = error }
        }
        #expect(
            found
                == faultOffset.map {
                    HTTPError(.bodyTooLarge, at: $0, size: HTTPError.largestSize, status: 200, text: 0..<0)
                })
        if faultOffset == nil { #expect(reader.freeRange.lowerBound == 0 && !reader.isComplete) }
    }

    /// After an error every further call throws it again.
    @Test func errorsStay() throws {
        var work = "HTTP/1.1 200 OK\nnonsense\nA: 1\n\n".latin1
        let count = work.count
        var reader = ResponseReader(limits: ResponseLimits(), capacity: count)
        for call in 0..<2 {
            do throws(HTTPError) {
                var span = work.mutableSpan
                try reader.received(call == 0 ? count : 0, in: &span)
                Issue.record("nothing was thrown")
            } catch {
                #expect(error.kind == .badField && error.offset == 24)
            }
        }
    }

    @Test func noMoreIsAskedForThanTheBodyLacks() throws {
        let head = "HTTP/1.1 200 OK\nContent-Length: 7\n\n".latin1
        var work = head + [UInt8](repeating: 0, count: 100)
        var reader = ResponseReader(limits: ResponseLimits(), capacity: work.count)
        #expect(reader.freeRange == 0..<work.count)
        var span = work.mutableSpan
        try reader.received(head.count, in: &span)
        #expect(reader.freeRange == 0..<7)
        try reader.received(3, in: &span)
        #expect(reader.freeRange == 3..<7)
        try reader.received(4, in: &span)
        #expect(reader.freeRange.isEmpty)
        #expect(reader.isComplete)
    }
}
