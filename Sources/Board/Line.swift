/// One line of text in a fixed buffer, as a ``Log`` takes it. What does not fit is cut off.
public struct Line: ~Copyable {
    /// Bytes that a line can hold.
    public static var capacity: Int { 480 }

    private var count: Int
    private var bytes: InlineArray<480, UInt8>

    public init() {
        bytes = InlineArray(repeating: 0)
        count = 0
    }

    /// The text so far: UTF-8 without a line ending.
    public var span: Span<UInt8> { bytes.span.extracting(first: count) }

    public mutating func clear() {
        count = 0
    }

    @inline(never)
    public mutating func append(_ text: StaticString) {
        unsafe append(Span(_unsafeStart: text.utf8Start, count: text.utf8CodeUnitCount))
    }

    /// Appends text from anywhere. What is not printable ASCII is written as `\C3`, a byte at a time, so that words of
    /// the far side can neither forge a line, nor command a terminal, nor change the order in which it is read. A backslash
    /// stays as it is, so that `\C3` may also be four characters that somebody wrote.
    @inline(never)
    public mutating func append(_ text: Span<UInt8>) {
        for index in text.indices {
            let byte = text[index]
            guard byte < 0x20 || byte >= 0x7F else {
                append(byte: byte)
                continue
            }
            append(byte: UInt8(ascii: "\\"))
            append(byte: Self.digit(byte >> 4, letters: 0x37))
            append(byte: Self.digit(byte & 15, letters: 0x37))
        }
    }

    public mutating func append(decimal value: Int) {
        if value < 0 { append(byte: 0x2D) }
        var digits = InlineArray<20, UInt8>(repeating: 0)
        var rest = value.magnitude
        var first = digits.count
        repeat {
            first &-= 1
            digits[first] = 0x30 &+ UInt8(truncatingIfNeeded: rest % 10)
            rest /= 10
        } while rest > 0
        append(digits.span.extracting(first..<digits.count))
    }

    /// Appends two lower-case digits a byte.
    public mutating func append(hex: Span<UInt8>) {
        for index in hex.indices { append(hex: hex[index]) }
    }

    /// Appends eight lower-case digits.
    public mutating func append(hex value: UInt32) {
        for index: UInt32 in 0..<4 {
            append(hex: UInt8(truncatingIfNeeded: value &>> (24 &- 8 &* index)))
        }
    }

    private mutating func append(hex byte: UInt8) {
        append(byte: Self.digit(byte >> 4, letters: 0x57))
        append(byte: Self.digit(byte & 15, letters: 0x57))
    }

    @inline(never)
    private mutating func append(byte: UInt8) {
        guard count < bytes.count else { return }
        bytes[count] = byte
        count &+= 1
    }

    /// - Parameter letters: what makes the letters of the digits from 10 on, small or capital.
    @inline(never)
    private static func digit(_ value: UInt8, letters: UInt8) -> UInt8 { value &+ (value < 10 ? 0x30 : letters) }
}
