import CMbedTLSSSL
import DeviceCrypto
import PKIX

/// By what a server is known to be the right one: a CA that issued its certificate for its host, or the certificate's
/// own fingerprint, or both.
///
/// With neither, no server is trusted.
@safe public struct ServerTrust: ~Copyable {
    /// More pins are not taken.
    public static var pinLimit: Int { 8 }

    private(set) var anchors: OpaquePointer?
    private var pins = InlineArray<8, Digest?>(repeating: nil)
    private(set) var pinCount = 0

    public init() {}

    /// Trusts CAs. The certificates are taken into mbedTLS's memory, where ``free()`` takes them from.
    ///
    /// - Parameter certificates: in PEM, with any text between them, where mbedTLS was built to read it; or one in DER
    ///   or in base64. What of a bundle mbedTLS cannot read is passed over.
    /// - Throws: `.invalidKey` if there is no certificate that can be read; `.outOfMemory`.
    public mutating func add(certificates: Span<UInt8>) throws(CryptoError) {
        let count = unsafe certificates.withUnsafeBufferPointer { bytes in
            unsafe cmbedtls_certificates_add(&anchors, bytes.baseAddress, bytes.count)
        }
        guard count > 0 else { throw isOutOfMemory(count) ? .outOfMemory : .invalidKey }
    }

    /// Trusts the server's certificate by its digest. Where CAs are trusted too, both have to hold; with pins alone,
    /// neither the issuer nor the host is looked at.
    ///
    /// - Parameter fingerprints: SHA-256 or SHA-512, as ``PKIX/Fingerprints`` reads them.
    /// - Throws: `.invalidLength` unless it is 1 to ``pinLimit`` of them.
    public mutating func add(pins fingerprints: Span<UInt8>) throws(CryptoError) {
        guard let list = Fingerprints(fingerprints) else { throw .invalidLength }
        var position = 0
        while let digest = list.next(&position) {
            guard pinCount < Self.pinLimit else { throw .invalidLength }
            pins[pinCount] = digest
            pinCount &+= 1
        }
    }

    /// Gives the certificates' memory back.
    public mutating func free() {
        unsafe cmbedtls_certificates_free(anchors)
        unsafe anchors = nil
    }

    func hasPin(_ digest: Digest?) -> Bool {
        guard let digest else { return false }
        for index in 0..<pinCount { if let pin = pins[index], pin == digest { return true } }
        return false
    }
}

func isOutOfMemory(_ status: Int32) -> Bool {
    status == MBEDTLS_ERR_SSL_ALLOC_FAILED || status == MBEDTLS_ERR_X509_ALLOC_FAILED
        || -status & 0x7F == -MBEDTLS_ERR_MPI_ALLOC_FAILED
}
