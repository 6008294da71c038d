import DER
import Output

/// How one element is encoded, and where it ends: what tells DER from BER before anything is made of it.
struct EncodingForm {
    /// Offset after the element.
    private(set) var end: Int
    /// Lengths that say nothing (X.690, 8.1.3.6).
    private(set) var indefiniteLengths = 0
    /// Lengths with more octets than they need.
    private(set) var longLengths = 0
    /// Octet strings in pieces.
    private(set) var segmentedStrings = 0
    /// Where the first thing stands that DER does not have.
    private(set) var firstDeviation: Int?

    var isDER: Bool { firstDeviation == nil }

    /// Follows the headers of the element at `start`, of whatever size.
    ///
    /// - Throws: ``DERError``: `truncated`, `highTagNumber`, `tooDeep`, `misplacedEndOfContents`, at the element.
    init(_ bytes: [UInt8], at start: Int) throws(DERError) {
        /// Where the elements end that are open; -1 for what an end-of-contents ends.
        var open: [Int] = []
        end = start
        repeat {
            if let last = open.last, last == end {
                open.removeLast()
                continue
            }
            var limit = bytes.count
            for known in open where known >= 0 { limit = known }
            guard limit - end >= 2 else { throw DERError(.truncated, at: end) }
            if bytes[end] == 0, bytes[end + 1] == 0, open.last == -1 {
                open.removeLast()
                end += 2
                continue
            }
            try follow(bytes, limit, &open)
        } while !open.isEmpty
    }

    private mutating func follow(_ bytes: [UInt8], _ limit: Int, _ open: inout [Int]) throws(DERError) {
        let start = end
        let tag = Tag(rawValue: bytes[start])
        guard tag.rawValue & 0x1F != 0x1F else { throw DERError(.highTagNumber, at: start) }
        guard tag.rawValue != 0 else { throw DERError(.misplacedEndOfContents, at: start) }
        if tag.rawValue == Tag.octetString.rawValue | 0x20 {
            segmentedStrings += 1
            deviates(at: start)
        }
        let first = bytes[start + 1]
        end += 2
        if first == 0x80 {
            guard tag.isConstructed else { throw DERError(.misplacedEndOfContents, at: start) }
            indefiniteLengths += 1
            deviates(at: start)
            try push(-1, start, &open)
            return
        }
        var length = Int(first)
        if first > 0x80 {
            let octets = Int(first & 0x7F)
            guard octets <= 4, octets <= limit - end else { throw DERError(.truncated, at: start) }
            length = 0
            for _ in 0..<octets {
                length = length << 8 | Int(bytes[end])
                end += 1
            }
            if length < 0x80 || length >> (8 * (octets - 1)) == 0 {
                longLengths += 1
                deviates(at: start)
            }
        }
        guard length >= 0, length <= limit - end else { throw DERError(.truncated, at: start) }
        if tag.isConstructed {
            try push(end + length, start, &open)
        } else {
            end += length
        }
    }

    private func push(_ contentEnd: Int, _ start: Int, _ open: inout [Int]) throws(DERError) {
        guard open.count < BER.maximumDepth else { throw DERError(.tooDeep, at: start) }
        open.append(contentEnd)
    }

    private mutating func deviates(at offset: Int) {
        if firstDeviation == nil { firstDeviation = offset }
    }
}

extension [UInt8] {
    /// The element at `range`, in BER, in DER. It may be a key: the caller wipes it.
    ///
    /// - Throws: ``DERError``, at offsets in this array.
    @inline(never)
    func normalized(_ range: Range<Int>) throws(DERError) -> [UInt8] {
        var copy = self
        defer { copy.wipe() }
        let der: Range<Int>
        do {
            var buffer = copy.mutableSpan
            der = try BER.normalize(&buffer, in: range)
        }
        return copy.part(der)
    }
}
