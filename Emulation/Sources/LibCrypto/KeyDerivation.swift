import COpenSSL

/// The parameters of PBKDF2 (RFC 8018, appendix A.2).
public struct KeyDerivation: Sendable, Equatable {
    public let iterations: Int
    /// Bytes of salt.
    public let saltLength: Int
    /// Of HMAC; nil when it is none that this module knows.
    public let digest: Digest?
    /// Bytes of the key, when they are told.
    public let keyLength: Int?

    /// PBKDF2's identifier, and the tag of the sequence after it.
    private static let mark: [UInt8] = [0x06, 0x09, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x05, 0x0c, 0x30]

    /// Those that come first in the encoding of a message: OpenSSL keeps them to itself.
    init?(firstIn message: [UInt8]) {
        let last = message.count - Self.mark.count
        guard last >= 0,
            let place = (0...last).first(where: { message[$0..<$0 + Self.mark.count].elementsEqual(Self.mark) })
        else { return nil }
        let found = message[(place + Self.mark.count - 1)...].withUnsafeBufferPointer { buffer in
            var cursor = buffer.baseAddress
            return d2i_PBKDF2PARAM(nil, &cursor, buffer.count)
        }
        guard let found else {
            ERR_clear_error()
            return nil
        }
        defer { PBKDF2PARAM_free(found) }
        iterations = ASN1_INTEGER_get(found.pointee.iter)
        saltLength = COpenSSL_string(found.pointee.salt).map { Int(ASN1_STRING_length($0)) } ?? 0
        keyLength = found.pointee.keylength.map { ASN1_INTEGER_get($0) }
        let function = found.pointee.prf.map { OBJ_obj2nid($0.pointee.algorithm) } ?? NID_hmacWithSHA1
        digest =
            [
                NID_hmacWithSHA1: .sha1, NID_hmacWithSHA256: .sha256, NID_hmacWithSHA384: .sha384,
                NID_hmacWithSHA512: .sha512,
            ][function]
    }
}
