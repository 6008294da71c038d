/// Reads DER elements one after the other from a part of a buffer, and accepts nothing but DER (X.690, 10 and 11).
///
/// Offsets in errors and in elements count from the start of the whole buffer, also in readers of nested content.
public struct DERReader: ~Escapable {
    public let bytes: Span<UInt8>
    public private(set) var position: Int
    public let end: Int

    @_lifetime(copy bytes)
    public init(_ bytes: Span<UInt8>) {
        self.init(bytes, in: 0..<bytes.count)
    }

    /// Reads `range` of `bytes`.
    @inline(never)
    @_lifetime(copy bytes)
    public init(_ bytes: Span<UInt8>, in range: Range<Int>) {
        precondition(range.lowerBound >= 0 && range.upperBound <= bytes.count)
        self.bytes = bytes
        position = range.lowerBound
        end = range.upperBound
    }

    public var isAtEnd: Bool { position == end }

    /// The tag of the next element; nil at the end.
    public var nextTag: Tag? { isAtEnd ? nil : Tag(rawValue: bytes[position]) }

    /// Reads the next element, whatever its tag.
    @_lifetime(copy self)
    @inline(never)
    public mutating func read() throws(DERError) -> DERElement {
        let header = try Header(bytes, at: position, end: end)
        guard header.isMinimal, let contentEnd = header.contentEnd else {
            throw DERError(.lengthNotMinimal, at: position)
        }
        let element = DERElement(
            bytes: bytes, tag: header.tag, start: position, content: header.contentStart..<contentEnd)
        position = contentEnd
        return element
    }

    /// Reads the next element, which must have `tag`.
    @_lifetime(copy self)
    @inline(never)
    public mutating func read(_ tag: Tag) throws(DERError) -> DERElement {
        guard let next = nextTag else { throw DERError(.truncated, at: position) }
        guard next == tag else { throw DERError(.unexpectedTag, at: position) }
        return try read()
    }

    /// Reads the next element if it has `tag`.
    @_lifetime(copy self)
    @inline(never)
    public mutating func readIfPresent(_ tag: Tag) throws(DERError) -> DERElement? {
        guard nextTag == tag else { return nil }
        return try read()
    }

    /// Reads the next element, which must have `tag`, and returns a reader of its content.
    @_lifetime(copy self)
    @inline(never)
    public mutating func enter(_ tag: Tag = .sequence) throws(DERError) -> DERReader {
        try read(tag).reader
    }

    /// Says that nothing may follow.
    @inline(never)
    public func finish() throws(DERError) {
        guard isAtEnd else { throw DERError(.trailingBytes, at: position) }
    }
}
