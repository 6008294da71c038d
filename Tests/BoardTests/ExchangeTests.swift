import Board
import Foundation
import HTTP
import Testing

/// A far side that follows a script, and the time beside it.
final class Line {
    enum Event: Equatable {
        case connect(String, UInt16)
        case send([UInt8])
        case receive(capacity: Int)
        case close
    }

    var events: [Event] = []
    /// What each receive gives; after the last the stream has ended.
    var reply: [[UInt8]] = []
    /// The same for each connection in turn, if it is not empty.
    var replies: [[[UInt8]]] = []
    var connectError: TransportError?
    /// Fails the send of that number, from 0.
    var sendError: (number: Int, error: TransportError)?
    /// Instead of the end of the stream.
    var receiveError: TransportError?
    /// How many bytes a receive says that it stored; nil: the truth.
    var claimedCount: ((_ capacity: Int) -> Int)?
    var uptime: UInt64 = 1000
    /// Milliseconds that every call takes.
    var delay: UInt64 = 0
    let deadline: UInt64 = 6000

    var sent: [UInt8] {
        events.flatMap { event -> [UInt8] in
            if case .send(let bytes) = event { bytes } else { [] }
        }
    }
}

struct ScriptedTransport: Transport, ~Copyable {
    let line: Line

    mutating func connect(host: Span<UInt8>, port: UInt16, deadline: UInt64) throws(TransportError) {
        line.events.append(.connect(String(decoding: host.indices.map { host[$0] }, as: UTF8.self), port))
        line.uptime += line.delay
        #expect(deadline == line.deadline)
        if let error = line.connectError { throw error }
        if !line.replies.isEmpty { line.reply = line.replies.removeFirst() }
    }

    mutating func send(_ bytes: Span<UInt8>, deadline: UInt64) throws(TransportError) {
        let number = line.events.count { if case .send = $0 { true } else { false } }
        line.uptime += line.delay
        #expect(deadline == line.deadline)
        if let sendError = line.sendError, sendError.number == number { throw sendError.error }
        line.events.append(.send(bytes.indices.map { bytes[$0] }))
    }

    mutating func receive(into buffer: inout MutableSpan<UInt8>, deadline: UInt64) throws(TransportError) -> Int {
        line.events.append(.receive(capacity: buffer.count))
        line.uptime += line.delay
        #expect(deadline == line.deadline)
        let capacity = buffer.count
        #expect(capacity > 0)
        guard !line.reply.isEmpty else {
            if let error = line.receiveError { throw error }
            return 0
        }
        var piece = line.reply.removeFirst()
        let count = min(piece.count, buffer.count)
        for index in 0..<count { buffer[index] = piece[index] }
        piece.removeFirst(count)
        if !piece.isEmpty { line.reply.insert(piece, at: 0) }
        return line.claimedCount?(capacity) ?? count
    }

    mutating func close() { line.events.append(.close) }
}

/// The same for a far side that is secured.
struct SecuredTransport: Transport, ~Copyable {
    static var isSecuring: Bool { true }

    var lower: ScriptedTransport

    mutating func connect(host: Span<UInt8>, port: UInt16, deadline: UInt64) throws(TransportError) {
        try lower.connect(host: host, port: port, deadline: deadline)
    }

    mutating func send(_ bytes: Span<UInt8>, deadline: UInt64) throws(TransportError) {
        try lower.send(bytes, deadline: deadline)
    }

    mutating func receive(into buffer: inout MutableSpan<UInt8>, deadline: UInt64) throws(TransportError) -> Int {
        try lower.receive(into: &buffer, deadline: deadline)
    }

    mutating func close() { lower.close() }
}

struct LineClock: Clock, ~Copyable {
    let line: Line
    var uptime: UInt64 { line.uptime }
    var time: Int64? { nil }
    mutating func sleep(milliseconds: UInt64) { line.uptime += milliseconds }
}

@Suite struct ExchangeTests {
    struct Outcome {
        var response: Response?
        var error: ExchangeError?
        var body: [UInt8] = []
        var work: [UInt8]
        var traffic: Traffic
    }

