import DER

extension PEM {
    /// A structure as a text of its own.
    package static func encode(_ label: StaticString, _ der: Span<UInt8>) -> Text {
        var text = Text()
        write(label, der, to: &text)
        return text
    }

    /// - Parameter certificates: in DER, one after the other.
    package static func encode(certificates: [UInt8]) -> Text { encode(certificates: splitCertificates(certificates)) }

    /// - Parameter certificates: in DER.
    package static func encode(certificates: [[UInt8]]) -> Text {
        var text = Text()
        for certificate in certificates { text.append(encode("CERTIFICATE", certificate.span)) }
        return text
    }
}

/// Certificates in DER that stand one after the other.
package func splitCertificates(_ certificates: [UInt8]) -> [[UInt8]] {
    var all: [[UInt8]] = []
    var reader = DERReader(certificates.span)
    while !reader.isAtEnd, let element = try? reader.read() {
        all.append([UInt8](element.encoding))
    }
    return all
}
