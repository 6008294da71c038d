import DeviceCrypto
import TestSupport
import Testing

@Test func smoke() throws {
    var random = try seededGenerator()
    var key = try RSAPrivateKey.generate(bits: 2048, random: &random)
    let digest = Hash.digest(.sha256, of: [1, 2, 3].span)
    let signature = try output(512) { (o) throws(CryptoError) in try key.sign(digest, into: &o, random: &random) }
    let n = try output(512) { (o) throws(CryptoError) in try key.publicKey(into: &o) }
    try RSAPublicKey.verify(modulus: n.span, exponent: [1, 0, 1].span, digest: digest, signature: signature.span)
    let c = try output(512) { (o) throws(CryptoError) in
        try RSAPublicKey.encrypt(
            modulus: n.span, exponent: [1, 0, 1].span, [1, 2, 3].span, into: &o, random: &random)
    }
    let p = try output(512) { (o) throws(CryptoError) in try key.decrypt(.pkcs1v15, c.span, into: &o, random: &random) }
    #expect(p == [1, 2, 3])
    var ec = try ECPrivateKey.generate(curve: .p384, random: &random)
    let point = try output(97) { (o) throws(CryptoError) in try ec.publicKey(into: &o) }
    let es = try output(104) { (o) throws(CryptoError) in try ec.sign(digest, into: &o, random: &random) }
    try ECPublicKey.verify(curve: .p384, point: point.span, digest: digest, signature: es.span)
}
