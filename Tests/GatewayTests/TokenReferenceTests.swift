import DeviceCrypto
import TestSupport
import Testing

@testable import Gateway
@testable import Output

/// What the store keeps of a token's key, written by hand in the form that its description has.
@Suite struct TokenReferenceTests {
    private func field(_ bytes: [UInt8], size: Int = 1) -> [UInt8] {
        (size == 2 ? [UInt8(bytes.count >> 8)] : []) + [UInt8(bytes.count & 0xFF)] + bytes
    }

    private func closed(_ bytes: [UInt8]) throws -> [UInt8] {
        bytes + (try OpenSSL.run(["dgst", "-sha256", "-binary"], input: bytes)).prefix(8)
    }

    private func reference(
        _ kind: UInt8, exponent: [UInt8] = [0, 0, 0, 0], identifier: [UInt8] = [0x0A], label: [UInt8] = [0x62],
        key count: Int
    ) throws -> [UInt8] {
        try closed(
            [0x10, kind] + exponent + field(identifier) + field(label)
                + field([UInt8](repeating: 4, count: count), size: 2))
    }

    private func read(_ bytes: [UInt8]) -> TokenReference? { TokenReference(bytes.span) }

    @Test(
        arguments: [
            (1, [0, 1, 0, 1], 256, .rsa(bits: 2048)), (1, [0, 0, 0, 3], 512, .rsa(bits: 4096)),
            (1, [0x81, 2, 3, 4], 384, .rsa(bits: 3072)), (2, [0, 0, 0, 0], 65, .p256), (3, [0, 0, 0, 0], 97, .p384),
        ] as [(UInt8, [UInt8], Int, KeyAlgorithm)])
    func itIsReadAsItWasWritten(kind: UInt8, exponent: [UInt8], count: Int, algorithm: KeyAlgorithm) throws {
        for (identifier, label) in [([], [0x61]), ([1, 2], []), ([UInt8](repeating: 7, count: 255), [0x61, 0x62])]
            as [([UInt8], [UInt8])]
        {
            let bytes = try reference(kind, exponent: exponent, identifier: identifier, label: label, key: count)
            let found = try #require(read(bytes))
            #expect(found.identifier == identifier && found.label == label && found.algorithm == algorithm)
            #expect(found.publicKey == [UInt8](repeating: 4, count: count))
            #expect(found.publicExponent == exponent.reduce(0) { $0 << 8 | UInt32($1) })
            #expect(found.bytes == bytes)
        }
    }

    /// One defect a row; the digest is right in all of them.
    @Test func whatIsNoReferenceIsNotTaken() throws {
        for (kind, count) in [(1, 255), (1, 513), (1, 65), (2, 64), (2, 97), (3, 65), (3, 256), (0, 65), (4, 65)] {
            #expect(try read(reference(UInt8(kind), key: count)) == nil, "\(kind) \(count)")
        }
        let good = Array(try reference(2, key: 65).dropLast(8))
        #expect(try read(closed(good)) != nil)
        #expect(try read(closed([0x11] + good.dropFirst())) == nil)
        #expect(try read(closed(good + [0])) == nil)
        for count in 0..<good.count { #expect(try read(closed(Array(good.prefix(count)))) == nil) }
        // Lengths that lead beyond the end.
        for place in [6, 8, 10, 11] {
            var bytes = good
            bytes[place] += 1
            #expect(try read(closed(bytes)) == nil, "\(place)")
        }
        for place in good.indices {
            var bytes = try closed(good)
            bytes[place] ^= 1
            #expect(read(bytes) == nil)
        }
        for place in 1...8 {
            var bytes = try closed(good)
            bytes[bytes.count - place] ^= 1
            #expect(read(bytes) == nil)
        }
    }

    /// RFC 7512, 2.3: all but the unreserved characters of RFC 3986 is encoded.
    @Test(
        arguments: [
            ("my token", "keys", [0x00, 0xAF], "pkcs11:token=my%20token;object=keys;id=%00%af;type=private"),
            ("AZaz09-._~", "", [0x41], "pkcs11:token=AZaz09-._~;id=%41;type=private"),
            ("@[`{/:;=", "é", [], "pkcs11:token=%40%5b%60%7b%2f%3a%3b%3d;object=%c3%a9;type=private"),
        ] as [(String, String, [UInt8], String)])
    func theURINamesTheKey(token: String, label: String, identifier: [UInt8], uri: String) {
        let reference = TokenReference(
            identifier: identifier, label: Array(label.utf8), algorithm: .p256, publicExponent: 0, publicKey: [])
        #expect(String(decoding: reference.uri(token: Array(token.utf8)), as: UTF8.self) == uri)
    }
}
