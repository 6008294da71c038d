/// Bounded BER in: turns a message with indefinite lengths, long lengths and octet strings in pieces into DER, where
/// it stands.
///
/// DER is not longer than the BER it comes from: an indefinite length takes three octets with its end-of-contents, and no
/// DER length below 64 KiB takes more. Above, one more is needed, which dropped headers of pieces make space for; where
/// they do not, it is refused. One pass, no second buffer, no recursion.
public enum BER {
    /// The deepest nesting that is followed. The deepest real message has 12 levels.
    public static var maximumDepth: Int { 24 }

    /// An element whose end has not been reached.
    private struct Open {
        /// Where its identifier was written.
        var start: Int
        /// Where its content was written.
        var content: Int
        /// Where its content ends in the input; -1 for an indefinite length.
        var end: Int

        /// Whether it is a piece of an octet string, whose header is dropped.
        var isPiece: Bool { content == start }
    }

    /// Turns the one BER element in `range` of `bytes` into DER, which starts where `range` starts.
    ///
    /// - Parameter spare: how many bytes behind `range` may be used too, for what is above 64 KiB and has indefinite lengths;
    ///   ``maximumDepth`` are enough.
    /// - Returns: the range of the DER. What lies behind it, up to the end of `range` and of what is spare, is undefined.
    /// - Throws: ``DERError``; `offset` counts in the input.
    public static func normalize(_ bytes: inout MutableSpan<UInt8>, in range: Range<Int>, spare: Int = 0)
        throws(DERError) -> Range<Int>
    {
        // Beyond, an indefinite length could cover more than three octets of length can say.
        guard range.count <= 0xFF_FFFF else { throw DERError(.lengthTooLarge, at: range.lowerBound) }
        var slack = 0
        if range.count > 0xFFFF, bytes[range.lowerBound &+ 1] == 0x80 {
            // An octet for each level that may need one more.
            slack = min(maximumDepth, spare)
            move(&bytes, from: range.lowerBound, to: range.lowerBound &+ slack, count: range.count)
        }
        do throws(DERError) {
            let source = (range.lowerBound &+ slack)..<(range.upperBound &+ slack)
            return try normalize(&bytes, from: source, to: range.lowerBound)
        } catch {
            throw DERError(error.kind, at: error.offset &- slack)
        }
    }

    /// - Parameters:
    ///   - range: where the BER stands.
    ///   - start: where the DER is to stand: there, or in front of it.
    private static func normalize(_ bytes: inout MutableSpan<UInt8>, from range: Range<Int>, to start: Int)
        throws(DERError) -> Range<Int>
    {
        var open = InlineArray<24, Open>(repeating: Open(start: 0, content: 0, end: 0))
        var depth = 0
        var input = range.lowerBound
        var output = start
        repeat {
            let limit = depth > 0 && open[depth &- 1].end >= 0 ? open[depth &- 1].end : outerEnd(open, depth, range)
            if depth > 0, open[depth &- 1].end < 0, limit &- input >= 2, bytes[input] == 0, bytes[input &+ 1] == 0 {
                input &+= 2
                try close(&bytes, open[depth &- 1], &output, before: input)
                depth &-= 1
            } else if depth > 0, open[depth &- 1].end == input {
                try close(&bytes, open[depth &- 1], &output, before: input)
                depth &-= 1
            } else {
                let header = try Header(bytes.span, at: input, end: limit)
                guard header.tag.rawValue != 0 else { throw DERError(.misplacedEndOfContents, at: input) }
                let inString = depth > 0 && isOctetString(bytes[open[depth &- 1].start], open[depth &- 1])
                let isString = header.tag.rawValue & 0xDF == Tag.octetString.rawValue
                guard !inString || isString else { throw DERError(.constructedString, at: input) }
                if header.tag.isConstructed {
                    guard isString || header.tag.rawValue & 0xC0 != 0 || header.tag == .sequence || header.tag == .set
                    else { throw DERError(.constructedString, at: input) }
                    guard depth < open.count else { throw DERError(.tooDeep, at: input) }
                    let front = output
                    if !inString {
                        // One octet is kept for the length: every input header had at least as much.
                        bytes[output] = isString ? Tag.octetString.rawValue | 0x20 : header.tag.rawValue
                        output &+= 2
                    }
                    open[depth] = Open(start: front, content: output, end: header.contentEnd ?? -1)
                    depth &+= 1
                    input = header.contentStart
                } else {
                    guard let end = header.contentEnd else { throw DERError(.misplacedEndOfContents, at: input) }
                    let count = end &- header.contentStart
                    if !inString {
                        bytes[output] = header.tag.rawValue
                        output = writeLength(count, &bytes, at: output &+ 1)
                    }
                    move(&bytes, from: header.contentStart, to: output, count: count)
                    output &+= count
                    input = end
                }
            }
        } while depth > 0
        guard input == range.upperBound else { throw DERError(.trailingBytes, at: input) }
        return start..<output
    }