    /// POSTs `body`, which lies at the end of a work buffer of `capacity` bytes, unless another message is asked for.
    func run(
        _ line: Line, url: String = "http://ca.example/scep", body: [UInt8] = [1, 2, 3], isGet: Bool = false,
        capacity: Int = 1024, traffic: Traffic = Traffic()
    ) throws -> Outcome {
        var work = [UInt8](repeating: 0, count: capacity - body.count) + body
        let url = [UInt8](url.utf8)
        let range = (capacity - body.count)..<capacity
        var transport = ScriptedTransport(line: line)
        let clock = LineClock(line: line)
        var traffic = traffic
        var response: Response?
        var failure: ExchangeError?
        do {
            let url = try ServerURL(url.span)
            var span = work.mutableSpan
            do throws(ExchangeError) {
                response = try exchange(
                    "PKIOperation", isGet ? .base64(range) : .body(range), with: url, in: &span,
                    deadline: line.deadline, over: &transport, clock: clock, traffic: &traffic)
            } catch {
                failure = error
            }
        }
        return Outcome(
            response: response, error: failure, body: Array(work[response?.body ?? 0..<0]), work: work, traffic: traffic
        )
    }

    static let reply = [UInt8](
        "HTTP/1.1 200 OK\r\nContent-Type: application/x-pki-message\r\nContent-Length: 5\r\n\r\nhello".utf8)

    @Test func aPostAndItsReplyShareOneBuffer() throws {
        let line = Line()
        // The reply overwrites the message.
        let body = [UInt8](repeating: 0xA5, count: 1000)
        let big = [UInt8](repeating: 0x5A, count: 1023)
        line.reply = [[UInt8]("HTTP/1.0 200 OK\r\nContent-Length: 1023\r\n\r\n".utf8), big]
        let outcome = try run(line, body: body)
        #expect(outcome.error == nil)
        #expect(outcome.body == big)
        let head =
            "POST /scep?operation=PKIOperation HTTP/1.0\r\nHost: ca.example\r\nUser-Agent: EmbeddedSCEP\r\n"
            + "Connection: close\r\nContent-Type: application/x-pki-message\r\nContent-Length: 1000\r\n\r\n"
        #expect(line.sent == [UInt8](head.utf8) + body)
        // The body goes in one piece, as it lies.
        #expect(line.events.contains(.send(body)))
        #expect(line.events.first == .connect("ca.example", 80))
        #expect(line.events.last == .close)
        #expect(outcome.traffic.exchanges == 1)
        #expect(outcome.traffic.bytesSent == UInt32(head.utf8.count + 1000))
        #expect(outcome.traffic.bytesReceived == 1023 + 41)
    }

    @Test func aLongGetGoesInChunks() throws {
        let line = Line()
        line.reply = [Self.reply]
        let outcome = try run(
            line, url: "http://[2001:db8::1]:8080/scep", body: [UInt8](repeating: 0xFB, count: 600), isGet: true)
        #expect(outcome.response?.status == 200)
        #expect(outcome.response?.mediaType == .pkiMessage)
        #expect(outcome.body == [UInt8]("hello".utf8))
        #expect(line.events.first == .connect("2001:db8::1", 8080))
        let sends = line.events.compactMap { if case .send(let bytes) = $0 { bytes.count } else { nil } }
        #expect(sends.dropLast().allSatisfy { $0 == 256 })
        #expect(sends.count > 3)
        #expect(String(decoding: line.sent, as: UTF8.self).hasPrefix("GET /scep?operation=PKIOperation&message=%2B"))
    }

    @Test(arguments: [1, 2, 7, 64])
    func aReplyInPieces(_ size: Int) throws {
        let line = Line()
        line.reply = stride(from: 0, to: Self.reply.count, by: size).map {
            Array(Self.reply[$0..<min($0 + size, Self.reply.count)])
        }
        let outcome = try run(line)
        #expect(outcome.body == [UInt8]("hello".utf8))
        #expect(outcome.traffic.bytesReceived == UInt32(Self.reply.count))
    }

