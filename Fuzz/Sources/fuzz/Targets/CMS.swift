import Agent
import CMS
import DER
import DeviceCrypto
import PKIX

/// A SignedData is read where it stands, and nothing passes for signed that the root has not signed.
func readSignedData(_ input: [UInt8]) {
    var buffer = input
    let range: Range<Int>?
    do {
        var bytes = buffer.mutableSpan
        range = try? BER.normalize(&bytes, in: 0..<input.count)
    }
    guard let range, let message = try? SignedData(buffer.span, in: range) else { return }
    for part in [message.content ?? 0..<0, message.certificates, message.crls] {
        require(part.isEmpty || part.lowerBound >= range.lowerBound && part.upperBound <= range.upperBound, "inside")
    }
    guard let signer = message.signer, let root = try? Certificate(Authority.root.span) else { return }
    _ = signer.names(root)
    _ = try? signer.attributeIfPresent(ObjectIdentifier("2.16.840.1.113733.1.9.7"))
    require((try? message.verify(with: root.subjectPublicKeyInfo)) == nil, "nobody signs in the root's name")
}

/// Opens an EnvelopedData with an RSA key, or with a password where the first byte is odd.
func openEnvelopedData(_ input: [UInt8]) {
    var input = Input(input)
    let hasPassword = input.byte() & 1 == 1
    var buffer = input.remainder()
    var bytes = buffer.mutableSpan
    guard let range = try? BER.normalize(&bytes, in: 0..<bytes.count),
        let message = try? EnvelopedData(bytes.span, in: range)
    else { return }
    var random = seededRandom()
    let plain: Range<Int>?
    if hasPassword {
        guard !asksForLong(bytes.span, in: range) else { return }
        let password = [UInt8]("secret")
        var key = ECPrivateKey()
        plain = try? message.open(&bytes, key: &key, password: password.span, random: &random)
    } else {
        var key = SmoothKey(2)
        plain = try? message.open(&bytes, key: &key, password: Span(), random: &random)
    }
    if let plain {
        require(plain.lowerBound >= range.lowerBound && plain.upperBound <= range.upperBound, "the content is inside")
    }
}

/// Whether some number in a message is beyond a byte, as that of PBKDF2's iterations: they are what takes long, and
/// nothing comes of it here.
private func asksForLong(_ bytes: Span<UInt8>, in range: Range<Int>) -> Bool {
    var reader = DERReader(bytes, in: range)
    while !reader.isAtEnd, let element = try? reader.read() {
        if element.tag == .integer, element.content.count > 2 { return true }
        if element.tag.isConstructed, asksForLong(bytes, in: element.content) { return true }
    }
    return false
}