    /// Joins the OCTET STRINGs that fill `range`, the content of a constructed `[n] IMPLICIT OCTET STRING` in DER
    /// otherwise, at the front of `range`.
    ///
    /// - Returns: the range of the joined octets.
    public static func joinPieces(_ bytes: inout MutableSpan<UInt8>, in range: Range<Int>) throws(DERError)
        -> Range<Int>
    {
        var input = range.lowerBound
        var output = range.lowerBound
        while input < range.upperBound {
            let header = try Header(bytes.span, at: input, end: range.upperBound)
            guard header.tag == .octetString else { throw DERError(.unexpectedTag, at: input) }
            guard let end = header.contentEnd else { throw DERError(.lengthNotMinimal, at: input) }
            move(&bytes, from: header.contentStart, to: output, count: end &- header.contentStart)
            output &+= end &- header.contentStart
            input = end
        }
        return range.lowerBound..<output
    }

    /// Where the nearest enclosing element of definite length ends.
    private static func outerEnd(_ open: borrowing InlineArray<24, Open>, _ depth: Int, _ range: Range<Int>) -> Int {
        var level = depth
        while level > 0 {
            level &-= 1
            if open[level].end >= 0 { return open[level].end }
        }
        return range.upperBound
    }

    private static func isOctetString(_ identifier: UInt8, _ element: Open) -> Bool {
        element.isPiece || identifier == Tag.octetString.rawValue | 0x20
    }

    /// Writes the length that is now known, and moves the content to make space for it or to give space back.
    ///
    /// - Parameter input: where what was not read yet begins.
    @inline(never)
    private static func close(
        _ bytes: inout MutableSpan<UInt8>, _ element: Open, _ output: inout Int, before input: Int
    ) throws(DERError) {
        guard !element.isPiece else { return }
        let count = output &- element.content
        let content = element.start &+ 1 &+ Header.lengthOctets(count)
        guard content &+ count <= input else { throw DERError(.lengthTooLarge, at: element.start) }
        move(&bytes, from: element.content, to: content, count: count)
        _ = writeLength(count, &bytes, at: element.start &+ 1)
        if bytes[element.start] == Tag.octetString.rawValue | 0x20 { bytes[element.start] = Tag.octetString.rawValue }
        output = content &+ count
    }

    /// - Returns: the offset after the length.
    private static func writeLength(_ count: Int, _ bytes: inout MutableSpan<UInt8>, at offset: Int) -> Int {
        if count < 0x80 {
            bytes[offset] = UInt8(truncatingIfNeeded: count)
            return offset &+ 1
        }
        var position = offset &+ 1
        var shift = count > 0xFFFF ? 16 : count > 0xFF ? 8 : 0
        while shift > 0 {
            bytes[position] = UInt8(truncatingIfNeeded: count &>> shift)
            position &+= 1
            shift &-= 8
        }
        bytes[position] = UInt8(truncatingIfNeeded: count)
        bytes[offset] = 0x80 | UInt8(truncatingIfNeeded: position &- offset)
        return position &+ 1
    }

    @inline(never)
    private static func move(_ bytes: inout MutableSpan<UInt8>, from source: Int, to target: Int, count: Int) {
        if target < source {
            for index in 0..<count { bytes[target &+ index] = bytes[source &+ index] }
        } else if target > source {
            var index = count
            while index > 0 {
                index &-= 1
                bytes[target &+ index] = bytes[source &+ index]
            }
        }
    }
}
