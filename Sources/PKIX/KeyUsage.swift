import Bytes
import DER

/// What a key may be used for (RFC 5280, 4.2.1.3). Bit 0 of the type is the most significant bit.
///
/// ```
/// KeyUsage ::= BIT STRING {
///     digitalSignature(0), nonRepudiation(1), keyEncipherment(2), dataEncipherment(3), keyAgreement(4),
///     keyCertSign(5), cRLSign(6), encipherOnly(7), decipherOnly(8) }
/// ```
public struct KeyUsage: BitSet {
    public let rawValue: UInt16

    public init(rawValue: UInt16) {
        self.rawValue = rawValue
    }

    public static var digitalSignature: KeyUsage { KeyUsage(rawValue: 0x8000) }
    public static var nonRepudiation: KeyUsage { KeyUsage(rawValue: 0x4000) }
    public static var keyEncipherment: KeyUsage { KeyUsage(rawValue: 0x2000) }
    public static var dataEncipherment: KeyUsage { KeyUsage(rawValue: 0x1000) }
    public static var keyAgreement: KeyUsage { KeyUsage(rawValue: 0x0800) }
    public static var keyCertSign: KeyUsage { KeyUsage(rawValue: 0x0400) }
    public static var cRLSign: KeyUsage { KeyUsage(rawValue: 0x0200) }

    /// RFC 5280's names of the bits, from bit 0 on, separated by blanks.
    public static var names: StaticString {
        """
        digitalSignature nonRepudiation keyEncipherment dataEncipherment keyAgreement keyCertSign cRLSign encipherOnly \
        decipherOnly
        """
    }

    /// Reads RFC 5280's names, separated by commas.
    ///
    /// - Throws: a ``TextFault`` with the offset in `text`.
    public init(_ text: Span<UInt8>) throws(DERError) {
        var bits: UInt16 = 0
        var items = ReversedList(text)
        while let item = items.next() {
            guard let bit = position(of: text.extracting(item), among: Self.names) else {
                throw .text(item.isEmpty ? .empty : .unknownWord, at: item.lowerBound)
            }
            bits |= 0x8000 &>> UInt16(truncatingIfNeeded: bit)
        }
        rawValue = bits
    }
}

/// Extended key usages (RFC 5280, 4.2.1.12).
public enum ExtendedKeyUsage {
    /// Those that have a name here, separated by blanks: 1 to 4, 8 and 9 of id-kp.
    public static var names: StaticString {
        "serverAuth clientAuth codeSigning emailProtection timeStamping OCSPSigning"
    }
}

extension DERWriter {
    /// Writes the value of an extended key usage extension (RFC 5280, 4.2.1.12) given as a comma-separated text of
    /// ``ExtendedKeyUsage/names`` or dotted identifiers.
    ///
    /// ```
    /// ExtKeyUsageSyntax ::= SEQUENCE OF KeyPurposeId
    /// KeyPurposeId ::= OBJECT IDENTIFIER
    /// ```
    ///
    /// - Throws: a ``TextFault`` with the offset in `text`; `bufferFull`.
    mutating func write(extendedKeyUsage text: Span<UInt8>) throws(DERError) {
        try write(.sequence) { (writer) throws(DERError) in
            var items = ReversedList(text)
            while let item = items.next() {
                let word = text.extracting(item)
                if let index = position(of: word, among: ExtendedKeyUsage.names) {
                    // Of id-kp, 1.3.6.1.5.5.7.3.
                    let number = UInt8(truncatingIfNeeded: index &+ (index < 4 ? 1 : 4))
                    let identifier: InlineArray<8, UInt8> = [0x2B, 0x06, 0x01, 0x05, 0x05, 0x07, 0x03, number]
                    try writer.write(.objectIdentifier, identifier.span)
                } else {
                    guard word.count > 0, word[0].isDigit else {
                        throw .text(item.isEmpty ? .empty : .unknownWord, at: item.lowerBound)
                    }
                    try writer.write(identifier: word, at: item.lowerBound)
                }
            }
        }
    }
}
