import CMbedTLS

/// What mbedTLS was configured with.
public enum TLSSupport {
    /// Whether it has a TLS client. A constant: an image without TLS does not hold the words for its errors.
    public static var isAvailable: Bool { CMBEDTLS_HAS_TLS != 0 }
}
