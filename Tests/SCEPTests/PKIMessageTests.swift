import CMS
import DER
import DeviceCrypto
import Foundation
import PKIX
import SCEP
import TestSupport
import Testing

@Suite struct PKIMessageTests {
    /// The whole of a PKCSReq, taken apart by openssl alone.
    @Test func opensslReadsARequest() throws {
        try withTemporaryDirectory { directory in
            func path(_ name: String) -> String { directory.appendingPathComponent(name).path }
            try OpenSSL.run([
                "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=Test CA", "-days", "10",
                "-keyout", path("ca.key"), "-out", path("ca.der"), "-outform", "DER",
            ])
            let authority = [UInt8](try Data(contentsOf: directory.appendingPathComponent("ca.der")))
            var random = RandomGenerator()
            let seed = [UInt8]((0..<48).map { UInt8($0) })
            try random.seed(seed.span, personalization: "test".utf8.span)
            var key = try RSAPrivateKey.generate(bits: 2048, random: &random)
            var transaction = try Transaction(random: &random)
            try transaction.renewNonce(random: &random)

            var buffer = [UInt8](repeating: 0, count: 8192)
            var front = 0
            do {
                let subject = Array("CN=sensor,serialNumber=42,O=Ex\\,ample,C=DE".utf8)
                let challenge = Array("secret".utf8)
                let names = Array("DNS:sensor.example,IP:192.0.2.7,IP:2001:db8::7,URI:urn:x".utf8)
                let usage = Array("digitalSignature,keyEncipherment".utf8)
                var bytes = buffer.mutableSpan
                var writer = DERWriter(&bytes, end: 8192)
                let end = try writer.beginEnvelope()
                var request = CertificationRequest(subject: subject.span)
                request.challengePassword = challenge.span
                request.subjectAltName = names.span
                request.keyUsage = usage.span
                try request.write(to: &writer, key: &key, digest: .sha256, random: &random)
                var policy = Policy()
                let algorithms = try Algorithms(Capabilities.aes.union(.sha256), &policy)
                let identifier = transaction.identifier
                let signer = SelfSignedCertificate(subject: subject.span, serialNumber: identifier.span)
                try writer.wrapPKIMessage(
                    .pkcsReq, from: end, for: Certificate(authority.span), signer: .selfSigned(signer),
                    transaction: transaction, algorithms: algorithms, key: &key, random: &random)
                front = writer.front
            }
            let message = Array(buffer[front...])
            try Data(message).write(to: directory.appendingPathComponent("message.der"))
            let envelope = try OpenSSL.run(
                ["cms", "-verify", "-noverify", "-inform", "DER", "-in", path("message.der"), "-binary"])
            try Data(envelope).write(to: directory.appendingPathComponent("envelope.der"))
            let request = try OpenSSL.run([
                "cms", "-decrypt", "-inform", "DER", "-in", path("envelope.der"), "-inkey", path("ca.key"), "-binary",
            ])
            let text = String(
                decoding: try OpenSSL.run(["req", "-inform", "DER", "-verify", "-text", "-noout"], input: request),
                as: UTF8.self)
            #expect(text.contains("CN = sensor"))
            #expect(text.contains("IP Address:192.0.2.7"))
            #expect(text.contains("challengePassword"))
        }
    }
}
