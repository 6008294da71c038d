import CMS
import DER
import DeviceCrypto
import PKIX
import TestSupport

/// A certificate is read where it stands, and nobody but its signer has signed it.
func readCertificate(_ input: [UInt8]) {
    guard let certificate = try? Certificate(input.span) else { return }
    require(certificate.encoding.count == input.count, "a certificate is all that was read")
    describe(name: certificate.subject)
    describe(name: certificate.issuer)
    checkSignature(certificate.signed, input, [Authority.root, Authority.registration] + Authority.devices)
    var key = SmoothKey(2)
    var buffer = [UInt8](repeating: 0, count: 512)
    var span = buffer.mutableSpan
    _ = try? certificate.subjectPublicKeyInfo.matches(&key, scratch: &span)
}

/// A CRL is read where it stands, nobody but its signer has signed it, and it can be searched.
func readRevocationList(_ input: [UInt8]) {
    var reader = DERReader(input.span)
    guard let list = try? CertificateRevocationList(&reader) else { return }
    describe(name: list.issuer)
    checkSignature(list.signed, Array(input[..<reader.position]), [])
    let number: [UInt8] = [7]
    let isRevoked = try? list.revokes(number.span)
    let again = try? list.revokes(number.span)
    require(isRevoked == again, "a list says the same again")
}

/// Nothing is signed by the root but what it did sign. What stands around that may be written in two ways: the NULL of an
/// algorithm's parameters can be left out.
private func checkSignature(_ signed: borrowing Signed, _ encoding: [UInt8], _ known: [[UInt8]]) {
    guard let root = try? Certificate(Authority.root.span),
        (try? signed.verify(signedBy: root.subjectPublicKeyInfo)) != nil
    else { return }
    let content = signedPart(of: encoding)
    require(known.contains { signedPart(of: $0) == content }, "nobody signs in the root's name")
}

private func signedPart(of encoding: [UInt8]) -> [UInt8] {
    var reader = DERReader(encoding.span)
    guard var outer = try? reader.enter(), let content = try? outer.read() else { return [] }
    return content.encoding.array
}

private func describe(name: Span<UInt8>) {
    var buffer = [UInt8](repeating: 0, count: 512)
    var span = buffer.mutableSpan
    _ = nameText(name, into: &span)
}

/// Private keys as files have them. RSA keys are not loaded: proving their primes takes long.
func readPrivateKey(_ input: [UInt8]) {
    if EncryptedPrivateKeyInfo.isAt(input.span) {
        _ = try? EncryptedPrivateKeyInfo(input.span)
        return
    }
    guard let info = try? PrivateKeyInfo(input.span), info.kind != .rsa else { return }
    var key = ECPrivateKey()
    var random = seededRandom()
    guard (try? key.load(info, random: &random)) != nil else { return }
    let written = writing(capacity: 512) { writer throws(DERError) in try writer.write(privateKeyInfo: &key) }
    guard let again = try? PrivateKeyInfo(written.span) else {
        return require(false, "a key that was written can be read")
    }
    var other = ECPrivateKey()
    require((try? other.load(again, random: &random)) != nil, "a key that was written can be loaded")
}

/// Public keys of any numbers, which a certificate may hold: whatever they are, a signature is checked, and a key is
/// encrypted or refused.
func verifySignature(_ bytes: [UInt8]) {
    var input = Input(bytes)
    let choice = input.byte()
    let key = input.piece()
    let other = input.piece()
    let digests: [DigestAlgorithm] = [.sha256, .sha1, .sha384, .sha512]
    let digest = Hash.digest(digests[Int(choice >> 2 & 3)], of: other.span)
    switch choice & 3 {
    case 0, 3:
        let signature = input.remainder() + [UInt8](repeating: 0, count: max(0, key.count - 1))
        let cut = Array(signature.prefix(key.count))
        _ = try? RSAPublicKey.verify(
            modulus: key.span, exponent: other.span, digest: digest, signature: cut.span)
        var random = seededRandom()
        var buffer = [UInt8](repeating: 0, count: 512)
        var span = buffer.mutableSpan
        let content = [UInt8](repeating: 1, count: 16)
        _ = try? RSAPublicKey.encrypt(
            modulus: key.span, exponent: other.span, content.span, into: &span, random: &random)
    case let curve:
        let signature = input.remainder()
        _ = try? ECPublicKey.verify(
            curve: curve == 1 ? .p256 : .p384, point: key.span, digest: digest, signature: signature.span)
    }
}
