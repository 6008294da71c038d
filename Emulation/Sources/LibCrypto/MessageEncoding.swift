/// How a message that is made is encoded.
public enum MessageEncoding: String, Sendable, Codable {
    /// Definite lengths everywhere.
    case der
    /// Indefinite lengths and constructed octet strings, as OpenSSL streams them.
    case indefinite
    /// Indefinite lengths down to the content, which comes in octet strings of 1000 bytes: Bouncy Castle's form.
    case chunked
    /// Definite lengths, encryptedContent a constructed [0] around one octet string, and RSA's algorithm identifiers
    /// without NULL: the form of Go's pkcs7 packages.
    case constructed

    /// `message`, a ContentInfo with SignedData or EnvelopedData in DER, in this form. What is signed stays as it is.
    func applied(to message: [UInt8]) -> [UInt8] {
        guard self == .chunked || self == .constructed, var info = Element.all(in: message[...]).first else {
            return message
        }
        // Of both types the third element ends in the content, if there is one.
        info.edit([1, 0, 2, -1], isIndefinite: self == .chunked) { last in
            if self == .constructed { return last.nest() }
            // eContent is explicitly tagged, encryptedContent implicitly.
            if last.tag == Element.explicit { last.edit([0], isIndefinite: true) { $0.split(every: 1000) } }
            if last.tag == Element.implicit { last.split(every: 1000) }
        }
        guard self == .constructed else { return info.encoded }
        let isSigned = info.children.first?.content.last == 2
        // SignerInfo's signatureAlgorithm, KeyTransRecipientInfo's keyEncryptionAlgorithm.
        info.edit(isSigned ? [1, 0, -1, 0, -2] : [1, 0, 1, 0, -2]) { $0.dropNull() }
        return info.encoded
    }
}

/// An element of DER that is written again in another form.
private struct Element {
    static let octetString: UInt8 = 0x04
    /// [0], primitive and constructed.
    static let implicit: UInt8 = 0x80
    static let explicit: UInt8 = 0xa0

    var tag: UInt8
    var content: [UInt8]
    var isIndefinite = false

    /// The elements that `bytes` consist of, as far as they can be read; tags are of one byte.
    static func all(in bytes: ArraySlice<UInt8>) -> [Element] {
        var elements: [Element] = []
        var rest = bytes
        while let tag = rest.popFirst(), let first = rest.popFirst() {
            var length = Int(first)
            if first > 127 {
                length = rest.prefix(Int(first & 127)).reduce(0) { $0 << 8 | Int($1) }
                rest = rest.dropFirst(Int(first & 127))
            }
            elements.append(Element(tag: tag, content: [UInt8](rest.prefix(length))))
            rest = rest.dropFirst(length)
        }
        return elements
    }

    var children: [Element] { Self.all(in: content[...]) }

    var encoded: [UInt8] {
        if isIndefinite { return [tag, 0x80] + content + [0, 0] }
        var length = [UInt8(truncatingIfNeeded: content.count)]
        if content.count > 127 {
            length = [24, 16, 8, 0].map { UInt8(truncatingIfNeeded: content.count >> $0) }
            length = Array(length.drop { $0 == 0 })
            length.insert(0x80 | UInt8(length.count), at: 0)
        }
        return [tag] + length + content
    }

    /// Changes the element that `path` leads to: numbers of children, from the end when they are below 0.
    ///
    /// - Parameter isIndefinite: whether the elements on the way there get indefinite lengths.
    mutating func edit(_ path: ArraySlice<Int>, isIndefinite: Bool = false, _ body: (inout Element) -> Void) {
        guard let number = path.first else { return body(&self) }
        var children = children
        children[number < 0 ? children.count + number : number]
            .edit(path.dropFirst(), isIndefinite: isIndefinite, body)
        content = children.flatMap(\.encoded)
        self.isIndefinite = isIndefinite
    }

    mutating func split(every size: Int) {
        content = stride(from: 0, to: content.count, by: size).flatMap { start in
            Element(tag: Self.octetString, content: Array(content[start..<min(start + size, content.count)])).encoded
        }
        tag |= 0x20
        isIndefinite = true
    }

    mutating func nest() {
        guard tag == Self.implicit else { return }
        self = Element(
            tag: Self.explicit, content: Element(tag: Self.octetString, content: content).encoded)
    }

    mutating func dropNull() {
        if content.suffix(2) == [0x05, 0x00] { content.removeLast(2) }
    }
}
