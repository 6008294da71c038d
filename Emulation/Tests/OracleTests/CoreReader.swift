import CMS
import DER
import DeviceCrypto
import PKIX

/// What EmbeddedSCEP says.
enum CoreReader {
    /// Reads a certificate and verifies it with its issuer's SubjectPublicKeyInfo.
    static func certificate(_ der: [UInt8], issuer: [UInt8]) -> Verdict {
        checked { () throws(DERError) in
            let certificate = try Certificate(der.span)
            try verify(certificate.signed, issuer)
            let extensions = certificate.extensions
            return facts(
                ("serial", hex(certificate.serialNumber)), ("issuer", hex(certificate.issuer)),
                ("subject", hex(certificate.subject)), ("notBefore", "\(certificate.notBefore)"),
                ("notAfter", "\(certificate.notAfter)"), ("key", key(certificate.subjectPublicKeyInfo)),
                ("isCA", "\(extensions.cA)"), ("pathLength", extensions.pathLength.map { "\($0)" } ?? "none"),
                ("keyUsage", extensions.keyUsage.map { "\($0.rawValue)" } ?? "any"))
        }
    }

    /// Reads a CRL, verifies it, and looks certificates up in it.
    ///
    /// - Parameter serials: contents of their INTEGERs.
    static func revocationList(_ der: [UInt8], issuer: [UInt8], serials: [[UInt8]]) -> Verdict {
        checked { () throws(DERError) in
            var reader = DERReader(der.span)
            let list = try CertificateRevocationList(&reader)
            try reader.finish()
            try verify(list.signed, issuer)
            var revoked = ""
            for serial in serials { revoked += try list.revokes(serial.span) ? "1" : "0" }
            return facts(
                ("issuer", hex(list.issuer)), ("thisUpdate", "\(list.thisUpdate)"),
                ("nextUpdate", list.nextUpdate.map { "\($0)" } ?? "none"), ("revoked", revoked))
        }
    }

    /// Turns a SignedData into DER, and verifies that it is this signer's.
    static func signedData(_ message: [UInt8], signer: [UInt8]) -> Verdict {
        var buffer = message
        return checked { () throws(DERError) in
            let range: Range<Int>
            do {
                var bytes = buffer.mutableSpan
                range = try BER.normalize(&bytes, in: 0..<message.count)
            }
            let signedData = try SignedData(buffer.span, in: range)
            let certificate = try Certificate(signer.span)
            if let info = signedData.signer, !info.names(certificate) { throw DERError(.notOneSigner, at: 0) }
            try signedData.verify(with: certificate.subjectPublicKeyInfo)
            return hex(buffer.span.extracting(signedData.content ?? 0..<0))
        }
    }

    /// Turns an EnvelopedData into DER and opens it: with an RSA key in PKCS #8, or without one by a password.
    static func envelopedData(_ message: [UInt8], key: [UInt8], password: [UInt8]) -> Verdict {
        var buffer = message
        return checked { () throws(DERError) in
            var random = seededRandom()
            let opened: Range<Int>
            do {
                var bytes = buffer.mutableSpan
                let range = try BER.normalize(&bytes, in: 0..<message.count)
                let envelope = try EnvelopedData(bytes.span, in: range)
                let info = try PrivateKeyInfo(key.span)
                if info.kind == .rsa {
                    var key = RSAPrivateKey()
                    try key.load(info)
                    opened = try envelope.open(&bytes, key: &key, password: Span(), random: &random)
                } else {
                    var key = ECPrivateKey()
                    try key.load(info, random: &random)
                    opened = try envelope.open(&bytes, key: &key, password: password.span, random: &random)
                }
            }
            return hex(buffer.span.extracting(opened))
        }
    }

    /// Reads a private key, and gives its public half.
    static func privateKey(_ der: [UInt8]) -> Verdict {
        checked { () throws(DERError) in
            let info = try PrivateKeyInfo(der.span)
            var random = seededRandom()
            if info.kind == .rsa {
                var key = RSAPrivateKey()
                try key.load(info)
                return try publicHalf(&key)
            }
            var key = ECPrivateKey()
            try key.load(info, random: &random)
            return try publicHalf(&key)
        }
    }

    private static func publicHalf<Key: PrivateKey & ~Copyable>(_ key: inout Key) throws(DERError) -> String {
        var buffer = [UInt8](repeating: 0, count: 512)
        do throws(CryptoError) {
            let count: Int
            do {
                var span = buffer.mutableSpan
                count = try key.publicKey(into: &span)
            }
            return hex(buffer.span.extracting(first: count))
        } catch {
            throw DERError(.crypto(error), at: 0)
        }
    }
}
