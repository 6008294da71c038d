import Bytes
import DeviceCrypto

extension CipherAlgorithm {
    /// Decrypts padded content (RFC 5652, 6.3) where it stands.
    ///
    /// - Parameters:
    ///   - range: of the ciphertext in `bytes`.
    ///   - iv: of the initialization vector in `bytes`.
    /// - Returns: where the content stands, without its padding.
    /// - Throws: `.decryptionFailed` for a size or padding that cannot be.
    @inline(__always)
    func decryptContent(
        _ bytes: inout MutableSpan<UInt8>, in range: Range<Int>, key: Span<UInt8>, iv: Range<Int>
    ) throws(CryptoError) -> Range<Int> {
        guard range.count > 0, range.count % blockSize == 0 else { throw .decryptionFailed }
        var vector = InlineArray<16, UInt8>(repeating: 0)
        for index in 0..<iv.count { vector[index] = bytes[iv.lowerBound &+ index] }
        do {
            var content = bytes._mutatingExtracting(range)
            try CBC.decrypt(self, key: key, iv: vector.span.extracting(first: blockSize), &content)
        }
        let padding = Int(bytes[range.upperBound &- 1])
        guard padding >= 1, padding <= blockSize else { throw .decryptionFailed }
        var difference: UInt8 = 0
        for index in (range.upperBound &- padding)..<range.upperBound {
            difference |= bytes[index] ^ UInt8(truncatingIfNeeded: padding)
        }
        guard difference == 0 else { throw .decryptionFailed }
        return range.lowerBound..<(range.upperBound &- padding)
    }
}
