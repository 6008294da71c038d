import Bytes
import DeviceCrypto
import PKIX

/// Text with binary structures in base64 between BEGIN and END lines (RFC 7468).
package enum PEM {
    /// One structure of a text.
    package struct Block {
        /// What stands behind BEGIN, such as `CERTIFICATE`.
        package var label: [UInt8]
        /// The structure in DER.
        package var bytes: [UInt8]
        /// Lines from BEGIN to END, counted from 1.
        package var lines: ClosedRange<Int>
        /// Whether header lines stand in front of the base64 (RFC 1421), as in keys that were encrypted in the way of
        /// old openssl; `bytes` is the ciphertext then.
        package var hasHeaders: Bool

        package func isLabelled(_ label: StaticString) -> Bool {
            areEqual(self.label.span, span(of: label))
        }
    }

    /// Why a text was refused.
    package struct Failure: Error, Equatable {
        package let kind: Kind
        /// Line of the text, from 1.
        package let line: Int

        package enum Kind: UInt8, Equatable, Sendable {
            /// A BEGIN line without dashes at its end, or with a label that is none.
            case badBegin = 1
            /// An END line whose label is another than BEGIN's, or a BEGIN line where END was due.
            case otherEnd
            /// The text ends inside a block.
            case endMissing
            /// A line that is not base64, or goes on behind the padding.
            case badBase64
            /// Nothing between BEGIN and END.
            case empty
        }
    }

    /// Characters of base64 in a line that is written (RFC 7468, 2).
    private static var lineLength: Int { 64 }

    /// Appends `bytes` to a text.
    ///
    /// - Parameter label: such as `CERTIFICATE`.
    package static func write(_ label: StaticString, _ bytes: Span<UInt8>, to text: inout [UInt8]) {
        text.reserveCapacity(text.count &+ encodedSize(bytes.count, label: span(of: label).count))
        append("-----BEGIN ", label, to: &text)
        var column = 0
        var index = 0
        while index < bytes.count {
            let count = min(3, bytes.count &- index)
            var group: UInt32 = 0
            for offset in 0..<3 {
                group = group &<< 8 | (offset < count ? UInt32(bytes[index &+ offset]) : 0)
            }
            for offset in 0..<4 {
                let sextet = UInt8(truncatingIfNeeded: group &>> UInt32(18 &- 6 &* offset)) & 0x3F
                text.append(offset <= count ? character(sextet) : UInt8(ascii: "="))
            }
            index &+= count
            column &+= 4
            if column == lineLength || index == bytes.count {
                text.append(0x0A)
                column = 0
            }
        }
        append("-----END ", label, to: &text)
    }

    /// Bytes of a text of ``write(_:_:to:)``. A text that is grown beyond its capacity leaves a copy of a secret behind.
    private static func encodedSize(_ count: Int, label: Int) -> Int {
        let characters = (count &+ 2) / 3 &* 4
        return characters &+ (characters &+ lineLength &- 1) / lineLength &+ 2 &* label &+ 32
    }

    private static func append(_ front: StaticString, _ label: StaticString, to text: inout [UInt8]) {
        text.append(span(of: front))
        text.append(span(of: label))
        text.append(span(of: "-----\n"))
    }

    /// Whether there is a block in a text, so that it is not DER.
    package static func isIn(_ text: Span<UInt8>) -> Bool {
        var lines = Lines(text)
        while let line = lines.next() {
            if starts(text.extracting(line), with: "-----BEGIN ") { return true }
        }
        return false
    }

    /// All blocks of a text; what stands between them explains, and is passed over (RFC 7468, 5.2).
    ///
    /// Lines end in LF or CRLF and may have blanks at their ends; base64 may be broken into lines of any length.
    package static func blocks(_ text: Span<UInt8>) throws(Failure) -> [Block] {
        var blocks: [Block] = []
        var lines = Lines(text)
        do throws(Failure) {
            while let line = lines.next() {
                guard starts(text.extracting(line), with: "-----BEGIN ") else { continue }
                blocks.append(try block(text, line, &lines))
            }
        } catch {
            // They may be keys.
            for index in blocks.indices { blocks[index].bytes.wipe() }
            throw error
        }
        return blocks
    }

    private static func block(
        _ text: Span<UInt8>, _ begin: Range<Int>, _ lines: inout Lines
    ) throws(Failure) -> Block {
        let first = lines.number
        guard let label = Self.label(text, begin, behind: 11) else { throw Failure(kind: .badBegin, line: first) }
        // Three bytes are four characters, so this never grows, and leaves no copy of a secret behind.
        var decoder = Base64(capacity: (text.count &- begin.upperBound) / 4 &* 3 &+ 3)
        do throws(Failure) {
            let hasHeaders = try read(&lines, of: text, text.extracting(label), into: &decoder)
            return Block(
                label: [UInt8](text.extracting(label)), bytes: decoder.bytes, lines: first...lines.number,
                hasHeaders: hasHeaders)
        } catch {
            decoder.bytes.wipe()
            throw error
        }
    }

    /// Reads the lines of a block up to its end.
    ///
    /// - Returns: whether there are header lines.
    private static func read(
        _ lines: inout Lines, of text: Span<UInt8>, _ label: Span<UInt8>, into decoder: inout Base64
    ) throws(Failure) -> Bool {
        let first = lines.number
        var hasHeaders = false
        while let range = lines.next() {
            let line = text.extracting(range)
            if starts(line, with: "-----END ") {
                guard let end = Self.label(text, range, behind: 9), areEqual(text.extracting(end), label) else {
                    throw Failure(kind: .otherEnd, line: lines.number)
                }
                guard decoder.finish() else { throw Failure(kind: .badBase64, line: lines.number) }
                guard !decoder.bytes.isEmpty else { throw Failure(kind: .empty, line: lines.number) }
                return hasHeaders
            }
            if starts(line, with: "-----BEGIN ") { throw Failure(kind: .otherEnd, line: lines.number) }
            if decoder.isUntouched, holds(line, UInt8(ascii: ":")) {
                hasHeaders = true
                continue
            }
            guard decoder.append(line) else { throw Failure(kind: .badBase64, line: lines.number) }
        }
        throw Failure(kind: .endMissing, line: first)
    }

    /// The label in a BEGIN or END line: printable, without dashes at its ends.
    private static func label(_ text: Span<UInt8>, _ line: Range<Int>, behind size: Int) -> Range<Int>? {
        let label = (line.lowerBound &+ size)..<max(line.lowerBound &+ size, line.upperBound &- 5)
        guard line.count > size &+ 5, areEqual(text.extracting(label.upperBound..<line.upperBound), span(of: "-----"))
        else { return nil }
        for index in label where !(0x20..<0x7F ~= text[index]) { return nil }
        return text[label.lowerBound] == UInt8(ascii: "-") || text[label.upperBound &- 1] == UInt8(ascii: "-")
            ? nil : label
    }

    private static func starts(_ line: Span<UInt8>, with word: StaticString) -> Bool {
        let word = span(of: word)
        return line.count >= word.count && areEqual(line.extracting(first: word.count), word)
    }

    private static func holds(_ line: Span<UInt8>, _ byte: UInt8) -> Bool {
        for index in line.indices where line[index] == byte { return true }
        return false
    }

    private static func character(_ sextet: UInt8) -> UInt8 {
        switch sextet {
        case 0..<26: UInt8(ascii: "A") &+ sextet
        case 26..<52: UInt8(ascii: "a") &+ sextet &- 26
        case 52..<62: UInt8(ascii: "0") &+ sextet &- 52
        case 62: UInt8(ascii: "+")
        default: UInt8(ascii: "/")
        }
    }
}

