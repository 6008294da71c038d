import Bytes
import DER
import DeviceCrypto
import Output
import PKIX

/// What the store keeps of a key that a token has:
///
/// | bytes | what |
/// |---|---|
/// | 1 | 10, for a token |
/// | 1 | 01 for RSA, 02 for P-256, 03 for P-384 |
/// | 4 | RSA: the public exponent, big-endian; EC: 0 |
/// | 1 | bytes of CKA_ID |
/// | … | CKA_ID |
/// | 1 | bytes of CKA_LABEL |
/// | … | CKA_LABEL |
/// | 2 | bytes of the public key, big-endian |
/// | … | RSA: the modulus; EC: the point 04 \|\| X \|\| Y |
/// | 8 | the first bytes of the SHA-256 of all of the above |
struct TokenReference {
    static var kind: UInt8 { 0x10 }
    private static var checkSize: Int { 8 }

    /// CKA_ID; empty for a key that has none, which is found by its label.
    var identifier: [UInt8]
    var label: [UInt8]
    var algorithm: KeyAlgorithm
    var publicExponent: UInt32
    /// Modulus or point.
    var publicKey: [UInt8]

    init(
        identifier: [UInt8], label: [UInt8], algorithm: KeyAlgorithm, publicExponent: UInt32, publicKey: [UInt8]
    ) {
        self.identifier = identifier
        self.label = label
        self.algorithm = algorithm
        self.publicExponent = publicExponent
        self.publicKey = publicKey
    }

    /// - Returns: nil unless `bytes` is exactly what ``bytes`` was.
    init?(_ bytes: Span<UInt8>) {
        let end = bytes.count &- Self.checkSize
        guard end >= 8, bytes[0] == Self.kind else { return nil }
        let digest = Hash.digest(.sha256, of: bytes.extracting(first: end))
        guard areEqual(digest.bytes.extracting(first: Self.checkSize), bytes.extracting(end..<bytes.count)) else {
            return nil
        }
        var exponent: UInt32 = 0
        for index in 2..<6 { exponent = exponent &<< 8 | UInt32(bytes[index]) }
        publicExponent = exponent
        var position = 6
        guard let identifier = Self.field(bytes, &position, end, lengthSize: 1),
            let label = Self.field(bytes, &position, end, lengthSize: 1),
            let publicKey = Self.field(bytes, &position, end, lengthSize: 2), position == end
        else { return nil }
        self.identifier = [UInt8](bytes.extracting(identifier))
        self.label = [UInt8](bytes.extracting(label))
        self.publicKey = [UInt8](bytes.extracting(publicKey))
        switch (bytes[1], publicKey.count) {
        case (1, 256...512): algorithm = .rsa(bits: publicKey.count &* 8)
        case (2, 65): algorithm = .p256
        case (3, 97): algorithm = .p384
        default: return nil
        }
    }

    private static func field(
        _ bytes: Span<UInt8>, _ position: inout Int, _ end: Int, lengthSize: Int
    ) -> Range<Int>? {
        guard end &- position >= lengthSize else { return nil }
        var count = 0
        for _ in 0..<lengthSize {
            count = count &<< 8 | Int(bytes[position])
            position &+= 1
        }
        guard count <= end &- position else { return nil }
        defer { position &+= count }
        return position..<(position &+ count)
    }

    var bytes: [UInt8] {
        var bytes = [Self.kind]
        switch algorithm {
        case .rsa: bytes.append(1)
        case .p256: bytes.append(2)
        case .p384: bytes.append(3)
        }
        for index in 0..<4 { bytes.append(UInt8(truncatingIfNeeded: publicExponent &>> UInt32(24 &- 8 &* index))) }
        bytes.append(UInt8(truncatingIfNeeded: identifier.count))
        bytes.append(identifier.span)
        bytes.append(UInt8(truncatingIfNeeded: label.count))
        bytes.append(label.span)
        bytes.append(UInt8(truncatingIfNeeded: publicKey.count &>> 8))
        bytes.append(UInt8(truncatingIfNeeded: publicKey.count))
        bytes.append(publicKey.span)
        let digest = Hash.digest(.sha256, of: bytes.span)
        bytes.append(digest.bytes.extracting(first: Self.checkSize))
        return bytes
    }

    /// A PKCS #11 URI (RFC 7512, 2.3) by which other programs find the key, without a PIN.
    ///
    /// - Parameter token: the token's label.
    func uri(token: [UInt8]) -> [UInt8] {
        var text: [UInt8] = []
        text.append("pkcs11:token=")
        text.append(percentEncoded: token)
        if !label.isEmpty {
            text.append(";object=")
            text.append(percentEncoded: label)
        }
        if !identifier.isEmpty {
            text.append(";id=")
            for byte in identifier { text.append(percentEncoded: byte) }
        }
        text.append(";type=private")
        return text
    }
}

extension [UInt8] {
    /// Appends a value; all but the unreserved characters of RFC 3986, 2.3 is encoded.
    fileprivate mutating func append(percentEncoded value: [UInt8]) {
        for byte in value {
            switch byte {
            case UInt8(ascii: "A")...UInt8(ascii: "Z"), UInt8(ascii: "a")...UInt8(ascii: "z"),
                UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "."), UInt8(ascii: "_"),
                UInt8(ascii: "~"):
                append(byte)
            default: append(percentEncoded: byte)
            }
        }
    }

    fileprivate mutating func append(percentEncoded byte: UInt8) {
        append(UInt8(ascii: "%"))
        append(hex: byte)
    }
}
