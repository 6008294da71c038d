import Synchronization

/// The lines of one run: kept for the record, and handed on as they come.
final class Transcript: Sendable {
    let stream: AsyncStream<Line>
    private let continuation: AsyncStream<Line>.Continuation
    private let kept = Mutex<[Line]>([])
    private let limit: Int

    init(limit: Int) {
        self.limit = limit
        (stream, continuation) = AsyncStream.makeStream(bufferingPolicy: .unbounded)
    }

    var lines: [Line] { kept.withLock { $0 } }

    /// - Returns: false when the limit is reached and the line was dropped.
    func append(_ text: String, at elapsed: Duration) -> Bool {
        let line = Line(text: text, elapsed: elapsed)
        let fits = kept.withLock { lines in
            guard lines.count < limit else { return false }
            lines.append(line)
            return true
        }
        if fits { continuation.yield(line) }
        return fits
    }

    func finish() { continuation.finish() }
}

/// Cuts a byte stream into lines that end in LF or CR LF, as soon as each is whole.
struct LineSplitter {
    /// A longer line is cut here.
    static let longestLine = 4096
    private var pending: [UInt8] = []

    mutating func push(_ bytes: [UInt8]) -> [String] {
        var lines: [String] = []
        for byte in bytes {
            if byte == UInt8(ascii: "\n") {
                if pending.last == UInt8(ascii: "\r") { pending.removeLast() }
                lines.append(take())
            } else {
                pending.append(byte)
                if pending.count == Self.longestLine { lines.append(take()) }
            }
        }
        return lines
    }

    /// What was written without a line ending.
    mutating func finish() -> String? {
        pending.isEmpty ? nil : take()
    }

    private mutating func take() -> String {
        defer { pending.removeAll(keepingCapacity: true) }
        return String(decoding: pending, as: UTF8.self)
    }
}
