import Bytes
import DER
import DeviceCrypto
import Output
import PKIX

extension Text {
    /// The content of an INTEGER in hexadecimal.
    @inline(never)
    init(integer contents: Span<UInt8>) {
        self = []
        append(hex: withoutSignOctet(contents))
    }

    /// Appends at most `limit` bytes in hexadecimal.
    @inline(never)
    mutating func append(hex bytes: Span<UInt8>, limit: Int) {
        append(hex: bytes.extracting(first: Swift.min(limit, bytes.count)))
        guard bytes.count > limit else { return }
        append("… (")
        append(decimal: bytes.count)
        append(" bytes)")
    }

    /// Appends the text of a string type, and what is not one in hexadecimal.
    @inline(never)
    mutating func append(valueOf element: borrowing DERElement) {
        switch element.tag {
        case .utf8String, .printableString, .ia5String, .utcTime, .generalizedTime, Tag(rawValue: 0x14),
            Tag(rawValue: 0x12), Tag(rawValue: 0x1A):
            append(element.contents)
        case .bmpString: append(utf16: element.contents)
        case .objectIdentifier: append(identifier: element.contents)
        case .integer where element.content.count <= 3 && element.content.count > 0 && element.contents[0] < 0x80:
            append(decimal: (try? element.smallInteger(atMost: 0x7F_FFFF)) ?? 0)
        case .octetString, .integer: append(hex: element.contents, limit: 64)
        default: append(hex: element.encoding, limit: 64)
        }
    }

    /// Appends a BMPString: big-endian, 16 bits a character.
    private mutating func append(utf16 contents: Span<UInt8>) {
        var index = 0
        while index + 1 < contents.count {
            let character = UInt32(contents[index]) << 8 | UInt32(contents[index + 1])
            index += 2
            switch character {
            case 0..<0x80: append(UInt8(character))
            case 0x80..<0x800:
                append(UInt8(0xC0 | character >> 6))
                append(UInt8(0x80 | character & 0x3F))
            default:
                append(UInt8(0xE0 | character >> 12))
                append(UInt8(0x80 | character >> 6 & 0x3F))
                append(UInt8(0x80 | character & 0x3F))
            }
        }
    }

    /// Appends what follows in a list, set apart from what stands there since `start`.
    @inline(never)
    mutating func separate(since start: Int) {
        if count > start { append(", ") }
    }
}

extension Inspection {
    @inline(never)
    mutating func field(_ name: StaticString, nameOf encoding: Span<UInt8>) {
        report.field(name, text: Text(name: encoding))
    }

    @inline(never)
    mutating func field(_ name: StaticString, integer contents: Span<UInt8>) {
        report.field(name, text: Text(integer: contents))
    }

    @inline(never)
    mutating func field(_ name: StaticString, digest: DigestAlgorithm, of bytes: Span<UInt8>) {
        report.field(name, hex: Hash.digest(digest, of: bytes).bytes)
    }

    /// Describes an AlgorithmIdentifier by its name.
    @inline(never)
    mutating func field(_ name: StaticString, algorithm reader: inout DERReader) throws(DERError) {
        var content = try reader.enter()
        report.field(name, text: Text(identifier: try content.read(.objectIdentifier).contents))
    }

    /// Describes a Time, also one that RFC 5280 does not allow.
    @inline(never)
    mutating func field(_ name: StaticString, time reader: inout DERReader) throws(DERError) {
        var again = reader
        let element = try reader.read()
        if let time = try? readTime(&again) {
            report.field(name, time: time)
        } else {
            report.field(name, bytes: element.contents)
        }
    }

    /// Describes an IssuerAndSerialNumber (RFC 5652, 10.2.4).
    mutating func describe(issuerAndSerialNumber reader: inout DERReader) throws(DERError) {
        var content = try reader.enter()
        field("issuer", nameOf: try content.read(.sequence).encoding)
        field("serialNumber", integer: try content.read(.integer).contents)
    }

    /// Describes the messageData of a CertPoll (RFC 8894, 3.3.3).
    mutating func describe(issuerAndSubject der: [UInt8]) throws(DERError) {
        report.field("kind", "IssuerAndSubject")
        var reader = DERReader(der.span)
        var content = try reader.enter()
        field("issuer", nameOf: try content.read(.sequence).encoding)
        field("subject", nameOf: try content.read(.sequence).encoding)
        try content.finish()
    }

    /// Describes a SubjectPublicKeyInfo of any algorithm (RFC 5280, 4.1.2.7).
    mutating func describe(publicKey reader: inout DERReader) throws(DERError) {
        var again = reader
        let whole = try reader.read(.sequence)
        var content = whole.reader
        var algorithm = try content.enter()
        let identifier = try algorithm.read(.objectIdentifier)
        let key = try content.read(.bitString)
        report.field("algorithm", text: Text(identifier: identifier.contents))
        if let parsed = try? SubjectPublicKeyInfo(&again) {
            report.field("bits", number: parsed.bits)
            if parsed.kind == .rsa { field("exponent", integer: parsed.exponent) }
        } else {
            report.field("bytes", number: max(key.content.count - 1, 0))
        }
        if let curve = try algorithm.readIfPresent(.objectIdentifier) {
            report.field("curve", text: Text(identifier: curve.contents))
        }
        // What pins of keys are made of (RFC 7469, 2.4).
        field("sha256", digest: .sha256, of: whole.encoding)
    }
}

extension SubjectPublicKeyInfo {
    /// Of the modulus, or of the curve.
    var bits: Int {
        switch kind {
        case .rsa: key.count == 0 ? 0 : key.count * 8 - key[0].leadingZeroBitCount
        case .ellipticCurve(let curve): curve.fieldSize * 8
        case .other(.p521): 521
        case .other(.ed25519): 255
        case .other: key.count * 8
        }
    }
}