    /// What such a driver claims is no reply, whatever stands in the work buffer.
    @Test(arguments: [1, 100_000, Int.max])
    func aTransportThatClaimsMoreThanThereWasSpaceFor(excess: Int) throws {
        let line = Line()
        line.reply = [Self.reply]
        line.claimedCount = { excess == .max ? .max : $0 + excess }
        #expect(try run(line).error == .receiving(.reset))
        line.reply = [Self.reply]
        line.claimedCount = { _ in excess == .max ? .min : -excess }
        #expect(try run(line).error == .receiving(.reset))
    }

    @Test func nothingIsReceivedOnceTheReplyIsThere() throws {
        let line = Line()
        line.reply = [Self.reply]
        line.receiveError = .timedOut
        #expect(try run(line).error == nil)
    }

    @Test func trafficAddsUp() throws {
        let line = Line()
        line.reply = [Self.reply]
        let first = try run(line).traffic
        line.reply = [Self.reply]
        let second = try run(line, traffic: first).traffic
        #expect(second.exchanges == 2)
        #expect(second.bytesSent == 2 * first.bytesSent)
        #expect(second.bytesReceived == 2 * UInt32(Self.reply.count))
    }

    /// Some proxies refuse HTTP/1.0 (RFC 9110, sections 15.5.22 and 15.6.6): the same request goes out again as HTTP/1.1,
    /// at once and from then on, with the message that was still there.
    @Test(
        arguments: [
            "HTTP/1.1 426 Upgrade Required\r\nConnection: close\r\nContent-Length: 900\r\n\r\n"
                + String(repeating: "x", count: 900),
            "HTTP/1.1 505 HTTP Version Not Supported\r\n\r\n",
            "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 426 Upgrade Required\r\nUpgrade: HTTP/1.1\r\n\r\n",
        ], [1, 7, 2000])
    func http11IsSpokenWhereItIsWanted(_ refusal: String, _ size: Int) throws {
        let chunked =
            "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhe\r\n3\r\nllo\r\n0\r\n\r\n"
        for isGet in [false, true] {
            let line = Line()
            line.replies = [refusal, chunked].map { text in
                let bytes = [UInt8](text.utf8)
                return stride(from: 0, to: bytes.count, by: size).map { Array(bytes[$0..<min($0 + size, bytes.count)]) }
            }
            let outcome = try run(line, body: [9, 8, 7], isGet: isGet)
            #expect(outcome.body == [UInt8]("hello".utf8))
            #expect(outcome.traffic.version == .http11 && outcome.traffic.exchanges == 2)
            let requests = String(decoding: line.sent, as: UTF8.self).components(separatedBy: isGet ? "GET" : "POST")
            #expect(requests.count == 3 && requests[1].contains("HTTP/1.0\r\n"))
            #expect(requests[1].replacing("HTTP/1.0", with: "HTTP/1.1") == requests[2])
            #expect(requests[2].contains("\r\nConnection: close\r\n"))
            #expect(line.events.filter { $0 == .close }.count == 2 && line.events.last == .close)
            // Remembered, and not tried a third time.
            line.events = []
            line.replies = [[[UInt8](refusal.utf8)]]
            let again = try run(line, isGet: isGet, traffic: outcome.traffic)
            #expect(again.response?.status == 426 || again.response?.status == 505)
            #expect(
                String(decoding: line.sent, as: UTF8.self).contains(" HTTP/1.1\r\n") && again.traffic.exchanges == 3)
        }
    }

    /// Once the server has taken it, the message is given up for the reply.
    @Test(arguments: ["200 OK", "500 Internal Server Error"]) func theReplyHasAllOfTheBuffer(_ status: String) throws {
        let line = Line()
        let head = [UInt8]("HTTP/1.0 \(status)\r\n\r\n".utf8)
        let body = [UInt8](repeating: 0x5A, count: 127)
        line.reply = [head, body]
        #expect(try run(line, capacity: 128).body == body)
        let capacities = line.events.compactMap { if case .receive(let capacity) = $0 { capacity } else { nil } }
        #expect(capacities.prefix(2) == [128 - 3, 128])
    }

    /// A message that leaves no space for a reply's first line in front of it cannot be sent again.
    @Test func aMessageThatIsGoneIsNotSentAgain() throws {
        let line = Line()
        line.reply = [[UInt8]("HTTP/1.1 426 Upgrade Required\r\nContent-Length: 0\r\n\r\n".utf8)]
        let outcome = try run(line, body: [UInt8](repeating: 1, count: 1014))
        #expect(outcome.response?.status == 426 && outcome.traffic.version == .http10)
        #expect(outcome.traffic.exchanges == 1)
    }

    /// What was given up for an interim reply is not sent again afterwards, when there is space in front of it again.
    @Test func aMessageThatAnInterimReplyOverwroteIsNotSentAgain() throws {
        let line = Line()
        line.reply = ["HTTP/1.1 100 Continue\r\n\r\n", "HTTP/1.1 426 Upgrade Required\r\nContent-Length: 0\r\n\r\n"]
            .map { [UInt8]($0.utf8) }
        let outcome = try run(line, body: [UInt8](repeating: 1, count: 1014))
        #expect(outcome.response?.status == 426 && outcome.traffic.exchanges == 1)
    }

    /// A head of any length arrives whole: also if its last chunk is one byte.
    @Test func headsOfEveryLength() throws {
        for count in 0..<256 {
            let line = Line()
            line.reply = [Self.reply]
            let path = "/" + String(repeating: "x", count: count)
            _ = try run(line, url: "http://ca" + path)
            let head =
                "POST \(path)?operation=PKIOperation HTTP/1.0\r\nHost: ca\r\nUser-Agent: EmbeddedSCEP\r\n"
                + "Connection: close\r\nContent-Type: application/x-pki-message\r\nContent-Length: 3\r\n\r\n"
            #expect(line.sent == [UInt8](head.utf8) + [1, 2, 3], "\(count)")
        }
    }

    @Test func httpsIsNotSentInTheClear() throws {
        let line = Line()
        let outcome = try run(line, url: "https://ca.example/scep")
        #expect(outcome.error == .notSecured)
        #expect(line.events.isEmpty)
        #expect(outcome.traffic == Traffic())
    }

    /// The policy of who asks says whether that may be http.
    @Test(arguments: ["http", "https"]) func whatIsSecuredTakesBoth(scheme: String) throws {
        let line = Line()
        line.reply = [Self.reply]
        var work = [UInt8](repeating: 0, count: 1024)
        let url = Array("\(scheme)://ca.example/scep".utf8)
        var transport = SecuredTransport(lower: ScriptedTransport(line: line))
        var traffic = Traffic()
        var span = work.mutableSpan
        let response = try exchange(
            "GetCACaps", .none, with: ServerURL(url.span), in: &span, deadline: line.deadline, over: &transport,
            clock: LineClock(line: line), traffic: &traffic)
        #expect(response.status == 200)
        #expect(line.events.first == .connect("ca.example", scheme == "http" ? 80 : 443))
    }

    /// What does not secure can hold nobody to a pin or a certificate.
    @Test(arguments: [([], []), ([1], []), ([], [1]), ([1], [1])] as [([UInt8], [UInt8])])
    func whatDoesNotSecureTrustsNobody(pins: [UInt8], certificate: [UInt8]) {
        var transport = ScriptedTransport(line: Line())
        let isTaken = transport.trust(pins: pins.span, certificate: certificate.span)
        #expect(isTaken == (pins.isEmpty && certificate.isEmpty))
    }

    @Test(arguments: [
        TransportError.noAddress, .nameUnknown, .nameUnresolved, .refused, .unreachable, .timedOut, .reset, .exhausted,
    ])
    func everyPhaseSaysWhereItFailed(_ error: TransportError) throws {
        let connecting = Line()
        connecting.connectError = error
        #expect(try run(connecting).error == .connecting(error))
        #expect(connecting.events.last == .close)

        for number in 0...1 {
            let sending = Line()
            sending.sendError = (number, error)
            let outcome = try run(sending)
            #expect(outcome.error == .sending(error))
            #expect(sending.events.last == .close)
            #expect(outcome.traffic.bytesSent == UInt32(sending.sent.count))
        }

        let receiving = Line()
        receiving.reply = [Array(Self.reply.dropLast())]
        receiving.receiveError = error
        let outcome = try run(receiving)
        #expect(outcome.error == .receiving(error))
        #expect(receiving.events.last == .close)
        #expect(outcome.traffic.bytesReceived == UInt32(Self.reply.count - 1))
    }

    @Test func anErrorsStatusOutlivesABrokenConnection() throws {
        let line = Line()
        line.reply = [[UInt8]("HTTP/1.1 413 Too Large\r\nContent-Length: 9\r\n\r\nwhy".utf8)]
        line.receiveError = .reset
        let outcome = try run(line)
        #expect(outcome.response?.status == 413)
        #expect(outcome.response?.isBodyCut == true)
        #expect(outcome.body == [UInt8]("why".utf8))

        // From 400 on: what is below has no body for people, and of 399 none at all.
        line.reply = [[UInt8]("HTTP/1.1 400 X\r\nContent-Length: 9\r\n\r\nwhy".utf8)]
        #expect(try run(line).response?.status == 400)
        line.reply = [[UInt8]("HTTP/1.1 399 X\r\nA: b\r\n".utf8)]
        #expect(try run(line).error == .receiving(.reset))

        line.reply = [[UInt8]("HTTP/1.1 413 Too".utf8)]
        #expect(try run(line).error == .receiving(.reset))
        line.reply = [[UInt8]("HTTP/1.1 413 Too Large\r\n".utf8)]
        #expect(try run(line).error == .reply(HTTPError(.truncated, at: 24, status: 413)))
        line.reply = [[UInt8]("HTTP/1.1 413 Too Large\r\n\r\nwhy".utf8)]
        line.receiveError = .timedOut
        #expect(try run(line).error == .receiving(.timedOut))
    }

    @Test func aBadReplyNamesItsFault() throws {
        let line = Line()
        line.reply = [[UInt8]("HTTP/1.0 301 Moved\r\nLocation: https://ca.example/scep\r\n\r\n".utf8)]
        let outcome = try run(line)
        guard case .reply(let error) = outcome.error else {
            Issue.record("\(String(describing: outcome.error))")
            return
        }
        #expect(error.kind == .redirected)
        #expect(error.status == 301)
        #expect(String(decoding: outcome.work[error.text], as: UTF8.self) == "https://ca.example/scep")
        #expect(line.events.last == .close)
    }

    @Test func aStreamThatEndsAtOnceIsNoReply() throws {
        let line = Line()
        #expect(try run(line).error == .reply(HTTPError(.noReply, at: 0)))
        #expect(line.events.last == .close)
    }

    @Test func aServerThatDripsIsCutOffAtTheDeadline() throws {
        let line = Line()
        line.delay = 100
        line.reply = [[UInt8]("HTTP/1.0 200 OK\r\n\r\n".utf8)] + [[UInt8]](repeating: [0], count: 900)
        let outcome = try run(line)
        #expect(outcome.error == .receiving(.timedOut))
        #expect(line.uptime == line.deadline)
        #expect(line.events.last == .close)
    }

    @Test func theDeadlineCountsBetweenHeadAndBody() throws {
        let line = Line()
        line.delay = 2500
        #expect(try run(line).error == .sending(.timedOut))
        #expect(String(decoding: line.sent, as: UTF8.self).hasSuffix("\r\n\r\n"))
    }

    @Test func theDeadlineCountsForSendingToo() throws {
        let line = Line()
        line.delay = 5000
        #expect(try run(line).error == .sending(.timedOut))
        #expect(line.sent.isEmpty)
        #expect(line.events.last == .close)
    }
}
