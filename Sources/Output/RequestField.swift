import Bytes
import DER
import PKIX

/// What of a request a person writes as a text.
public enum RequestField: CaseIterable, Sendable {
    case subject, subjectAltName, keyUsage, extendedKeyUsage, template

    /// What is wrong with `value`, and at which character, as the end of a sentence; nil if a request can be made with it.
    public func fault(in value: [UInt8]) -> [UInt8]? {
        var bytes = [UInt8](repeating: 0, count: 16_384)
        var buffer = bytes.mutableSpan
        do throws(DERError) {
            try request(value.span).check(in: &buffer)
            return nil
        } catch {
            return error.kind.textFault.map { Text($0, at: error.offset, in: value, of: self) }
                ?? Text(": it is too long")
        }
    }

    /// A request for nothing but this.
    @_lifetime(copy value)
    private func request(_ value: Span<UInt8>) -> CertificationRequest {
        var request = CertificationRequest(subject: self == .subject ? value : value.extracting(first: 0))
        switch self {
        case .subject: break
        case .subjectAltName: request.subjectAltName = value
        case .keyUsage: request.keyUsage = value
        case .extendedKeyUsage: request.extendedKeyUsage = value
        case .template: request.certificateTemplate = value
        }
        return request
    }
}

extension Text {
    /// - Parameter fault: of the value, at `offset` bytes.
    fileprivate init(_ fault: TextFault, at offset: Int, in value: Text, of field: RequestField) {
        self = Text(": ")
        append(fault, offset, value, field)
        append(", at character ")
        var character = 1
        for byte in value.prefix(offset) where byte & 0xC0 != 0x80 { character += 1 }
        append(decimal: character)
    }

    private mutating func append(_ fault: TextFault, _ offset: Int, _ value: Text, _ field: RequestField) {
        switch fault {
        case .empty:
            append(field == .subject ? "nothing stands here; within a value, write \\, or \\+" : "nothing stands here")
        case .equalsMissing: append("no = follows; a comma within a value is written \\,")
        case .unknownType where value.first == UInt8(ascii: "/"):
            append("a subject is written CN=gateway 7,O=Example, not /O=Example/CN=gateway 7")
        case .unknownType:
            append(printable: value[offset...].prefix { $0 != UInt8(ascii: "=") }.trimmed.span)
            append(" is not known: write its dotted identifier, as in 2.5.4.15=")
        case .badIdentifier: append("it is no dotted identifier")
        case .badEscape: append("behind \\ stands one of , + \" \\ < > ; = # and blank, or two hexadecimal digits")
        case .unescaped:
            append("within a value it is written \\")
            append(printable: Text(value[offset...].prefix(1)).span)
        case .badQuotes: append("quotation marks stand around a whole value")
        case .badHexadecimal: append("behind # stands one value in DER, in hexadecimal")
        case .tooLong where field == .subjectAltName: append("more than 63 characters between dots")
        case .tooLong:
            append("more than ")
            append(decimal: Self.attribute(of: value, before: offset)?.greatestCount ?? 0)
            append(" characters")
        case .notTwoLetters: append("a country is two letters, as in DE")
        case .badCharacter: append(Self.badCharacter(value, offset, field))
        case .unknownWord where field == .subjectAltName:
            append("a name begins with one of DNS: IP: URI: email: RID: otherName:")
        case .unknownWord:
            append("'")
            append(printable: value[offset...].prefix { $0 != UInt8(ascii: ",") }.trimmed.span)
            append("' is none of the words")
        case .badAddress: append("it is no address, as 192.0.2.7 and 2001:db8::7 are, without prefix, zone or brackets")
        case .badOtherName:
            append("behind the identifier stands ;UTF8: and the value, or ;# and its DER in hexadecimal")
        }
    }

    private static func badCharacter(_ value: Text, _ offset: Int, _ field: RequestField) -> StaticString {
        switch field {
        case .subject:
            switch attribute(of: value, before: offset)?.tag {
            case .printableString: "more than letters, digits, blanks and ' ( ) + , - . / : = ? here"
            case .ia5String: "a character beyond ASCII, or NUL"
            default: "it is not UTF-8, or has a NUL"
            }
        case .subjectAltName:
            "a character that such a name cannot have; host names have letters, digits, - . * and _ (others: xn--...)"
        default: "a character beyond ASCII"
        }
    }

    /// The type of the attribute whose value begins at `offset`.
    private static func attribute(of value: Text, before offset: Int) -> AttributeType? {
        guard let equals = value[..<offset].lastIndex(of: UInt8(ascii: "=")) else { return nil }
        let start = value[..<equals].lastIndex { $0 == UInt8(ascii: ",") || $0 == UInt8(ascii: "+") } ?? -1
        var word = Text(value[(start + 1)..<equals]).trimmed
        if word.count > 4, isWord(word.span.extracting(first: 4), "OID.") { word.removeFirst(4) }
        return AttributeType(word.span)
    }
}

extension ArraySlice<UInt8> {
    fileprivate var trimmed: Text { Text(self).trimmed }
}
