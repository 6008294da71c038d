/// The figures of one enrolment, from the board's line `report name=number …`.
public struct Report: Sendable, Equatable {
    public enum Name: String, CaseIterable, Sendable {
        /// Bytes of the image in flash.
        case flash
        /// Bytes that are statically reserved.
        case ram
        /// Bytes of the stack at its deepest.
        case stack
        /// Bytes of mbedTLS's arena at its peak.
        case arena
        /// Exchanges with the CA.
        case messages
        /// Bytes, HTTP headers included.
        case sent
        /// Bytes, HTTP headers included.
        case received
        /// Milliseconds since start-up.
        case milliseconds = "ms"
    }

    private var figures: [Name: Int] = [:]

    /// Nil for a line that is no report or a malformed one: an unknown or repeated name, a value that is no number.
    public init?(line: String) {
        let words = line.split(separator: " ", omittingEmptySubsequences: false)
        guard words.count > 1, words.first == "report" else { return nil }
        for word in words.dropFirst() {
            let parts = word.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            guard parts.count == 2, let name = Name(rawValue: String(parts[0])), figures[name] == nil,
                parts[1].allSatisfy({ $0.isASCII && $0.isNumber }), let value = Int(parts[1])
            else { return nil }
            figures[name] = value
        }
    }

    /// Nil when the board cannot know it.
    public subscript(name: Name) -> Int? { figures[name] }
}

/// How a board says that it has ended.
public enum Verdict: Sendable, Equatable {
    case done
    /// `kind` is for programs, `sentence` for people.
    case failed(kind: String, sentence: String)

    /// Nil for any line that is not a last one.
    public init?(line: String) {
        if line == "done" {
            self = .done
            return
        }
        guard line.hasPrefix("error "), let colon = line.range(of: ": ") else { return nil }
        let kind = String(line[line.index(line.startIndex, offsetBy: 6)..<colon.lowerBound])
        guard !kind.isEmpty, kind.allSatisfy({ $0 == "-" || $0.isASCII && ($0.isLowercase || $0.isNumber) }) else {
            return nil
        }
        self = .failed(kind: kind, sentence: String(line[colon.upperBound...]))
    }
}
