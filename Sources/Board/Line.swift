/// One line of text in a fixed buffer, as a ``Log`` takes it. What does not fit is cut off.
public struct Line: ~Copyable {
    /// Bytes that a line can hold.
    public static var capacity: Int { 480 }

    private var bytes: InlineArray<480, UInt8>
    private var count: Int

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

    /// Appends UTF-8 from anywhere. Control characters become `?`, so that text from the far side can neither
    /// forge a line nor command a terminal.
    @inline(never)
    public mutating func append(_ text: Span<UInt8>) {
        for index in text.indices {
            let byte = text[index]
            append(byte: byte < 0x20 || byte == 0x7F || isControl(byte) ? 0x3F : byte)
        }
    }

    /// Whether `byte` would end a control character from U+0080 to U+009F, or be one by itself in an 8-bit code.
    private func isControl(_ byte: UInt8) -> Bool {
        guard byte >= 0x80, byte < 0xA0 else { return false }
        return count == 0 || bytes[count &- 1] < 0x80 || bytes[count &- 1] == 0xC2
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
        append(byte: Self.digit(byte >> 4))
        append(byte: Self.digit(byte & 15))
    }

    @inline(never)
    private mutating func append(byte: UInt8) {
        guard count < bytes.count else { return }
        bytes[count] = byte
        count &+= 1
    }

    private static func digit(_ value: UInt8) -> UInt8 { value < 10 ? 0x30 &+ value : 0x57 &+ value }
}
