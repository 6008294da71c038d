import Foundation
import PKIX
import TestSupport
import Testing

@testable import Gateway
@testable import InspectionSupport
@testable import Output

/// What every command says of a certificate, held against openssl.
@Suite struct CertificateReportTests {
    private func report(_ list: [[UInt8]]) throws -> Found {
        var report = Report(.json)
        report.certificates("list", list) { certificate, report in
            report.field("isCA", isTrue: certificate.isCA)
        }
        return Found(value: try JSONSerialization.jsonObject(with: Data(report.finish())))["list"]
    }

    @Test(arguments: [
        ("RSA -pkeyopt rsa_keygen_bits:3072", "RSA-3072"), ("RSA -pkeyopt rsa_keygen_bits:1024", "RSA-1024"),
        ("EC -pkeyopt ec_paramgen_curve:P-256", "P-256"), ("EC -pkeyopt ec_paramgen_curve:P-384", "P-384"),
        ("EC -pkeyopt ec_paramgen_curve:P-521", "P-521"), ("ED25519", "Ed25519"), ("ED448", "unknown"),
    ])
    func itsKeyIsNamed(command: String, words: String) throws {
        let key = try OpenSSL.run(["genpkey", "-algorithm"] + command.split(separator: " ").map(String.init))
        let identity = try CASetup.make("/CN=x", key)
        let found = try report([identity.der, [0x30, 0x03, 1, 2, 3], identity.der])
        #expect(found.count == 3)
        #expect(found[0]["key"].text == words && found[2]["key"].text == words)
        #expect(found[0]["subject"].text == "CN=x" && found[0]["isCA"].value as? Bool == true)
        // What is no certificate is shown as it is.
        #expect(found[1].value as? [String: String] == ["unreadable": "3003010203"])
    }
}
