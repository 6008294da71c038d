import DER
import DeviceCrypto
import Output
import PKIX

extension Inspection {
    /// Describes a certification request (RFC 2986, 4).
    mutating func describe(certificationRequest der: [UInt8]) throws(DERError) {
        report.field("kind", "certification request")
        let parts = try SignedParts(der.span)
        var reader = DERReader(der.span)
        var outer = try reader.enter()
        var info = try outer.enter()
        report.field("version", number: try info.read(.integer).smallInteger(atMost: 255) + 1)
        field("subject", nameOf: try info.read(.sequence).encoding)
        var key = info
        report.beginObject("publicKey")
        try describe(publicKey: &info)
        report.endObject()
        report.field("signatureAlgorithm", text: parts.algorithm)
        if let attributes = try info.readIfPresent(.contextConstructed(0)) {
            try describe(requestAttributes: attributes)
        } else {
            check("attributes", .fail, "there are no attributes, not even an empty set (RFC 2986, 4.1)")
        }
        check(parts, "signatureAlgorithm")
        guard let publicKey = try? SubjectPublicKeyInfo(&key) else {
            return check("proofOfPossession", .unknown, "the key's algorithm is not known here")
        }
        switch parts.isSigned(der.span, by: publicKey) {
        case true?: check("proofOfPossession", .pass, "the key that is to be certified has signed the request")
        case false?: check("proofOfPossession", .fail, "the key that is to be certified has not signed the request")
        case nil: check("proofOfPossession", .unknown, "the signature algorithm is not known here")
        }
    }

    private mutating func describe(requestAttributes attributes: borrowing DERElement) throws(DERError) {
        var hasPassword = false
        var list = attributes.reader
        report.beginList("attributes")
        while !list.isAtEnd {
            var attribute = try list.enter()
            let type = try attribute.read(.objectIdentifier)
            var values = try attribute.enter(.set)
            report.beginItem()
            report.field("attribute", text: Text(identifier: type.contents))
            if type.isIdentifier(.extensionRequest) || Text(dotted: type.contents).equals("1.3.6.1.4.1.311.2.1.14") {
                try describe(extensions: &values)
            } else if type.isIdentifier(.challengePassword) {
                hasPassword = true
                let value = try values.read()
                // A secret, of which the length says enough to see whether it was set.
                report.field("bytes", number: value.content.count)
                if options.showsChallenge {
                    var text = Text()
                    text.append(valueOf: value)
                    report.field("value", text: text)
                }
            } else {
                report.field("id", text: Text(dotted: type.contents))
                var text = Text()
                while !values.isAtEnd {
                    text.separate(since: 0)
                    text.append(valueOf: try values.read())
                }
                report.field("value", text: text)
            }
            report.endItem()
        }
        report.endList()
        check(
            "challengePassword", .pass,
            hasPassword ? "there is one" : "there is none: the CA has to know by other means whom it certifies")
    }
}
