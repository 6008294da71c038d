/// What a C file is made of, as far as its mutants are concerned.
enum CText {
    struct Piece: Equatable {
        enum Kind: Equatable {
            case verbatim
            /// A call or an assignment, without its semicolon, which is not in ``verbatim`` either.
            case statement
            case condition
            /// What is returned, or what a variable begins with.
            case value
        }

        let kind: Kind
        let text: String
        /// From 1 on.
        let line: Int
    }

    /// The file's text, but for the semicolons of statements, in pieces.
    static func pieces(_ source: String) -> [Piece] {
        var reader = Reader(bytes: Array(source.utf8))
        reader.read()
        return reader.pieces
    }

    /// Whether a statement assigns; if not, it calls.
    static func isAssignment(_ text: String) -> Bool {
        [" = ", " += ", " -= ", " |= ", " &= ", " >>= ", " <<= "].contains { text.contains($0) }
    }

    static func isDigit(_ byte: UInt8) -> Bool { UInt8(ascii: "0")...UInt8(ascii: "9") ~= byte }

    static func isWord(_ byte: UInt8) -> Bool {
        isDigit(byte) || UInt8(ascii: "a")...UInt8(ascii: "z") ~= byte || UInt8(ascii: "A")...UInt8(ascii: "Z") ~= byte
            || byte == UInt8(ascii: "_")
    }

    /// Where a string or a character ends that begins at `index`.
    static func endOfLiteral(_ bytes: [UInt8], at index: Int) -> Int {
        var end = index + 1
        while end < bytes.count, bytes[end] != bytes[index] { end += bytes[end] == UInt8(ascii: "\\") ? 2 : 1 }
        return min(end + 1, bytes.count)
    }
}

extension CText {
    private struct Reader {
        let bytes: [UInt8]
        var pieces: [Piece] = []
        private var position = 0
        private var line = 1
        /// Braces that are open: of functions, not of types and tables.
        private var depth = 0
        private var isBehindHeader = false

        init(bytes: [UInt8]) { self.bytes = bytes }

        mutating func read() {
            while position < bytes.count {
                if let end = endOfBlank() {
                    add(.verbatim, end)
                } else {
                    readSegment()
                }
            }
        }

        private mutating func add(_ kind: Piece.Kind, _ end: Int) {
            guard end > position else { return }
            let part = bytes[position..<end]
            pieces.append(Piece(kind: kind, text: String(decoding: part, as: UTF8.self), line: line))
            line += part.count { $0 == UInt8(ascii: "\n") }
            position = end
        }

        /// The end of blanks, a comment, or a line for the preprocessor, if one begins here.
        private func endOfBlank() -> Int? {
            let rest = bytes[position...]
            if rest.starts(with: "//".utf8) { return rest.firstIndex(of: UInt8(ascii: "\n")) ?? bytes.count }
            if rest.starts(with: "/*".utf8) {
                var end = position + 2
                while end + 1 < bytes.count, bytes[end] != UInt8(ascii: "*") || bytes[end + 1] != UInt8(ascii: "/") {
                    end += 1
                }
                return min(end + 2, bytes.count)
            }
            if bytes[position] == UInt8(ascii: "#") {
                var end = position
                while end < bytes.count, bytes[end] != UInt8(ascii: "\n") || bytes[end - 1] == UInt8(ascii: "\\") {
                    end += 1
                }
                return end
            }
            let isBlank = [UInt8(ascii: " "), UInt8(ascii: "\n"), UInt8(ascii: "\t")].contains(bytes[position])
            return isBlank ? position + 1 : nil
        }

        /// Where what begins at `start` ends: at a semicolon, a brace or a colon of a label, outside of parentheses.
        private func endOfSegment(from start: Int) -> Int {
            var end = start
            var nesting = 0
            while end < bytes.count {
                switch bytes[end] {
                case UInt8(ascii: "\""), UInt8(ascii: "'"):
                    end = endOfLiteral(bytes, at: end)
                    continue
                case UInt8(ascii: "("): nesting += 1
                case UInt8(ascii: ")"): nesting -= 1
                case UInt8(ascii: ";"), UInt8(ascii: "{"), UInt8(ascii: "}"): if nesting == 0 { return end }
                default: break
                }
                end += 1
            }
            return end
        }

