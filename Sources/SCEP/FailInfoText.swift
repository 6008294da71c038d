import DER
import DeviceCrypto

/// Turns failInfoText (RFC 8894, 3.2.1.4) into UTF-8 where it stands, as far as it fits.
///
/// It is to be a UTF8String; it comes in other string types, and as a PKIFreeText (RFC 4210, 5.1.1), of which this is the
/// first string. On a small image (``Footprint``) it is left as it is.
///
/// - Parameter value: where the attribute's value stands in `work`, with its header.
/// - Returns: where the text stands; empty if the value is no string.
func readText(_ work: inout MutableSpan<UInt8>, _ value: Range<Int>) -> Range<Int> {
    var tag = Tag.null
    var content = 0..<0
    do {
        var reader = DERReader(work.span, in: value)
        guard let element = try? reader.read() else { return content }
        guard Footprint.isUnconstrained else { return element.content }
        (tag, content) = (element.tag, element.content)
        if tag == .sequence {
            var list = element.reader
            guard let first = try? list.read() else { return 0..<0 }
            (tag, content) = (first.tag, first.content)
        }
    }
    guard !tag.isConstructed else { return 0..<0 }
    let width = tag == .bmpString ? 2 : tag == .universalString ? 4 : 1
    guard width > 1 else { return content }
    var end = content.lowerBound
    var position = end
    while content.upperBound &- position >= width {
        position &+= width
        let (high, low) = (work[position &- 2], work[position &- 1])
        let isWide = width == 4 && work[position &- 4] | work[position &- 3] != 0
        // Two bytes of UTF-8 are space enough up to U+07FF; of the rest it is said that there was something.
        if isWide || high >= 8 {
            work[end] = UInt8(ascii: "?")
        } else if high > 0 || low >= 0x80 {
            work[end] = 0xC0 | high &<< 2 | low &>> 6
            end &+= 1
            work[end] = 0x80 | low & 0x3F
        } else {
            work[end] = low
        }
        end &+= 1
    }
    return content.lowerBound..<end
}
