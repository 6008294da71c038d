import DER

/// What is wrong with a text that a part of a request is made from: subject, alternative names, key usages, template.
///
/// The offset of the error counts bytes in that text.
public enum TextFault: UInt8, Equatable, Sendable {
    /// Nothing stands where a name, a value or a word has to.
    case empty = 1
    /// A part of a name without `=` (RFC 4514, 3).
    case equalsMissing
    /// A type of name attributes that has no name here (``AttributeType``).
    case unknownType
    /// A dotted identifier that is none (RFC 4512, 1.4), or is too large.
    case badIdentifier
    /// A backslash before something else than what it has to stand before, or two hexadecimal digits (RFC 4514, 3).
    case badEscape
    /// A character that has to stand behind a backslash (RFC 4514, 2.4).
    case unescaped
    /// A quotation mark that is not closed, or something behind the closing one (RFC 2253, 3).
    case badQuotes
    /// Something behind `#` that is not the DER of one value, in hexadecimal.
    case badHexadecimal
    /// More characters than the attribute's upper bound (RFC 5280, appendix A.1).
    case tooLong
    /// A country of other than two letters.
    case notTwoLetters
    /// A character that the value cannot have, or bytes that are not UTF-8.
    case badCharacter
    /// A word that is none of the known ones.
    case unknownWord
    /// Neither an IPv4 nor an IPv6 address.
    case badAddress
    /// Behind the identifier of an otherName: neither `;UTF8:` nor `;#`.
    case badOtherName
}

extension DERError.Kind {
    /// The text that was to be written is malformed; the offset counts in the text.
    public static func text(_ fault: TextFault) -> DERError.Kind {
        DERError.Kind(rawValue: 0x40 | fault.rawValue)
    }

    /// What is wrong with the text, if it was that.
    public var textFault: TextFault? {
        rawValue & 0xC0 == 0x40 ? TextFault(rawValue: rawValue & 0x3F) : nil
    }
}

extension DERError {
    static func text(_ fault: TextFault, at offset: Int) -> DERError { DERError(.text(fault), at: offset) }
}