/// The lines of a text, without their ends and the blanks around them.
package struct Lines: ~Escapable {
    private let text: Span<UInt8>
    private var position = 0
    /// Of the last line, from 1.
    package private(set) var number = 0

    @_lifetime(copy text)
    package init(_ text: Span<UInt8>) {
        self.text = text
        // A byte order mark is no part of the first line.
        if text.count >= 3, text[0] == 0xEF, text[1] == 0xBB, text[2] == 0xBF { position = 3 }
    }

    package mutating func next() -> Range<Int>? {
        guard position < text.count else { return nil }
        number &+= 1
        var start = position
        while position < text.count, text[position] != 0x0A { position &+= 1 }
        var end = position
        position &+= 1
        while start < end, isBlank(text[start]) { start &+= 1 }
        while start < end, isBlank(text[end &- 1]) { end &-= 1 }
        return start..<end
    }
}

/// Takes base64 (RFC 4648, 4) a line at a time.
package struct Base64 {
    package var bytes: [UInt8] = []
    private var group: UInt32 = 0
    /// Characters of the group that is not full yet.
    private var count = 0
    private var padding = 0
    package private(set) var isUntouched = true

    package init(capacity: Int) {
        bytes.reserveCapacity(capacity)
    }

    /// - Returns: false for a character that may not stand here.
    package mutating func append(_ line: Span<UInt8>) -> Bool {
        for index in line.indices {
            isUntouched = false
            if line[index] == UInt8(ascii: "=") {
                guard count &+ padding >= 2, count &+ padding < 4 else { return false }
                padding &+= 1
                continue
            }
            guard padding == 0, let sextet = value(line[index]) else { return false }
            group = group &<< 6 | UInt32(sextet)
            count &+= 1
            guard count == 4 else { continue }
            put(16)
            put(8)
            put(0)
            group = 0
            count = 0
        }
        return true
    }

    /// - Returns: false when the text ends in the middle of a group, or with bits that stand for nothing.
    package mutating func finish() -> Bool {
        switch (count, padding) {
        case (0, 0): return true
        case (2, 2):
            guard group & 0xF == 0 else { return false }
            group = group &<< 12
            put(16)
        case (3, 1):
            guard group & 0x3 == 0 else { return false }
            group = group &<< 6
            put(16)
            put(8)
        default: return false
        }
        return true
    }

    private mutating func put(_ shift: UInt32) {
        bytes.append(UInt8(truncatingIfNeeded: group &>> shift))
    }

    private func value(_ character: UInt8) -> UInt8? {
        switch character {
        case UInt8(ascii: "A")...UInt8(ascii: "Z"): character &- UInt8(ascii: "A")
        case UInt8(ascii: "a")...UInt8(ascii: "z"): character &- UInt8(ascii: "a") &+ 26
        case UInt8(ascii: "0")...UInt8(ascii: "9"): character &- UInt8(ascii: "0") &+ 52
        case UInt8(ascii: "+"): 62
        case UInt8(ascii: "/"): 63
        default: nil
        }
    }
}
