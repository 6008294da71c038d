/// Reads CSV as RFC 4180 has it, record by record, and knows on which line each begins.
///
/// By hand, since what a factory is sent is wrong in ways that have to be named with line and column, all at once, and in 100,000
/// lines: the package that there is drops blanks, takes an unclosed quotation mark for the end, and knows no lines.
struct CSVReader {
    struct Record: Equatable {
        let line: Int
        let fields: [ArraySlice<UInt8>]
    }

    private let bytes: [UInt8]
    private var position = 0
    private(set) var line = 1

    /// - Parameter bytes: without a byte order mark.
    init(_ bytes: [UInt8]) { self.bytes = bytes }

    /// - Returns: nil at the end.
    /// - Throws: what is no CSV. What follows cannot be made sense of.
    mutating func next() throws(CSVError) -> Record? {
        guard position < bytes.count else { return nil }
        let start = line
        var fields: [ArraySlice<UInt8>] = []
        while true {
            fields.append(try isAt("\"") ? quoted(fields.count) : unquoted(fields.count))
            if isAt(",") {
                position += 1
                continue
            }
            try endLine(fields.count)
            return Record(line: start, fields: fields)
        }
    }

    private func isAt(_ character: Unicode.Scalar) -> Bool {
        position < bytes.count && bytes[position] == UInt8(ascii: character)
    }

    private mutating func unquoted(_ number: Int) throws(CSVError) -> ArraySlice<UInt8> {
        let start = position
        while position < bytes.count, !isAt(","), !isAt("\n"), !isAt("\r") {
            guard !isAt("\"") else { throw CSVError(.quoteInside, line, field: number) }
            position += 1
        }
        return bytes[start..<position]
    }

    private mutating func quoted(_ number: Int) throws(CSVError) -> ArraySlice<UInt8> {
        let opened = line
        position += 1
        let start = position
        var unescaped: [UInt8]?
        while position < bytes.count {
            if isAt("\"") {
                position += 1
                guard isAt("\"") else { return unescaped?[...] ?? bytes[start..<(position - 1)] }
                if unescaped == nil { unescaped = [UInt8](bytes[start..<(position - 1)]) }
            }
            if isAt("\n") { line += 1 }
            unescaped?.append(bytes[position])
            position += 1
        }
        throw CSVError(.quoteOpen, opened, field: number)
    }

    private mutating func endLine(_ count: Int) throws(CSVError) {
        if isAt("\r") {
            position += 1
            guard position == bytes.count || isAt("\n") else { throw CSVError(.carriageReturn, line, field: count - 1) }
        }
        guard position < bytes.count else { return }
        guard isAt("\n") else { throw CSVError(.behindQuote, line, field: count - 1) }
        position += 1
        line += 1
    }
}

/// What is no CSV.
struct CSVError: Error, Equatable {
    enum Kind {
        /// A quotation mark within a field that does not begin with one.
        case quoteInside
        /// A quotation mark that is not closed.
        case quoteOpen
        /// Something else than a comma or the line's end behind a closing quotation mark.
        case behindQuote
        /// A carriage return without a line feed.
        case carriageReturn
    }

    let kind: Kind
    let line: Int
    /// From 0.
    let field: Int

    init(_ kind: Kind, _ line: Int, field: Int) {
        self.kind = kind
        self.line = line
        self.field = field
    }

    var sentence: String {
        switch kind {
        case .quoteInside:
            "a quotation mark within a value: put the whole value into quotation marks, and write each within it twice"
        case .quoteOpen: "the quotation mark that begins this value is not closed: what follows could not be read"
        case .behindQuote: "behind a closing quotation mark comes a comma, or the end of the line"
        case .carriageReturn:
            "a carriage return without a line feed: save the file with the line ends of Windows or Unix"
        }
    }
}
