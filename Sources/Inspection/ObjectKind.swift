import CMS
import DER

/// What a structure is, told by its form: every type of this field differs from the others in its first elements.
enum ObjectKind {
    case signedData, envelopedData, otherContentInfo
    case certificate, certificationRequest, revocationList
    case privateKey, encryptedPrivateKey, publicKey
    case issuerAndSubject, issuerAndSerialNumber
    case unknown

    /// - Parameter der: one element.
    @inline(never)
    init(_ der: Span<UInt8>) {
        self = (try? Self.recognise(der)) ?? .unknown
    }

    private static func recognise(_ der: Span<UInt8>) throws(DERError) -> ObjectKind {
        var outer = DERReader(der)
        var content = try outer.enter()
        switch content.nextTag {
        case Tag.objectIdentifier:
            let type = try content.read()
            if type.isIdentifier(.signedData) { return .signedData }
            return type.isIdentifier(.envelopedData) ? .envelopedData : .otherContentInfo
        case Tag.integer: return try startingWithInteger(&content)
        case Tag.sequence: break
        default: return .unknown
        }
        let first = try content.read()
        switch content.nextTag {
        case Tag.integer: return .issuerAndSerialNumber
        case Tag.octetString: return .encryptedPrivateKey
        case Tag.bitString: return .publicKey
        case Tag.sequence: break
        default: return .unknown
        }
        _ = try content.read()
        if content.isAtEnd { return .issuerAndSubject }
        guard content.nextTag == .bitString else { return .unknown }
        return try signed(first)
    }

    /// PKCS #8 and 1, and SEC 1 have their version in front.
    private static func startingWithInteger(_ content: inout DERReader) throws(DERError) -> ObjectKind {
        _ = try content.read()
        let next = content.nextTag
        guard next == .sequence else { return next == .integer || next == .octetString ? .privateKey : .unknown }
        _ = try content.read()
        return content.nextTag == .octetString ? .privateKey : .unknown
    }

    /// What is signed in certificates, requests and CRLs (RFC 5280, 4.1 and 5.1; RFC 2986, 4.1).
    private static func signed(_ element: borrowing DERElement) throws(DERError) -> ObjectKind {
        var content = element.reader
        if content.nextTag == .contextConstructed(0) { return .certificate }
        _ = try content.readIfPresent(.integer)
        let second = try content.read(.sequence)
        guard second.reader.nextTag == .objectIdentifier else { return .certificationRequest }
        _ = try content.read(.sequence)
        return content.nextTag == .sequence ? .certificate : .revocationList
    }
}
