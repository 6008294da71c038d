import Agent
import Board
import Bytes
import DER
import PKIX
import SCEP

/// Who reads what is said of an error, and so by which names it is said what to do.
package enum ErrorReader: Sendable {
    /// Who runs `scep`: its options and commands.
    case gateway
    /// Who runs a line: the names of a device's configuration, which stand in a manifest or a profile.
    case station
}

/// What is said of an error, in its parts.
package struct ErrorWords {
    let reader: ErrorReader
    package var kind: Text
    /// What happened.
    package var sentence: Text
    /// What to do.
    package var remedy: Text
    /// Where: it stands in brackets.
    package var place: Text
    /// What the far side says, escaped; empty if it says nothing, or nothing that helps.
    package var quoted = Text()
    /// The words of allow that would let it pass; empty if none would.
    package let leniency: Text
    /// Nil: that of the error.
    package var exit: ExitCode?

    /// - Parameters:
    ///   - work: the work buffer, in which the far side's words stand.
    ///   - isHeld: whether it is about a certificate that there is already, and not an enrolment.
    ///   - knowsCapabilities: whether the same URL answered GetCACaps with what the CA can do.
    package init(
        _ error: AgentError, _ work: Span<UInt8>, isHeld: Bool = false, knowsCapabilities: Bool = false,
        for reader: ErrorReader = .gateway
    ) {
        self.init(error, inTheAgentsWords: work, for: reader)
        adapt(to: error, work, isHeld: isHeld, knowsCapabilities: knowsCapabilities)
    }

    /// As the agent's table of errors has it.
    private init(_ error: AgentError, inTheAgentsWords work: Span<UInt8>, for reader: ErrorReader) {
        self.reader = reader
        let text = error.text(work)
        kind = Text(text.kind)
        var line = Line()
        line.append(text.sentence, filledBy: text)
        sentence = Text(line.span)
        line.clear()
        line.append(text.remedy, filledBy: text)
        remedy = Text(line.span)
        line.clear()
        line.append(span(of: "&"), filledBy: text)
        leniency = Text(line.span)
        line.clear()
        line.appendPlace(of: text)
        place = Text(line.span)
        guard !text.quoted.isEmpty, text.quoted.upperBound <= work.count, !isWebPage(work, text.quoted) else { return }
        quote(work.extracting(text.quoted))
    }

    private mutating func quote(_ words: Span<UInt8>) {
        var end = 0
        while end < words.count {
            let length = max(utf8Length(words, at: end), 1)
            guard end + length <= 160 else { break }
            end += length
        }
        while end > 0, words[end - 1] <= UInt8(ascii: " ") { end -= 1 }
        quoted.append(printable: words.extracting(first: end))
    }

    /// What happened, what to do, what the far side says, and where.
    package var message: Text {
        var message = sentence
        if !remedy.isEmpty { message += Text("; ") + remedy }
        if !quoted.isEmpty { message += Text("; it says: ") + quoted }
        return message + place
    }

    package mutating func say(_ sentence: StaticString, do remedy: StaticString) {
        self.sentence = Text(sentence)
        self.remedy = Text(remedy)
    }
}

extension AgentError {
    /// What a factory's station says of it, in UTF-8: a kind that programs act upon, lower-case words joined by `-`, and a
    /// sentence for people: what happened, where, what to do.
    ///
    /// - Parameters:
    ///   - work: the work buffer, in which the far side's words stand.
    ///   - knowsCapabilities: whether the same URL answered GetCACaps with what the CA can do.
    public func words(_ work: Span<UInt8>, knowsCapabilities: Bool) -> (kind: [UInt8], sentence: [UInt8]) {
        let words = ErrorWords(self, work, knowsCapabilities: knowsCapabilities, for: .station)
        return (words.kind, words.message)
    }
}
