import DeviceCrypto
import Output
import PKIX

extension Report {
    /// Adds what a person wants to know of a certificate.
    mutating func certificate(_ certificate: borrowing Certificate) {
        field("subject", text: Text(name: certificate.subject))
        field("issuer", text: Text(name: certificate.issuer))
        field("serialNumber", hex: certificate.shownSerialNumber)
        field("notBefore", time: certificate.notBefore)
        field("notAfter", time: certificate.notAfter)
        let key = certificate.subjectPublicKeyInfo
        switch key.kind {
        case .rsa:
            var words = Text("RSA-")
            words.append(decimal: 8 * key.key.count)
            field("key", text: words)
        case .ellipticCurve(.p256): field("key", "P-256")
        case .ellipticCurve(.p384): field("key", "P-384")
        case .other(.p521): field("key", "P-521")
        case .other(.ed25519): field("key", "Ed25519")
        case .other: field("key", "unknown")
        }
        field("sha256", hex: Hash.digest(.sha256, of: certificate.encoding).bytes)
    }

    /// Adds certificates that stand one after the other, as a list.
    ///
    /// - Parameter role: what else to say of each.
    mutating func certificates(
        _ name: StaticString, _ certificates: [[UInt8]],
        _ role: (borrowing Certificate, inout Report) -> Void = { _, _ in }
    ) {
        beginList(name)
        for bytes in certificates {
            beginItem()
            if let parsed = try? Certificate(bytes.span) {
                role(parsed, &self)
                certificate(parsed)
            } else {
                field("unreadable", hex: bytes.span)
            }
            endItem()
        }
        endList()
    }
}
