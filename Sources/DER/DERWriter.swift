import Bytes

/// Writes DER from the end of a buffer towards its front.
///
/// What an element contains is written before its header, so its length is known when the header is written: one
/// pass, nothing measured in advance, nothing moved. A message is wrapped layer by layer where it stands.
/// A list is therefore written with its last element first.
public struct DERWriter: ~Copyable, ~Escapable {
    private var bytes: MutableSpan<UInt8>
    /// Offset of the first byte written; what lies before it is free.
    public private(set) var front: Int

    /// Writes before `end` of `bytes`.
    @_lifetime(&bytes)
    public init(_ bytes: inout MutableSpan<UInt8>, end: Int) {
        front = end
        self.bytes = bytes._mutatingExtracting(0..<end)
    }

    /// Offset after the last byte that can be written.
    public var end: Int { bytes.count }

    /// What was written so far.
    public var written: Span<UInt8> {
        @_lifetime(borrow self) get { bytes.span.extracting(front..<bytes.count) }
    }

    /// What was written at `range`, offsets in the buffer.
    @_lifetime(borrow self)
    public func written(_ range: Range<Int>) -> Span<UInt8> {
        bytes.span.extracting(range)
    }

    /// Opens `count` bytes before what was written, for the caller to fill.
    ///
    /// - Throws: `bufferFull`, at the space that was left.
    @_lifetime(&self)
    @inline(never)
    public mutating func reserve(_ count: Int) throws(DERError) -> MutableSpan<UInt8> {
        guard count <= front else { throw DERError(.bufferFull, at: front) }
        front &-= count
        return bytes._mutatingExtracting(front..<(front &+ count))
    }

    /// The bytes at `range`, to be changed where they stand.
    @_lifetime(&self)
    @inline(never)
    public mutating func mutable(_ range: Range<Int>) -> MutableSpan<UInt8> {
        bytes._mutatingExtracting(range)
    }

    /// Gives back what was not needed of the last `capacity` bytes reserved, of which `used` were filled from their front.
    @inline(never)
    public mutating func closeGap(capacity: Int, used: Int) {
        let gap = capacity &- used
        guard gap > 0 else { return }
        var index = used
        while index > 0 {
            index &-= 1
            bytes[front &+ gap &+ index] = bytes[front &+ index]
        }
        front &+= gap
    }

    @inline(never)
    public mutating func write(byte: UInt8) throws(DERError) {
        guard front > 0 else { throw DERError(.bufferFull, at: front) }
        front &-= 1
        bytes[front] = byte
    }

    @inline(never)
    public mutating func write(bytes other: Span<UInt8>) throws(DERError) {
        guard other.count <= front else { throw DERError(.bufferFull, at: front) }
        front &-= other.count
        for index in other.indices { bytes[front &+ index] = other[index] }
    }

    /// Writes once more what stands at `offset` of the buffer.
    @inline(never)
    public mutating func write(copyOf offset: Int, count: Int) throws(DERError) {
        guard count <= front else { throw DERError(.bufferFull, at: front) }
        front &-= count
        for index in 0..<count { bytes[front &+ index] = bytes[offset &+ index] }
    }

    /// Writes identifier and length for the content that was written since `front` was `end`, where that was written by
    /// somebody else, or its tag is known only afterwards; otherwise `write` with a closure cannot be given
    /// the wrong end.
    @inline(never)
    public mutating func wrap(_ tag: Tag, from end: Int) throws(DERError) {
        let length = end &- front
        guard length <= 0xFFFF else { throw DERError(.lengthTooLarge, at: front) }
        if length < 0x80 {
            try write(byte: UInt8(truncatingIfNeeded: length))
        } else {
            try write(byte: UInt8(truncatingIfNeeded: length))
            if length > 0xFF { try write(byte: UInt8(truncatingIfNeeded: length &>> 8)) }
            try write(byte: 0x80 | UInt8(truncatingIfNeeded: Header.lengthOctets(length) &- 1))
        }
        try write(byte: tag.rawValue)
    }

    /// Writes an element with what `content` writes.
    @inline(__always)
    public mutating func write(
        _ tag: Tag, _ content: (inout DERWriter) throws(DERError) -> Void
    ) throws(DERError) {
        let end = front
        try content(&self)
        try wrap(tag, from: end)
    }

    /// Writes a BIT STRING of the whole bytes that `content` writes.
    @inline(__always)
    public mutating func writeBitString(
        _ content: (inout DERWriter) throws(DERError) -> Void
    ) throws(DERError) {
        let end = front
        try content(&self)
        try wrapBitString(from: end)
    }

    /// Writes a SET OF the elements that `content` writes, in the order that DER asks for (X.690, 11.6).
    @inline(__always)
    public mutating func writeSetOf(
        _ tag: Tag = .set, _ content: (inout DERWriter) throws(DERError) -> Void
    ) throws(DERError) {
        let end = front
        try content(&self)
        try wrapSetOf(tag, from: end)
    }

