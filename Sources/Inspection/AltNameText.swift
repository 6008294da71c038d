import Bytes
import DER
import Output
import PKIX

extension Text {
    /// Appends GeneralNames (RFC 5280, 4.2.1.6) as `san` takes them; what it does not take as `DN:`, or in hexadecimal.
    @inline(never)
    mutating func append(generalNames names: borrowing DERElement) throws(DERError) {
        var list = names.reader
        let start = count
        while !list.isAtEnd {
            separate(since: start)
            append(generalName: try list.read())
        }
    }

    @inline(never)
    mutating func append(generalName name: borrowing DERElement) {
        switch name.tag {
        case .context(1): append("email:")
        case .context(2): append("DNS:")
        case .context(6): append("URI:")
        case .context(7):
            append("IP:")
            return append(address: name.contents)
        case .context(8):
            append("RID:")
            return append(dotted: name.contents)
        case .contextConstructed(4):
            append("DN:")
            return append(escaped: Text(name: name.contents).span)
        case .contextConstructed(0):
            append("otherName:")
            return append(otherName: name)
        default:
            return append(hex: name.encoding, limit: 64)
        }
        append(escaped: name.contents)
    }

    private mutating func append(otherName name: borrowing DERElement) {
        var content = name.reader
        guard let type = try? content.read(.objectIdentifier),
            var value = try? content.enter(.contextConstructed(0)), let element = try? value.read()
        else { return append(hex: name.contents, limit: 64) }
        append(dotted: type.contents)
        if element.tag == .utf8String, element.content.count > 0 {
            append(";UTF8:")
            append(escaped: element.contents)
        } else {
            append(";#")
            append(hex: element.encoding)
        }
    }

    private mutating func append(address: Span<UInt8>) {
        guard address.count == 4 || address.count == 16 else { return append(hex: address) }
        for index in address.indices {
            if address.count == 4 {
                if index > 0 { append(".") }
                append(decimal: Int(address[index]))
            } else {
                if index > 0, index % 2 == 0 { append(":") }
                append(hex: address[index])
            }
        }
    }

    /// Appends a value with a backslash before what would end it, and before the hexadecimal digits of what is no
    /// character, or would command a terminal.
    private mutating func append(escaped value: Span<UInt8>) {
        var index = 0
        while index < value.count {
            let byte = value[index]
            let length = shownLength(value, at: index)
            let isAtEnd = index == 0 || index == value.count - 1
            if length == 0 {
                appendEscape(of: byte)
            } else if byte == UInt8(ascii: "\\") || byte == UInt8(ascii: ",") || byte == UInt8(ascii: " ") && isAtEnd {
                append("\\")
            }
            append(value.extracting(index..<(index + length)))
            index += Swift.max(length, 1)
        }
    }
}
