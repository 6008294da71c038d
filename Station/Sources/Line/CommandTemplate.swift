import Foundation
import Ledger
import Manifest

/// A program that somebody named, with `{serial}` and the like in its arguments. No shell reads it: words are separated by blanks,
/// and what is put in stays one word, whatever is in it.
public struct CommandTemplate: Sendable, Equatable {
    private let words: [Template]
    /// The program's path.
    public let program: String

    public enum Fault: Error, Equatable, CustomStringConvertible {
        /// No program, or a path that is not absolute: a search path is somebody else's to change.
        case notAbsolute
        case brace(String)
        /// Nothing of that name is put in.
        case unknown(String, known: [String])

        public var description: String {
            switch self {
            case .notAbsolute: "it begins with an absolute path"
            case .brace(let word): "\(word): \(Template.fault)"
            case .unknown(let name, let known):
                "nothing is known as {\(name)}: there are \(known.map { "{\($0)}" }.joined(separator: ", "))"
            }
        }
    }

    /// - Parameter known: what may be put in. Of `x-…` each that begins so.
    public init(_ text: String, known: [String]) throws(Fault) {
        var templates: [Template] = []
        for word in text.split(separator: " ") {
            guard let template = Template(String(word)) else { throw .brace(String(word)) }
            for name in template.names where !known.contains(name) {
                guard known.contains("x-…"), name.hasPrefix("x-") else { throw .unknown(name, known: known) }
            }
            templates.append(template)
        }
        guard let path = templates.first, path.names.isEmpty, path.filled({ $0 }).hasPrefix("/") else {
            throw .notAbsolute
        }
        words = templates
        program = path.filled { $0 }
    }

    /// What a program wrote, and how it ended.
    struct Result {
        let status: Int32
        /// Its standard output.
        var output: [UInt8]
        /// The beginning of what it wrote to standard error, line by line, for people.
        let complaints: [String]
        let isLate: Bool
    }

    /// Runs it to its end, or to the time limit, when it is killed. What it leaves running keeps nobody waiting.
    ///
    /// - Parameters:
    ///   - values: what is put in; nothing for a name that is not among them.
    ///   - environment: beside what this program has, but secrets of the station's.
    ///   - limit: of what is read of its output, in bytes; it is ended beyond that.
    func run(
        _ values: [String: String], environment: [String: String] = [:], seconds: TimeInterval, limit: Int = 65_536
    ) throws -> Result {
        var child = try ChildProcess(
            program, words.dropFirst().map { $0.filled { values[$0] ?? "" } },
            environment: ProcessInfo.processInfo.environment.filter { !$0.key.hasPrefix("PG") }.merging(environment) {
                $1
            })
        var streams = [Stream(child.outputs[0], limit: limit), Stream(child.outputs[1], limit: Complaints.limit)]
        let deadline = ProcessInfo.processInfo.systemUptime + seconds
        var status: Int32?
        var isLate = false
        // It may end, and leave a program running that has its outputs open still.
        while status == nil || streams.contains(where: { !$0.isAtEnd }) {
            let isSilent = !Stream.read(&streams, wait: status == nil ? 20 : 0)
            if streams[0].isOverLimit { break }
            isLate = status == nil && ProcessInfo.processInfo.systemUptime >= deadline
            if isLate || status != nil && (isSilent || ProcessInfo.processInfo.systemUptime >= deadline) { break }
            status = child.exitCode()
        }
        return Result(
            status: status ?? child.end(), output: streams[0].bytes, complaints: Complaints.lines(streams[1].bytes),
            isLate: isLate)
    }

    /// What comes out of a pipe.
    private struct Stream {
        let descriptor: Int32
        let limit: Int
        var bytes: [UInt8] = []
        var isAtEnd = false
        var isOverLimit = false

        init(_ descriptor: Int32, limit: Int) {
            self.descriptor = descriptor
            self.limit = limit
            // Moved to a larger place, a password would be left in the smaller one.
            bytes.reserveCapacity(limit + 1)
        }

        /// Reads what is there; what is too much is read all the same, so that nobody waits for it to be taken.
        ///
        /// - Parameter milliseconds: for which nothing may come.
        /// - Returns: whether something came, or a stream ended.
        static func read(_ streams: inout [Stream], wait milliseconds: Int32) -> Bool {
            var entries = streams.map { pollfd(fd: $0.isAtEnd ? -1 : $0.descriptor, events: Int16(POLLIN), revents: 0) }
            guard poll(&entries, nfds_t(entries.count), milliseconds) > 0 else { return false }
            var buffer = [UInt8](repeating: 0, count: 4_096)
            defer { for index in buffer.indices { buffer[index] = 0 } }
            for index in streams.indices where entries[index].revents != 0 {
                let count = Glibc.read(streams[index].descriptor, &buffer, buffer.count)
                if count <= 0 {
                    streams[index].isAtEnd = true
                    continue
                }
                let room = streams[index].limit + 1 - streams[index].bytes.count
                streams[index].bytes += buffer[..<min(count, room)]
                if streams[index].bytes.count > streams[index].limit { streams[index].isOverLimit = true }
            }
            return true
        }
    }
}

/// What a program says went wrong, as a person is shown it.
private enum Complaints {
    /// Bytes that are kept.
    static let limit = 2_048
    /// Lines that are shown, and characters of each.
    static let shown = (lines: 8, characters: 200)

    static func lines(_ bytes: [UInt8]) -> [String] {
        let all = bytes.split(whereSeparator: { $0 == 0x0A || $0 == 0x0D }).filter { !$0.isEmpty }
        let lines = all.prefix(shown.lines).map { line in
            let text = printable(String(decoding: line, as: UTF8.self))
            return text.count > shown.characters ? text.prefix(shown.characters - 1) + "…" : text
        }
        return lines + (all.count > shown.lines || bytes.count > limit ? ["…"] : [])
    }
}
