import Bytes

/// One element, as it stands in its buffer.
public struct DERElement: ~Escapable {
    /// The whole buffer that the element is part of.
    public let bytes: Span<UInt8>
    public let tag: Tag
    /// Offset of the identifier octet.
    public let start: Int
    /// Offsets of the content.
    public let content: Range<Int>

    @_lifetime(copy bytes)
    init(bytes: Span<UInt8>, tag: Tag, start: Int, content: Range<Int>) {
        self.bytes = bytes
        self.tag = tag
        self.start = start
        self.content = content
    }

    /// Offsets of identifier, length and content.
    public var range: Range<Int> { start..<content.upperBound }

    public var contents: Span<UInt8> {
        @_lifetime(copy self) get { bytes.extracting(content) }
    }

    /// Identifier, length and content.
    public var encoding: Span<UInt8> {
        @_lifetime(copy self) get { bytes.extracting(range) }
    }

    /// A reader of the content.
    public var reader: DERReader {
        @inline(never) @_lifetime(copy self) get { DERReader(bytes, in: content) }
    }

    /// The magnitude of an INTEGER that is not negative: unsigned, big-endian, no leading zero (empty for 0).
    @_lifetime(copy self)
    @inline(never)
    public func unsignedInteger() throws(DERError) -> Span<UInt8> {
        guard let first = content.first, bytes[first] < 0x80 else { throw DERError(.invalidInteger, at: start) }
        guard bytes[first] == 0 else { return contents }
        return bytes.extracting((first &+ 1)..<content.upperBound)
    }

    /// The value of an INTEGER from 0 to `greatest`, which is below 2^24.
    @inline(never)
    public func smallInteger(atMost greatest: Int) throws(DERError) -> Int {
        let magnitude = try unsignedInteger()
        guard magnitude.count <= 3 else { throw DERError(.invalidInteger, at: start) }
        var value = 0
        for index in magnitude.indices { value = value &<< 8 | Int(magnitude[index]) }
        guard value <= greatest else { throw DERError(.invalidInteger, at: start) }
        return value
    }

    /// The value of a BOOLEAN; whatever is not 00 is true.
    ///
    /// DER has FF alone (X.690, 11.1). Old writers of certificates, mbedTLS's and Java's among them, have 01, and
    /// certificates and CRLs are all that has BOOLEANs here: nothing that SCEP signs has one.
    @inline(never)
    public func boolean() throws(DERError) -> Bool {
        guard content.count == 1 else { throw DERError(.invalidBoolean, at: start) }
        return bytes[content.lowerBound] != 0
    }

    /// The bytes of a BIT STRING that is a whole number of bytes, such as a signature or a public key.
    @_lifetime(copy self)
    @inline(never)
    public func bitStringBytes() throws(DERError) -> Span<UInt8> {
        guard let first = content.first, bytes[first] == 0 else { throw DERError(.invalidBitString, at: start) }
        return bytes.extracting((first &+ 1)..<content.upperBound)
    }

    /// The first 16 bits of a BIT STRING of named bits; bit 0 of the type is the most significant bit.
    @inline(never)
    public func namedBits() throws(DERError) -> UInt16 {
        guard let first = content.first, bytes[first] < 8, content.count > 1 || bytes[first] == 0 else {
            throw DERError(.invalidBitString, at: start)
        }
        var bits: UInt16 = 0
        if content.count > 1 { bits = UInt16(bytes[first &+ 1]) &<< 8 }
        if content.count > 2 { bits |= UInt16(bytes[first &+ 2]) }
        // Bits that are not in use are zero (X.690, 11.2.1), so none of them can be taken for one that is. Of no bits
        // none is unused.
        let unused: UInt8 = 1 &<< bytes[first] &- 1
        guard bytes[content.upperBound &- 1] & unused == 0 else {
            throw DERError(.invalidBitString, at: start)
        }
        return bits
    }

    /// Whether this is an OBJECT IDENTIFIER, and this one.
    @inline(never)
    public func isIdentifier(_ identifier: ObjectIdentifier) -> Bool {
        tag == .objectIdentifier && identifier.matches(contents)
    }
}

/// The content of an INTEGER without the zero octet that only keeps it positive, as `openssl` shows large numbers.
@_lifetime(copy contents)
@inline(never)
public func withoutSignOctet(_ contents: Span<UInt8>) -> Span<UInt8> {
    guard contents.count > 1, contents[0] == 0, contents[1] >= 0x80 else { return contents }
    return contents.extracting(1..<contents.count)
}
