/// Why a program could not be run to the point that was asked for.
public enum ProgramError: Error, Sendable, CustomStringConvertible {
    /// `program`, an absolute path, is not there or may not be executed.
    case missing(program: String, origin: String)
    /// The time was up.
    case timeLimit(program: String, limit: Duration, transcript: [Line])
    /// It ended before it wrote what was waited for.
    case ended(program: String, before: String, transcript: [Line])

    public var description: String {
        switch self {
        case .missing(let program, let origin):
            "\(program) is missing; it comes from: \(origin)"
        case .timeLimit(let program, let limit, let transcript):
            "\(program) was stopped after \(limit.seconds) s, its time limit. \(Self.last(transcript))"
        case .ended(let program, let before, let transcript):
            "\(program) ended before it wrote \(before). \(Self.last(transcript))"
        }
    }

    static func last(_ transcript: [Line]) -> String {
        guard !transcript.isEmpty else { return "It had written nothing." }
        return "Its last lines:\n" + transcript.suffix(12).map { "    \($0.text)" }.joined(separator: "\n")
    }
}

extension Duration {
    /// In seconds, to a tenth: `9.3`.
    public var seconds: String {
        let tenths = (components.seconds * 1000 + components.attoseconds / 1_000_000_000_000_000 + 50) / 100
        return "\(tenths / 10).\(tenths % 10)"
    }
}
