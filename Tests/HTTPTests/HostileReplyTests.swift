import HTTP
import TestSupport
import Testing

/// What a far side that means harm, or a broken line, can do: nothing may trap, and every reply comes to an end.
@Suite struct HostileReplyTests {
    static let whole = ResponseTests.accepted + ResponseTests.cut

    @Test(arguments: whole)
    func cutAnywhere(_ row: ReplyCase) {
        let bytes = row.reply.latin1
        for count in bytes.indices {
            let result = read([bytes[..<count]], capacity: row.capacity, limits: row.limits)
            switch result.outcome {
            case .reply(let status, let body):
                // The body of a cut reply can only be the start of the whole one's.
                #expect(result.response.status == status)
                guard case .reply(_, let expected) = row.outcome else { break }
                #expect(expected.hasPrefix(body) || expected.latin1.starts(with: body.latin1))
            case .failure(let kind, let offset, _, _, _):
                #expect([.noReply, .notHTTP, .truncated].contains(kind))
                #expect(offset <= count)
            case .incomplete: Issue.record("a reply that ended is not at its end")
            }
        }
    }

    @Test func everyByteChanged() {
        let replies = [
            "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nDate: Sun, 06 Nov 1994 08:49:37 GMT\r\n\r\nhello",
            "HTTP/1.1 200 OK\nTransfer-Encoding: chunked\n\n5;a\nhello\n0\nA: b\n\n",
            "HTTP/1.1 302 Found\nLocation: http://x\n\n",
        ]
        for reply in replies {
            var bytes = reply.latin1
            for index in bytes.indices {
                let original = bytes[index]
                for byte in "\0\t\n\r !-/09:;AFafx~\u{7f}\u{80}\u{ff}".latin1 {
                    bytes[index] = byte
                    #expect(read([bytes[...]], capacity: 64).outcome != .incomplete)
                }
                bytes[index] = original
            }
        }
    }

    /// Random words of the protocol, which come much further than random bytes, in buffers of every size.
    @Test func randomReplies() {
        let words = [
            "HTTP/1.1 200 OK\r\n", "HTTP/1.0 500 X\n", "HTTP/1.1 100 C\r\n\r\n", "Content-Length: ",
            "Transfer-Encoding: chunked\r\n",
            "Location: ", "Date: Sun, 06 Nov 1994 08:49:37 GMT", "Server: ", "\r\n", "\n", "\r", "\r\n\r\n", " ", "\t",
            ":", ";", "0", "5",
            "ffffffff", "99999999999", "-", "hello", "\0", "\u{ff}", "0\r\n\r\n", "5\r\nhello\r\n", "chunked",
            "identity", ",",
        ]
        var generator = SeededGenerator(seed: 1)
        for round in 0..<3_000 {
            var reply: [UInt8] = round % 4 == 0 ? [] : words[Int.random(in: 0...2, using: &generator)].latin1
            for _ in 0..<Int.random(in: 0...20, using: &generator) {
                reply += words[Int.random(in: words.indices, using: &generator)].latin1
            }
            let capacity = Int.random(in: 1...80, using: &generator)
            let limits = ResponseLimits(
                head: Int.random(in: 0...300, using: &generator), line: Int.random(in: 0...60, using: &generator),
                body: Int.random(in: 0...60, using: &generator))
            let whole = read([reply[...]], capacity: capacity, limits: limits)
            let single = read(reply.indices.map { reply[$0...$0] }, capacity: capacity, limits: limits)
            #expect(whole == single)
            #expect(whole.outcome != .incomplete)
            #expect(whole.response.body.upperBound <= min(limits.body, max(capacity - 1, 0)))
        }
    }

    @Test func randomBytes() {
        var generator = SeededGenerator(seed: 3)
        for _ in 0..<1_000 {
            let bytes = (0..<Int.random(in: 0...200, using: &generator)).map { _ in
                UInt8.random(in: 0...255, using: &generator)
            }
            #expect(read([bytes[...]], capacity: 64).outcome != .incomplete)
            #expect(read(["HTTP/1.1 200 OK\n".latin1[...], bytes[...]], capacity: 64).outcome != .incomplete)
            let chunked = "HTTP/1.1 200 OK\nTransfer-Encoding: chunked\n\n".latin1
            #expect(read([chunked[...], bytes[...]], capacity: 64).outcome != .incomplete)
        }
    }

    /// Streams that never end are given up after a bounded number of bytes.
    @Test(arguments: [
        ("", "x", 20_000), ("HTTP/1.1 200 OK\r\n", "A: 1\r\n", 20_000), ("HTTP/1.1 200 OK\r\nA: ", "1", 20_000),
        ("", "HTTP/1.1 100 Continue\r\n\r\n", 20_000), ("HTTP/1.1 200 OK\r\n\r\n", "x", 5_000),
        ("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", "1\r\nx\r\n", 30_000),
        ("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", "0", 1_000),
        ("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1;", "x", 1_000),
        ("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n", "A: 1\r\n", 20_000),
        ("HTTP/1.1 500 X\r\nTransfer-Encoding: chunked\r\n\r\n", "1\r\nx\r\n", 30_000),
    ])
    func endlessStreams(_ start: String, _ more: String, _ bound: Int) {
        var stream = start.latin1
        let piece = more.latin1
        while stream.count < bound { stream += piece }
        #expect(read([stream[...]], ending: false).outcome != .incomplete)
    }
}
