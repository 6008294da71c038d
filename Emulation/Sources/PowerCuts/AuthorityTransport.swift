import Authority
import Board
import Foundation

/// The line to the CA, with HTTP on it, in the same process.
struct AuthorityTransport<P: Part>: Transport {
    let machine: Machine<P>
    private var sent: [UInt8] = []
    /// What comes back; nil before it was asked for.
    private var received: [UInt8]?
    private var read = 0

    init(machine: Machine<P>) {
        self.machine = machine
    }

    mutating func connect(host: Span<UInt8>, port: UInt16, deadline: UInt64) throws(TransportError) {
        close()
    }

    mutating func send(_ bytes: Span<UInt8>, deadline: UInt64) throws(TransportError) {
        for index in bytes.indices { sent.append(bytes[index]) }
    }

    mutating func receive(
        into buffer: inout MutableSpan<UInt8>, deadline: UInt64
    ) throws(TransportError) -> Int {
        let bytes: [UInt8]
        if let received {
            bytes = received
        } else {
            bytes = try machine.exchange(sent)
            received = bytes
        }
        let count = min(buffer.count, bytes.count - read)
        for index in 0..<count { buffer[index] = bytes[read + index] }
        read += count
        return count
    }

    mutating func close() {
        sent = []
        received = nil
        read = 0
    }
}

/// The HTTP answer of `authority` to an HTTP request; nil when it closes the connection in place of one.
func answer(to bytes: [UInt8], from authority: Authority) -> [UInt8]? {
    guard let request = Request(http: bytes) else { return nil }
    let answer = authority.answer(request)
    guard !answer.isDropped else { return nil }
    let head = """
        HTTP/1.0 \(answer.status) Status\r
        Date: \(date(authority.now))\r
        Content-Type: \(answer.mediaType)\r
        Content-Length: \(answer.body.count)\r
        \r

        """
    return [UInt8](head.utf8) + answer.body
}

extension Request {
    /// Reads an HTTP request as our own device writes one.
    init?(http bytes: [UInt8]) {
        let end = bytes.indices.dropLast(3).first { bytes[$0..<$0 + 4].elementsEqual([13, 10, 13, 10]) }
        guard let end else { return nil }
        let lines = String(decoding: bytes[..<end], as: UTF8.self).split(separator: "\r\n")
        guard let words = lines.first?.split(separator: " "), words.count == 3 else { return nil }
        let target = words[1].split(separator: "?", maxSplits: 1)
        guard target.count == 2 else { return nil }
        func field(_ name: String) -> String? {
            let line = lines.first { $0.lowercased().hasPrefix(name + ": ") }
            return line.map { String($0.dropFirst(name.count + 2)) }
        }
        let body = [UInt8](bytes[(end + 4)...])
        guard body.count == field("content-length").flatMap({ Int($0) }) ?? 0 else { return nil }
        self.init(
            method: String(words[0]), path: String(target[0]), query: String(target[1]),
            mediaType: field("content-type"), body: body)
        host = field("host")
    }
}

/// RFC 9110, section 5.6.7.
private func date(_ date: Date) -> String {
    var time = time_t(date.timeIntervalSince1970)
    var parts = tm()
    gmtime_r(&time, &parts)
    var text = [CChar](repeating: 0, count: 40)
    let count = strftime(&text, text.count, "%a, %d %b %Y %H:%M:%S GMT", &parts)
    return String(decoding: text[..<count].map(UInt8.init), as: UTF8.self)
}

/// The clock of a machine.
struct MachineClock<P: Part>: Board.Clock {
    let machine: Machine<P>

    var uptime: UInt64 { machine.uptime }
    var time: Int64? { machine.hasClock ? Int64(machine.now / 1000) : nil }

    func sleep(milliseconds: UInt64) { machine.sleep(milliseconds: milliseconds) }
}

/// The console of a machine.
struct MachineLog<P: Part>: Log {
    let machine: Machine<P>

    func write(line: Span<UInt8>) {
        guard machine.isVerbose else { return }
        var bytes: [UInt8] = []
        for index in line.indices { bytes.append(line[index]) }
        machine.write(String(decoding: bytes, as: UTF8.self))
    }
}
