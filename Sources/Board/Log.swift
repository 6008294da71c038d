/// Where a board writes lines for people and fleet tools: a UART, a terminal, a journal.
public protocol Log: ~Copyable {
    /// Writes one line; `line` is UTF-8 without a line ending, and the log adds its own.
    mutating func write(line: Span<UInt8>)
}
