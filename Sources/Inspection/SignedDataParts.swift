import Bytes
import CMS
import DER
import DeviceCrypto
import Output
import PKIX

/// A SignedData (RFC 5652, 5.1) of any content type and number of signers, as ranges of the DER that it was read from.
struct SignedDataParts {
    let version: Int
    let digestAlgorithms: Text
    let contentType: Text
    /// The content's octets; nil when it is absent.
    let content: Range<Int>?
    let certificates: [Range<Int>]
    let crls: [Range<Int>]
    let signers: [Range<Int>]

    init(_ der: Span<UInt8>) throws(DERError) {
        var outer = DERReader(der)
        var info = try outer.enter()
        _ = try info.read(.objectIdentifier)
        var wrapped = try info.enter(.contextConstructed(0))
        var signedData = try wrapped.enter()
        version = try signedData.read(.integer).smallInteger(atMost: 255)
        var digests = try signedData.enter(.set)
        var names = Text()
        while !digests.isAtEnd {
            var algorithm = try digests.enter()
            names.separate(since: 0)
            names.append(identifier: try algorithm.read(.objectIdentifier).contents)
        }
        digestAlgorithms = names
        var contentInfo = try signedData.enter()
        contentType = Text(identifier: try contentInfo.read(.objectIdentifier).contents)
        if let explicit = try contentInfo.readIfPresent(.contextConstructed(0)) {
            var inner = explicit.reader
            content = try inner.read().content
        } else {
            content = nil
        }
        certificates = try Self.elements(of: try signedData.readIfPresent(.contextConstructed(0)))
        crls = try Self.elements(of: try signedData.readIfPresent(.contextConstructed(1)))
        signers = try Self.elements(of: try signedData.read(.set))
    }

    @inline(never)
    private static func elements(of set: DERElement?) throws(DERError) -> [Range<Int>] {
        guard let set else { return [] }
        var ranges: [Range<Int>] = []
        var list = set.reader
        while !list.isAtEnd { ranges.append(try list.read().range) }
        return ranges
    }
}

/// An attribute (RFC 5652, 5.3).
struct SignedAttribute {
    let name: Text
    let dotted: Text
    /// Its values, one after the other.
    let values: Range<Int>
    let count: Int
    /// The first value's tag and content.
    let tag: Tag
    let content: Range<Int>
}

/// A SignerInfo (RFC 5652, 5.3), likewise.
struct SignerInfoParts {
    /// The issuer's Name and the content of the serial number; empty when the signer is named by its key.
    let issuer: Range<Int>
    let serialNumber: Range<Int>
    /// The subject key identifier; empty when the signer is named by its issuer.
    let keyIdentifier: Range<Int>
    let digestAlgorithm: Text
    let signatureAlgorithm: Text
    /// Nil for an algorithm that is not known here.
    let signature: Signature?
    let value: Range<Int>
    /// With their `[0]` header; nil when there are none.
    let attributesRange: Range<Int>?
    let attributes: [SignedAttribute]
    let unsignedAttributes: [SignedAttribute]

    init(_ der: Span<UInt8>, in range: Range<Int>) throws(DERError) {
        var outer = DERReader(der, in: range)
        var content = try outer.enter()
        _ = try content.read(.integer)
        if let names = try content.readIfPresent(.sequence) {
            var reader = names.reader
            issuer = try reader.read(.sequence).range
            serialNumber = try reader.read(.integer).content
            keyIdentifier = 0..<0
        } else {
            keyIdentifier = try content.read(.context(0)).content
            issuer = 0..<0
            serialNumber = 0..<0
        }
        var again = content
        let digest = try? DigestAlgorithm(&again)
        var digestContent = try content.enter()
        digestAlgorithm = Text(identifier: try digestContent.read(.objectIdentifier).contents)
        let signed = try content.readIfPresent(.contextConstructed(0))
        attributesRange = signed?.range
        attributes = try Self.attributes(of: signed)
        again = content
        var signatureContent = try content.enter()
        let identifier = try signatureContent.read(.objectIdentifier)
        signatureAlgorithm = Text(identifier: identifier.contents)
        // A key's algorithm alone, or one together with a digest (RFC 3370, 3.2).
        if identifier.isIdentifier(.rsaEncryption), let digest {
            signature = Signature(digest: digest, scheme: .rsa)
        } else if let known = try? SignatureAlgorithm(&again) {
            signature = Signature(digest: known.digest, scheme: known.scheme)
        } else {
            signature = nil
        }
        value = try content.read(.octetString).content
        unsignedAttributes = try Self.attributes(of: try content.readIfPresent(.contextConstructed(1)))
    }

