import Bytes
import DER
import DeviceCrypto

/// What the body of a reply is that is no DER.
public enum BodyForm: UInt8, Equatable, Sendable {
    /// There is nothing, or white space alone.
    case empty = 1
    /// HTML or XML: a page for people.
    case html
    case json
    /// Compressed (RFC 1952), which was not asked for.
    case gzip
    /// A byte order mark stands in front of something: the body went through a text file.
    case byteOrderMark
    /// Words.
    case text
}

/// Finds the message in the body of a reply and turns it into DER where it stands.
///
/// PEM, base64 (not on a small image: ``Footprint``), and white space around DER are taken, and noted in the policy: what counts is
/// signed or has a fingerprint, however it was carried.
///
/// - Parameter mayBeSeveral: whether a text may hold several elements: the blocks of a PEM file.
/// - Throws: ``SCEPError/notDER(_:)``, ``SCEPError/reply(_:)``.
@inline(never)
func readBody(
    _ work: inout MutableSpan<UInt8>, _ body: Range<Int>, _ policy: inout Policy, mayBeSeveral: Bool = false
) throws(SCEPError) -> Range<Int> {
    var range = Footprint.isUnconstrained ? skipBlanks(work.span, body) : body
    var isText = false
    if let form = BodyForm(work.span, range) {
        guard Footprint.isUnconstrained, form == .text || form == .byteOrderMark, let decoded = decode(&work, range)
        else {
            throw .notDER(form)
        }
        range = decoded
        isText = true
    }
    if Footprint.isUnconstrained, range != body { policy.note(.textBody) }
    do throws(DERError) {
        return try BER.normalize(&work, in: range, spare: work.count &- range.upperBound)
    } catch {
        guard error.kind == .trailingBytes else { throw .reply(error) }
        if Footprint.isUnconstrained, isText, mayBeSeveral { return range }
        guard skipBlanks(work.span, error.offset..<range.upperBound).isEmpty else { throw .reply(error) }
        policy.note(.textBody)
        var reader = DERReader(work.span, in: range)
        guard let element = try? reader.read() else { throw .reply(error) }
        return element.range
    }
}

/// Passes over UTF-8's byte order mark at the front of `range`.
///
/// - Returns: whether there is one.
func skipMark(_ bytes: Span<UInt8>, _ range: inout Range<Int>) -> Bool {
    let start = range.lowerBound
    guard range.count >= 3, bytes[start] == 0xEF, bytes[start &+ 1] == 0xBB, bytes[start &+ 2] == 0xBF else {
        return false
    }
    range = (start &+ 3)..<range.upperBound
    return true
}

private func skipBlanks(_ bytes: Span<UInt8>, _ range: Range<Int>) -> Range<Int> {
    var start = range.lowerBound
    while start < range.upperBound, isWhiteSpace(bytes[start]) { start &+= 1 }
    return start..<range.upperBound
}

extension BodyForm {
    /// Nil for what may be DER, as far as its first bytes tell.
    fileprivate init?(_ bytes: Span<UInt8>, _ body: Range<Int>) {
        var range = body
        let hasMark = Footprint.isUnconstrained && skipMark(bytes, &range)
        if Footprint.isUnconstrained { range = skipBlanks(bytes, range) }
        guard let start = range.first else {
            self = .empty
            return
        }
        switch bytes[start] {
        case UInt8(ascii: "<"): self = .html
        case UInt8(ascii: "{") where Footprint.isUnconstrained, UInt8(ascii: "[") where Footprint.isUnconstrained:
            self = .json
        case 0x1F where Footprint.isUnconstrained && range.count > 1 && bytes[start &+ 1] == 0x8B: self = .gzip
        case _ where hasMark: self = .byteOrderMark
        // A digit or a letter can be the tag of an element: a length, or what is in it, is no letter then.
        default:
            for index in start..<min(range.upperBound, start &+ 8) {
                guard 0x20..<0x7F ~= bytes[index] || isWhiteSpace(bytes[index]) else { return nil }
            }
            self = .text
        }
    }
}

/// Decodes base64 (RFC 4648, 4) where it stands, with the lines of PEM (RFC 7468) and a byte order mark around it.
///
/// - Returns: where the bytes stand; nil, with nothing changed, if it is anything else, or no SEQUENCE.
private func decode(_ work: inout MutableSpan<UInt8>, _ text: Range<Int>) -> Range<Int>? {
    var range = text
    _ = skipMark(work.span, &range)
    var output = range.lowerBound
    for isWriting in 0..<2 {
        output = range.lowerBound
        var (group, bits) = (0, 0)
        var isLabel = false
        for index in range {
            let byte = work[index]
            if byte == UInt8(ascii: "\n") || byte == UInt8(ascii: "\r") { isLabel = false }
            if byte == UInt8(ascii: "-") { isLabel = true }
            if byte == UInt8(ascii: "=") || isLabel { (group, bits) = (0, 0) }
            if isLabel || isWhiteSpace(byte) || byte == UInt8(ascii: "=") { continue }
            guard let value = base64Value(byte) else { return nil }
            group = group &<< 6 | value
            bits &+= 6
            guard bits >= 8 else { continue }
            bits &-= 8
            let octet = UInt8(truncatingIfNeeded: group &>> bits)
            guard output > range.lowerBound || octet == Tag.sequence.rawValue else { return nil }
            if isWriting == 1 { work[output] = octet }
            output &+= 1
        }
    }
    return output > range.lowerBound ? range.lowerBound..<output : nil
}

private func base64Value(_ byte: UInt8) -> Int? {
    switch byte {
    case UInt8(ascii: "A")...UInt8(ascii: "Z"): Int(byte &- UInt8(ascii: "A"))
    case UInt8(ascii: "a")...UInt8(ascii: "z"): Int(byte &- UInt8(ascii: "a") &+ 26)
    case UInt8(ascii: "0")...UInt8(ascii: "9"): Int(byte &- UInt8(ascii: "0") &+ 52)
    case UInt8(ascii: "+"): 62
    case UInt8(ascii: "/"): 63
    default: nil
    }
}