        private func text(_ end: Int) -> String { String(decoding: bytes[position..<end], as: UTF8.self) }

        private mutating func readSegment() {
            let end = endOfSegment(from: position)
            guard end < bytes.count else { return add(.verbatim, end) }
            guard end > position else { return readBrace(bytes[position]) }
            let text = text(end)
            if text.contains("//") || text.contains("/*") || text.contains("#") { return add(.verbatim, end + 1) }
            guard depth > 0 else {
                isBehindHeader = text.hasSuffix(") ") && bytes[end] == UInt8(ascii: "{") && !text.contains(" = ")
                return add(.verbatim, bytes[end] == UInt8(ascii: ";") ? end + 1 : end)
            }
            if let condition = place(ofConditionIn: text) {
                add(.verbatim, position + condition.lowerBound)
                add(.condition, position + condition.count)
                add(.verbatim, position + 1)
                return
            }
            let isStatement = bytes[end] == UInt8(ascii: ";")
            guard isStatement else { return add(.verbatim, end) }
            readStatement(text, end)
        }

        private mutating func readBrace(_ brace: UInt8) {
            if brace == UInt8(ascii: "{") {
                if depth > 0 || isBehindHeader {
                    // A table's braces follow its name.
                    depth += 1
                } else if let end = endOfBraces() {
                    return add(.verbatim, end)
                }
            } else if brace == UInt8(ascii: "}"), depth > 0 {
                depth -= 1
            }
            isBehindHeader = false
            add(.verbatim, position + 1)
        }

        /// Behind the braces of a type or a table.
        private func endOfBraces() -> Int? {
            var nesting = 0
            for index in position..<bytes.count {
                if bytes[index] == UInt8(ascii: "{") { nesting += 1 }
                if bytes[index] == UInt8(ascii: "}") { nesting -= 1 }
                if nesting == 0 { return index + 1 }
            }
            return nil
        }

        /// Where in `if (…)` and `while (…)` the condition is.
        private func place(ofConditionIn text: String) -> Range<Int>? {
            let bytes = Array(text.utf8)
            guard let start = ["if (", "while (", "else if ("].first(where: text.hasPrefix)?.utf8.count else {
                return nil
            }
            var nesting = 1
            for index in start..<bytes.count {
                if bytes[index] == UInt8(ascii: "(") { nesting += 1 }
                if bytes[index] == UInt8(ascii: ")") { nesting -= 1 }
                if nesting == 0 { return start..<index }
            }
            return nil
        }

        private mutating func readStatement(_ text: String, _ end: Int) {
            if text.hasPrefix("return ") {
                add(.verbatim, position + 7)
                add(.value, end)
                return add(.verbatim, end + 1)
            }
            let words = text.prefix { $0 != "(" && $0 != "=" }.split(separator: " ")
            let isWordOfC = [
                "return", "break", "continue", "goto", "for", "do", "case", "default", "typedef", "struct",
                "enum", "else", "static", "extern", "(void)",
            ].contains(words.first ?? "")
            // A type in front of a name declares it.
            let declares =
                words.count > 1 && words[0].last.map { isWord(Array("\($0)".utf8)[0]) || $0 == "*" } == true
                && words[1].first.map { isWord(Array("\($0)".utf8)[0]) || $0 == "*" } == true
            if declares, !text.hasPrefix("static"), let sign = text.range(of: " = "), !text.contains(", "),
                bytes[end] == UInt8(ascii: ";")
            {
                let start = text[..<sign.upperBound].utf8.count
                add(.verbatim, position + start)
                add(.value, end)
                return add(.verbatim, end + 1)
            }
            guard !isWordOfC, !declares, isAssignment(text) || text.hasSuffix(")"), !text.hasPrefix("(void)") else {
                return add(.verbatim, end + 1)
            }
            add(.statement, end)
            // Its semicolon is written with it.
            position += 1
        }
    }
}

extension String {
    fileprivate func range(of part: String) -> Range<String.Index>? { firstRange(of: part) }
}
