import Bytes
import DER
import Output
import PKIX

extension Inspection {
    /// Describes Extensions (RFC 5280, 4.1), of a certificate, a request or a CRL.
    mutating func describe(extensions reader: inout DERReader) throws(DERError) {
        var list = try reader.enter()
        report.beginList("extensions")
        while !list.isAtEnd {
            var item = try list.enter()
            let identifier = try item.read(.objectIdentifier)
            var isCritical = false
            if let flag = try item.readIfPresent(.boolean) {
                isCritical = flag.contents.count == 1 && flag.contents[0] != 0
            }
            let value = try item.read(.octetString)
            report.beginItem()
            report.field("extension", text: Text(identifier: identifier.contents))
            let dotted = Text(dotted: identifier.contents)
            report.field("id", text: dotted)
            report.field("critical", isTrue: isCritical)
            report.field("value", text: Self.text(of: dotted, value))
            report.endItem()
        }
        report.endList()
    }

    /// What an extension says, in one line; in hexadecimal what is not known, or malformed.
    private static func text(of dotted: Text, _ value: borrowing DERElement) -> Text {
        var text = Text()
        do throws(DERError) {
            try text.append(extension: dotted, value)
        } catch {
            text = Text("malformed (")
            text.append(error)
            text.append("): ")
            text.append(hex: value.contents, limit: 64)
        }
        return text
    }
}

extension Text {
    @inline(never)
    fileprivate mutating func append(
        extension dotted: Text, _ value: borrowing DERElement
    ) throws(DERError) {
        var reader = value.reader
        guard dotted.starts(with: "2.5.29."), dotted.count <= 9 else {
            if dotted.equals("1.3.6.1.5.5.7.1.1") { return try append(accessDescriptions: &reader) }
            if dotted.equals("1.3.6.1.4.1.311.20.2") { return append(valueOf: try reader.read()) }
            if dotted.equals("1.3.6.1.4.1.311.21.7") { return try append(template: &reader) }
            return append(hex: value.contents, limit: 64)
        }
        var number = 0
        for digit in dotted[7...] { number = number * 10 + Int(digit & 0x0F) }
        switch number {
        case 14: append(hex: try reader.read(.octetString).contents)
        case 15: append(keyUsage: try reader.read(.bitString).namedBits())
        case 17, 18: try append(generalNames: try reader.read(.sequence))
        case 19: try append(basicConstraints: &reader)
        case 20, 27: append(Text(integer: try reader.read(.integer).contents))
        case 31, 46: append(locationsIn: reader, 0)
        case 32:
            var list = try reader.enter()
            let start = count
            while !list.isAtEnd {
                var policy = try list.enter()
                separate(since: start)
                append(identifier: try policy.read(.objectIdentifier).contents)
            }
        case 35: try append(authorityKeyIdentifier: &reader)
        case 37:
            var list = try reader.enter()
            let start = count
            while !list.isAtEnd {
                separate(since: start)
                append(identifier: try list.read(.objectIdentifier).contents)
            }
        default: append(hex: value.contents, limit: 64)
        }
    }

    @inline(never)
    private mutating func append(keyUsage bits: UInt16) {
        let start = count
        for bit in 0..<9 as Range<UInt16> where bits & 0x8000 >> bit != 0 {
            separate(since: start)
            append(word(Int(bit), of: KeyUsage.names))
        }
    }

    @inline(never)
    private mutating func append(basicConstraints reader: inout DERReader) throws(DERError) {
        var content = try reader.enter()
        let isCA = try content.readIfPresent(.boolean)?.boolean() ?? false
        append(isCA ? "cA" : "not a CA")
        if let length = try content.readIfPresent(.integer) {
            append(", pathLenConstraint ")
            append(valueOf: length)
        }
    }

    @inline(never)
    private mutating func append(authorityKeyIdentifier reader: inout DERReader) throws(DERError) {
        var content = try reader.enter()
        if let key = try content.readIfPresent(.context(0)) { append(hex: key.contents) }
        if let issuer = try content.readIfPresent(.contextConstructed(1)) {
            append(" issuer ")
            try append(generalNames: issuer)
        }
        if let serial = try content.readIfPresent(.context(2)) {
            append(" serialNumber ")
            append(Text(integer: serial.contents))
        }
    }

    /// Appends AuthorityInfoAccess (RFC 5280, 4.2.2.1).
    @inline(never)
    private mutating func append(accessDescriptions reader: inout DERReader) throws(DERError) {
        var list = try reader.enter()
        let start = count
        while !list.isAtEnd {
            var item = try list.enter()
            separate(since: start)
            append(identifier: try item.read(.objectIdentifier).contents)
            append(" ")
            append(generalName: try item.read())
        }
    }

    /// Appends the URIs and names in distribution points, wherever they stand.
    @inline(never)
    private mutating func append(locationsIn start: DERReader, _ depth: Int) {
        var reader = start
        while !reader.isAtEnd, let element = try? reader.read() {
            if element.tag == .context(6) || element.tag == .contextConstructed(4) {
                separate(since: 0)
                append(generalName: element)
            } else if element.tag.isConstructed, depth < 6 {
                append(locationsIn: element.reader, depth + 1)
            }
        }
    }

    /// Appends Microsoft's CertificateTemplate (MS-WCCE, 2.2.2.7.7.2).
    @inline(never)
    private mutating func append(template reader: inout DERReader) throws(DERError) {
        var content = try reader.enter()
        append(dotted: try content.read(.objectIdentifier).contents)
        while let version = try content.readIfPresent(.integer) {
            append(" ")
            append(valueOf: version)
        }
    }
}
