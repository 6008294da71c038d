import PKIX
import SCEP
import TestSupport

/// What is remembered of these certificates under these fingerprints.
func anchor(_ certificates: [UInt8], _ fingerprints: String) -> Anchor {
    let text = Array(fingerprints.utf8)
    guard let fingerprints = Fingerprints(text.span) else { return Anchor() }
    return Anchor(CACertificates(certificates.span), fingerprints)
}

/// What is remembered of a certificate of which the fingerprint is known alone.
func anchor(firstOf fingerprints: String) -> Anchor {
    let text = Array(fingerprints.utf8)
    guard let fingerprints = Fingerprints(text.span) else { return Anchor() }
    return Anchor(firstOf: fingerprints)
}

/// Whether one of these fingerprints is that of the certificate which is remembered.
func isNamed(_ anchor: Anchor, by fingerprints: String) -> Bool {
    let text = Array(fingerprints.utf8)
    return Fingerprints(text.span)?.contains(anchor) ?? false
}