    /// Writes an element with `contents`.
    @inline(never)
    public mutating func write(_ tag: Tag, _ contents: Span<UInt8>) throws(DERError) {
        let end = front
        try write(bytes: contents)
        try wrap(tag, from: end)
    }

    /// Writes an INTEGER of the given magnitude: unsigned, big-endian; leading zeros are dropped.
    @inline(never)
    public mutating func write(unsignedInteger magnitude: Span<UInt8>) throws(DERError) {
        var start = 0
        while start < magnitude.count, magnitude[start] == 0 { start &+= 1 }
        let end = front
        try write(bytes: magnitude.extracting(start..<magnitude.count))
        if start == magnitude.count || magnitude[start] >= 0x80 { try write(byte: 0) }
        try wrap(.integer, from: end)
    }

    @inline(never)
    public mutating func write(integer value: UInt32) throws(DERError) {
        let magnitude: InlineArray<4, UInt8> = [
            UInt8(truncatingIfNeeded: value &>> 24), UInt8(truncatingIfNeeded: value &>> 16),
            UInt8(truncatingIfNeeded: value &>> 8), UInt8(truncatingIfNeeded: value),
        ]
        try write(unsignedInteger: magnitude.span)
    }

    @inline(never)
    public mutating func write(boolean value: Bool) throws(DERError) {
        try write(byte: value ? 0xFF : 0x00)
        try write(byte: 1)
        try write(byte: Tag.boolean.rawValue)
    }

    @inline(never)
    public mutating func writeNull() throws(DERError) {
        try write(byte: 0)
        try write(byte: Tag.null.rawValue)
    }

    @inline(never)
    public mutating func write(_ identifier: ObjectIdentifier) throws(DERError) {
        try write(identifierText: identifier.dotted)
    }

    /// Writes an OBJECT IDENTIFIER given as dotted text.
    @inline(never)
    public mutating func write(identifierText text: Span<UInt8>) throws(DERError) {
        var encoding = InlineArray<48, UInt8>(repeating: 0)
        let size = try ObjectIdentifier.encode(text, into: &encoding)
        try write(.objectIdentifier, encoding.span.extracting(0..<size))
    }

    /// Closes a BIT STRING of whole bytes whose content was written since `front` was `end`.
    @inline(never)
    public mutating func wrapBitString(from end: Int) throws(DERError) {
        try write(byte: 0)
        try wrap(.bitString, from: end)
    }

    /// Writes a BIT STRING of named bits, without trailing zero bits (X.690, 11.2.2); bit 0 of the type is the most
    /// significant bit of `bits`.
    @inline(never)
    public mutating func write(namedBits bits: UInt16) throws(DERError) {
        let end = front
        if bits != 0 {
            let low = UInt8(truncatingIfNeeded: bits)
            if low != 0 { try write(byte: low) }
            try write(byte: UInt8(truncatingIfNeeded: bits &>> 8))
            try write(byte: UInt8(truncatingIfNeeded: bits.trailingZeroBitCount & 7))
        } else {
            try write(byte: 0)
        }
        try wrap(.bitString, from: end)
    }

    /// Puts what was written since `front` was `end` behind the `count` bytes that start at `end`.
    ///
    /// For what can be made only from what precedes it, such as a signature.
    @inline(never)
    public mutating func moveBehind(_ end: Int, count: Int) {
        reverse(front..<end)
        reverse(end..<(end &+ count))
        reverse(front..<(end &+ count))
    }

    /// Closes a SET OF whose elements were written since `front` was `end`: sorts them as DER asks (X.690, 11.6).
    @inline(never)
    public mutating func wrapSetOf(_ tag: Tag = .set, from end: Int) throws(DERError) {
        var sorted = front
        while sorted < end {
            var least = sorted..<sorted
            var position = sorted
            while position < end {
                let header = try Header(bytes.span, at: position, end: end)
                guard let next = header.contentEnd else { throw DERError(.lengthNotMinimal, at: position) }
                if least.isEmpty || isLess(position..<next, than: least) { least = position..<next }
                position = next
            }
            let count = least.count
            reverse(sorted..<least.lowerBound)
            reverse(least)
            reverse(sorted..<least.upperBound)
            sorted &+= count
        }
        try wrap(tag, from: end)
    }

    private func isLess(_ left: Range<Int>, than right: Range<Int>) -> Bool {
        for index in 0..<min(left.count, right.count) {
            let (a, b) = (bytes[left.lowerBound &+ index], bytes[right.lowerBound &+ index])
            if a != b { return a < b }
        }
        return left.count < right.count
    }

    @inline(never)
    private mutating func reverse(_ range: Range<Int>) {
        var (low, high) = (range.lowerBound, range.upperBound &- 1)
        while low < high {
            (bytes[low], bytes[high]) = (bytes[high], bytes[low])
            low &+= 1
            high &-= 1
        }
    }
}
