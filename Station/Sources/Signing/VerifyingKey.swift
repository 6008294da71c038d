import DER
import DeviceCrypto
import Foundation
import PKIX

/// The public half of a station's key.
public struct VerifyingKey: Sendable, Equatable {
    /// SubjectPublicKeyInfo, in DER.
    public let der: [UInt8]

    public init(der: [UInt8]) throws(SigningError) {
        var isP256 = false
        do throws(DERError) {
            var reader = DERReader(der.span)
            isP256 = try SubjectPublicKeyInfo(&reader).kind == .ellipticCurve(.p256)
            try reader.finish()
        } catch {
            isP256 = false
        }
        guard isP256 else { throw .notReadable("the public key's file") }
        self.der = der
    }

    /// - Parameter text: PEM, PUBLIC KEY.
    public init(pem text: [UInt8]) throws(SigningError) {
        guard let der = PEMText.content(of: text, "PUBLIC KEY") else { throw .notReadable("the file") }
        try self.init(der: der)
    }

    public var pem: String { PEMText.text(der, "PUBLIC KEY") }

    /// SHA-256 of ``der``, hexadecimal: a JWS's `kid`.
    public var identifier: String {
        let digest = Hash.digest(.sha256, of: der.span)
        return (0..<digest.bytes.count).map {
            digest.bytes[$0] < 16 ? "0\(String(digest.bytes[$0], radix: 16))" : String(digest.bytes[$0], radix: 16)
        }
        .joined()
    }

    /// The payload of a JWS of this key's.
    ///
    /// - Parameter jws: in its compact form.
    /// - Throws: ``SigningError/notSigned``.
    public func payload(of jws: String) throws(SigningError) -> [UInt8] {
        let parts = jws.split(separator: ".", omittingEmptySubsequences: false)
        guard parts.count == 3, let head = Base64URL.decode(parts[0]), let payload = Base64URL.decode(parts[1]),
            let signature = Base64URL.decode(parts[2]), signature.count == 64,
            // No other algorithm is taken, whatever the header would like: RFC 8725, section 3.1.
            String(decoding: head, as: UTF8.self).hasPrefix("{\"alg\":\"ES256\",")
        else { throw .notSigned }
        let text = [UInt8]("\(parts[0]).\(parts[1])".utf8)
        let sequence = try Self.sequence(r: Array(signature[..<32]), s: Array(signature[32...]))
        let digest = Hash.digest(.sha256, of: text.span)
        do {
            var reader = DERReader(der.span)
            let key = try SubjectPublicKeyInfo(&reader)
            try key.verify(sequence.span, scheme: .ecdsa, digest: digest)
        } catch {
            throw .notSigned
        }
        return payload
    }

    /// An Ecdsa-Sig-Value in DER (RFC 3279, section 2.2.3) of two numbers.
    private static func sequence(r: [UInt8], s: [UInt8]) throws(SigningError) -> [UInt8] {
        var buffer = [UInt8](repeating: 0, count: 128)
        var count = 0
        do throws(DERError) {
            var span = buffer.mutableSpan
            var writer = DERWriter(&span, end: span.count)
            let end = writer.front
            try writer.write(unsignedInteger: s.span)
            try writer.write(unsignedInteger: r.span)
            try writer.wrap(.sequence, from: end)
            count = writer.written.count
        } catch {
            throw .notSigned
        }
        return [UInt8](buffer.suffix(count))
    }
}
