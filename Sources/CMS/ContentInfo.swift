import DER
import PKIX

extension DERError.Kind {
    /// Another content type than the one that is due here.
    public static var unexpectedContentType: DERError.Kind { DERError.Kind(rawValue: 48) }
    /// An EnvelopedData that has not the one recipient that is due.
    public static var notOneRecipient: DERError.Kind { DERError.Kind(rawValue: 49) }
    /// A SignedData that has not the one signature that is due.
    public static var notOneSigner: DERError.Kind { DERError.Kind(rawValue: 50) }
    /// An attribute that has to be there is not.
    public static var attributeMissing: DERError.Kind { DERError.Kind(rawValue: 51) }
    /// The digest of the content is not the one that was signed.
    public static var digestMismatch: DERError.Kind { DERError.Kind(rawValue: 52) }
    /// An envelope for a key that cannot decrypt, without the password that takes its place (RFC 8894, 3.1).
    public static var passwordMissing: DERError.Kind { DERError.Kind(rawValue: 53) }
}

/// Reads a ContentInfo (RFC 5652, 3) that fills `reader`, and returns a reader of its content's SEQUENCE.
///
/// ```
/// ContentInfo ::= SEQUENCE {
///     contentType  OBJECT IDENTIFIER,
///     content  [0] EXPLICIT ANY DEFINED BY contentType }
/// ```
@_lifetime(copy reader)
func readContentInfo(_ type: ObjectIdentifier, _ reader: inout DERReader) throws(DERError) -> DERReader {
    var info = try reader.enter()
    try reader.finish()
    let identifier = try info.read(.objectIdentifier)
    guard identifier.isIdentifier(type) else { throw DERError(.unexpectedContentType, at: identifier.start) }
    var wrapped = try info.enter(.contextConstructed(0))
    try info.finish()
    let content = try wrapped.enter()
    try wrapped.finish()
    return content
}
