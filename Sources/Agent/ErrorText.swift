import Board
import Bytes
import DeviceCrypto
import PKIX
import SCEP

/// What there is to say of an error: its row in the table, and what the row's gaps are filled with.
public struct ErrorText: Sendable {
    /// Where in the exchange it happened.
    enum Place: UInt8, Sendable {
        case unknown
        case connecting, sending, receiving
        /// In a message of ``ErrorText/number`` bytes.
        case size
        /// In a space of ``ErrorText/capacity`` bytes, of which it needs ``ErrorText/number`` if that is known.
        case capacity
        /// At so many bytes from its start.
        case byte
        /// At so many bytes from its start, in DER; the number is that of what is wrong there.
        case code
    }

    /// What fills a word's gap.
    enum Detail: Sendable {
        case none
        case failInfo(FailInfo)
        case key(KeyDefect)
        case weakness(Leniency)
        case form(BodyForm)
        case limit(CertificateRevocationList.Limit)
        case name(Configuration.Name)
    }

    let cause: Cause
    var cure: Cure?
    public internal(set) var operation: Operation?
    var number = 0
    var detail = Detail.none
    var place = Place.unknown
    var offset = 0
    var capacity = 0
    /// Where the far side's words stand in the work buffer; empty when there are none.
    public internal(set) var quoted = 0..<0

    init(_ cause: Cause) {
        self.cause = cause
    }

    /// Of what does not fit.
    ///
    /// - Parameters:
    ///   - size: what it needs, in bytes; 0 if that is not known.
    ///   - capacity: of what is too small; 0 if that is not known.
    init(_ cause: Cause, needs size: Int, has capacity: Int) {
        self.cause = cause
        (number, self.capacity) = (size, capacity)
        if capacity > 0 { place = .capacity }
    }

    /// That mbedTLS has too little memory.
    static var outOfMemory: ErrorText { ErrorText(.outOfMemory, needs: 0, has: Arena.capacity) }

    /// What programs act upon: words joined by `-`.
    public var kind: Span<UInt8> {
        @_lifetime(immortal) get { part(from: 0, to: UInt8(ascii: ":")) }
    }

    /// What happened, with gaps: see ``Board/Line/append(_:filledBy:)``.
    public var sentence: Span<UInt8> {
        @_lifetime(immortal) get { part(from: kind.count &+ 2, to: UInt8(ascii: ";")) }
    }

    /// What to do.
    public var remedy: Span<UInt8> {
        @_lifetime(immortal)
        get {
            if let cure { return cure.row }
            let start = position(of: UInt8(ascii: ";"), in: cause.row, from: 0)
            return part(from: start &+ 2, to: UInt8(ascii: "\n"))
        }
    }

    @_lifetime(immortal)
    private func part(from start: Int, to mark: UInt8) -> Span<UInt8> {
        let row = cause.row
        return row.extracting(start..<position(of: mark, in: row, from: start))
    }
}

extension Line {
    /// Appends `kind: what happened; what to do`, where it happened, and what the far side says.
    ///
    /// - Parameter work: the work buffer, in which those words stand.
    public mutating func append(_ text: ErrorText, _ work: Span<UInt8>) {
        append(text.cause.row, filledBy: text)
        if let cure = text.cure {
            append("; ")
            append(cure.row, filledBy: text)
        }
        appendPlace(of: text)
        guard !text.quoted.isEmpty, text.quoted.upperBound <= work.count else { return }
        append("; it says: ")
        append(farSide: work.extracting(text.quoted))
    }

    /// Appends a part of a row.
    @inline(never)
    public mutating func append(_ part: Span<UInt8>, filledBy text: ErrorText) {
        for index in part.indices {
            switch part[index] {
            case UInt8(ascii: "$"): append(text.operation.name)
            case UInt8(ascii: "#"): append(decimal: text.number)
            case UInt8(ascii: "%"): append(text.detail)
            case UInt8(ascii: "&"): appendChoice(of: text.detail)
            case UInt8(ascii: "~"): append("the CA's operator")
            default: append(part.extracting(index...index))
            }
        }
    }

    /// Appends where it happened, in brackets, if that is known.
    public mutating func appendPlace(of text: ErrorText) {
        guard text.place != .unknown else { return }
        append(" (")
        switch text.place {
        case .unknown: break
        case .connecting, .sending, .receiving:
            append(tableRow(text.place.rawValue &- 1, of: "connecting, \nsending, \nwaiting for the reply, "))
            append(text.operation.name)
        case .size:
            append(decimal: text.number)
            append(" bytes")
        case .capacity:
            if text.number > 0 {
                append("needs ")
                append(decimal: text.number)
                append(", ")
            }
            append("has ")
            append(decimal: text.capacity)
            append(" bytes")
        case .byte:
            append(text.operation.name)
            append(", byte ")
            append(decimal: text.offset)
        case .code:
            append("code ")
            append(decimal: text.number)
            append(" at byte ")
            append(decimal: text.offset)
        }
        append(")")
    }

    /// Appends the beginning of what the far side said, without the end of its line.
    mutating func append(farSide words: Span<UInt8>) {
        var end = min(words.count, 80)
        while end > 0, words[end &- 1] < UInt8(ascii: " ") { end &-= 1 }
        append(words.extracting(first: end))
    }
}
