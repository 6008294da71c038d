import CMbedTLS

/// EC public keys whose points lie elsewhere, such as in a certificate.
public enum ECPublicKey {
    /// Verifies ECDSA (FIPS 186-4, 6.4). A digest longer than the order of the curve is cut as the standard says.
    ///
    /// - Parameters:
    ///   - point: uncompressed, 04 || X || Y; it is checked to lie on the curve.
    ///   - signature: an Ecdsa-Sig-Value in DER.
    /// - Throws: `.invalidKey` for the point; `.invalidSignature`; `.outOfMemory`; `.unsupported` on a board that is
    ///   built without elliptic curves.
    @inline(never)
    public static func verify(
        curve: Curve, point: Span<UInt8>, digest: Digest, signature: Span<UInt8>
    ) throws(CryptoError) {
        guard Curve.isSupported else { throw .unsupported }
        guard point.count == curve.pointSize, point[0] == 4 else { throw .invalidKey }
        guard let (r, s) = ECSignature.read(signature, fieldSize: curve.fieldSize) else { throw .invalidSignature }
        let status = unsafe point.withUnsafeBufferPointer { point in
            unsafe digest.bytes.withUnsafeBufferPointer { digest in
                unsafe signature.extracting(r).withUnsafeBufferPointer { r in
                    unsafe signature.extracting(s).withUnsafeBufferPointer { s in
                        unsafe cmbedtls_ec_verify(
                            curve.fieldSize, point.baseAddress, digest.count, digest.baseAddress, r.baseAddress,
                            r.count, s.baseAddress, s.count)
                    }
                }
            }
        }
        guard status == 0 else {
            throw CryptoError(
                status: status, expected: status == MBEDTLS_ERR_ECP_INVALID_KEY ? .invalidKey : .invalidSignature)
        }
    }
}