    @inline(never)
    private static func attributes(of set: DERElement?) throws(DERError) -> [SignedAttribute] {
        guard let set else { return [] }
        var attributes: [SignedAttribute] = []
        var list = set.reader
        while !list.isAtEnd {
            var attribute = try list.enter()
            let type = try attribute.read(.objectIdentifier)
            let values = try attribute.read(.set)
            var reader = values.reader
            var count = 0
            var (tag, content) = (Tag.null, 0..<0)
            while !reader.isAtEnd {
                let value = try reader.read()
                if count == 0 { (tag, content) = (value.tag, value.content) }
                count += 1
            }
            attributes.append(
                SignedAttribute(
                    name: Text(identifier: type.contents), dotted: Text(dotted: type.contents),
                    values: values.content, count: count, tag: tag, content: content))
        }
        return attributes
    }

    @inline(never)
    func attribute(_ name: StaticString) -> SignedAttribute? {
        for attribute in attributes where attribute.name.equals(name) { return attribute }
        return nil
    }

    @inline(never)
    func count(of name: StaticString) -> Int {
        var count = 0
        for attribute in attributes where attribute.name.equals(name) { count += 1 }
        return count
    }

    /// The number that an attribute's text of decimal digits is.
    @inline(never)
    func number(_ name: StaticString, _ der: [UInt8]) -> Int? {
        guard let attribute = attribute(name), 1...3 ~= attribute.content.count else { return nil }
        var value = 0
        for index in attribute.content {
            let digit = der[index] &- UInt8(ascii: "0")
            guard digit <= 9 else { return nil }
            value = value * 10 + Int(digit)
        }
        return value
    }

    /// What the signature is over: the attributes as a SET OF, or the content's octets if there are none (RFC 5652, 5.4).
    @inline(never)
    func digest(_ algorithm: DigestAlgorithm, _ der: [UInt8], content: Range<Int>?) -> Digest {
        guard let attributesRange else {
            return Hash.digest(algorithm, of: der.span.extracting(content ?? 0..<0))
        }
        var hash = Hash(algorithm)
        let tag: InlineArray<1, UInt8> = [Tag.set.rawValue]
        hash.update(tag.span)
        hash.update(der.span.extracting((attributesRange.lowerBound + 1)..<attributesRange.upperBound))
        return hash.finish()
    }

    /// Whether `certificate` is the one that this names.
    @inline(never)
    func names(_ certificate: [UInt8], _ der: [UInt8]) -> Bool {
        guard !issuer.isEmpty else {
            let identifier = der.part(keyIdentifier)
            // SubjectKeyIdentifier: an OCTET STRING in the extension's.
            return !identifier.isEmpty && hasKeyIdentifier(certificate, identifier)
        }
        guard let parsed = try? Certificate(certificate.span) else { return false }
        return areNamesEqual(parsed.issuer, der.span.extracting(issuer))
            && areEqual(parsed.serialNumber, der.span.extracting(serialNumber))
    }

    private func hasKeyIdentifier(_ certificate: [UInt8], _ identifier: [UInt8]) -> Bool {
        guard identifier.count < 120 else { return false }
        let count = UInt8(identifier.count)
        let element: [UInt8] = [0x55, 0x1D, 0x0E, 0x04, count + 2, 0x04, count] + identifier
        var position = 0
        while position + element.count <= certificate.count {
            var length = 0
            while length < element.count, certificate[position + length] == element[length] { length += 1 }
            if length == element.count { return true }
            position += 1
        }
        return false
    }
}
