import DER

extension DERWriter {
    /// Writes the messageData of GetCert or GetCRL (RFC 8894, 3.3.4): an IssuerAndSerialNumber.
    ///
    /// - Parameters:
    ///   - issuer: of the certificate, a Name in DER.
    ///   - serialNumber: the content of its INTEGER.
    public mutating func writeIssuerAndSerialNumber(issuer: Span<UInt8>, serialNumber: Span<UInt8>) throws(DERError) {
        let end = front
        try write(.integer, serialNumber)
        try write(bytes: issuer)
        try wrap(.sequence, from: end)
    }
}
