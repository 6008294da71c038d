import DER

extension DERWriter {
    /// Writes GeneralNames (RFC 5280, 4.2.1.6) given as a comma-separated text in OpenSSL's words:
    /// `DNS:…`, `IP:…` (IPv4 or IPv6), `URI:…`, `email:…`, `otherName:<dotted identifier>;UTF8:<value>`.
    ///
    /// - Throws: `invalidAltName` with the offset in `text`; `bufferFull`.
    mutating func write(altNames text: Span<UInt8>) throws(DERError) {
        let end = front
        var items = ReversedList(text)
        while let item = items.next() { try write(altName: item, of: text) }
        try wrap(.sequence, from: end)
    }

    private mutating func write(altName item: Range<Int>, of text: Span<UInt8>) throws(DERError) {
        var colon = item.lowerBound
        while colon < item.upperBound, text[colon] != UInt8(ascii: ":") { colon &+= 1 }
        guard colon &+ 1 < item.upperBound else { throw DERError(.invalidAltName, at: item.lowerBound) }
        let word = text.extracting(item.lowerBound..<colon)
        let valueStart = colon &+ 1
        let value = text.extracting(valueStart..<item.upperBound)
        guard isASCII(value) || isWord(word, "otherName") && isUTF8(value) else {
            throw DERError(.invalidAltName, at: valueStart)
        }
        if isWord(word, "DNS") {
            try write(.context(2), value)
        } else if isWord(word, "email") {
            try write(.context(1), value)
        } else if isWord(word, "URI") {
            try write(.context(6), value)
        } else if isWord(word, "IP") {
            guard let address = IPAddress(value) else { throw DERError(.invalidAltName, at: valueStart) }
            try write(.context(7), address.bytes)
        } else if isWord(word, "otherName") {
            try write(otherName: value, at: valueStart)
        } else {
            throw DERError(.invalidAltName, at: item.lowerBound)
        }
    }

    private mutating func write(otherName text: Span<UInt8>, at offset: Int) throws(DERError) {
        var semicolon = 0
        while semicolon < text.count, text[semicolon] != UInt8(ascii: ";") { semicolon &+= 1 }
        let label = span(of: ";UTF8:")
        guard semicolon &+ label.count < text.count,
            isWord(text.extracting(semicolon..<(semicolon &+ label.count)), ";UTF8:")
        else { throw DERError(.invalidAltName, at: offset &+ semicolon) }
        let end = front
        try write(.utf8String, text.extracting((semicolon &+ label.count)..<text.count))
        try wrap(.contextConstructed(0), from: end)
        do throws(DERError) {
            try write(identifierText: text.extracting(0..<semicolon))
        } catch {
            throw error.kind == .bufferFull ? error : DERError(.invalidAltName, at: offset)
        }
        try wrap(.contextConstructed(0), from: end)
    }
}
