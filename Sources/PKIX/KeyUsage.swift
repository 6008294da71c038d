import DER

/// What a key may be used for (RFC 5280, 4.2.1.3). Bit 0 of the type is the most significant bit.
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

    private static func name(_ bit: UInt16) -> StaticString {
        switch bit {
        case 0: "digitalSignature"
        case 1: "nonRepudiation"
        case 2: "keyEncipherment"
        case 3: "dataEncipherment"
        case 4: "keyAgreement"
        case 5: "keyCertSign"
        default: "cRLSign"
        }
    }

    /// Reads RFC 5280's names, separated by commas.
    ///
    /// - Throws: `unknownWord` with the offset in `text`.
    public init(_ text: Span<UInt8>) throws(DERError) {
        var bits: UInt16 = 0
        var items = ReversedList(text)
        while let item = items.next() {
            let word = text.extracting(item)
            var bit: UInt16 = 0
            while bit < 7, !isWord(word, Self.name(bit)) { bit &+= 1 }
            guard bit < 7 else { throw DERError(.unknownWord, at: item.lowerBound) }
            bits |= 0x8000 &>> bit
        }
        rawValue = bits
    }
}

/// Names of extended key usages (RFC 5280, 4.2.1.12).
private func purpose(_ index: UInt8) -> StaticString {
    switch index {
    case 0: "serverAuth"
    case 1: "clientAuth"
    case 2: "codeSigning"
    case 3: "emailProtection"
    case 4: "timeStamping"
    default: "OCSPSigning"
    }
}

extension DERWriter {
    /// Writes the value of an extended key usage extension (RFC 5280, 4.2.1.12) given as a comma-separated text of
    /// serverAuth, clientAuth, codeSigning, emailProtection, timeStamping, OCSPSigning or dotted identifiers.
    ///
    /// - Throws: `unknownWord` with the offset in `text`; `bufferFull`.
    mutating func write(extendedKeyUsage text: Span<UInt8>) throws(DERError) {
        let end = front
        var items = ReversedList(text)
        while let item = items.next() {
            let word = text.extracting(item)
            var index: UInt8 = 0
            while index < 6, !isWord(word, purpose(index)) { index &+= 1 }
            if index < 6 {
                // They are 1 to 4, 8 and 9 of id-kp, 1.3.6.1.5.5.7.3.
                let number = index &+ (index < 4 ? 1 : 4)
                let identifier: InlineArray<8, UInt8> = [0x2B, 0x06, 0x01, 0x05, 0x05, 0x07, 0x03, number]
                try write(.objectIdentifier, identifier.span)
            } else {
                do throws(DERError) {
                    try write(identifierText: word)
                } catch {
                    throw error.kind == .bufferFull ? error : DERError(.unknownWord, at: item.lowerBound)
                }
            }
        }
        try wrap(.sequence, from: end)
    }
}
