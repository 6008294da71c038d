import TestSupport

/// Private keys in the compact form of a device's store, made from what `openssl` made.
public enum CompactKey {
    /// - Parameters:
    ///   - key: RSAPrivateKey (RFC 8017) or ECPrivateKey (RFC 5915), DER.
    ///   - checksum: gives SHA-256.
    public static func make(from key: [UInt8], checksum: ([UInt8]) throws -> [UInt8]) rethrows -> [UInt8] {
        let numbers = elements(in: elements(in: key)[0].content)
        var compact: [UInt8]
        if numbers[1].tag == 4 {
            let scalar = numbers[1].content
            // BIT STRING, no unused bits, uncompressed point.
            let point = elements(in: numbers[3].content)[0].content.dropFirst(2)
            compact = [2, scalar.count == 32 ? 1 : 2] + scalar + point
        } else {
            func number(_ index: Int, _ count: Int) -> [UInt8] {
                let digits = numbers[index].content.drop { $0 == 0 }
                return [UInt8](repeating: 0, count: count - digits.count) + digits
            }
            let half = numbers[1].content.drop { $0 == 0 }.count / 2
            compact = [1, UInt8(half >> 4), UInt8(half << 4 & 0xFF)]
            compact += number(2, 4) + number(4, half) + number(5, half)
        }
        return compact + (try checksum(compact)).prefix(8)
    }
}
