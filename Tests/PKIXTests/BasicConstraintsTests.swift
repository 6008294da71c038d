import PKIX
import TestSupport
import Testing

/// Whether basicConstraints (RFC 5280, 4.2.1.9) makes a CA of somebody, as openssl reads it too.
@Suite struct BasicConstraintsTests {
    @Test(
        arguments: [
            // FALSE is the default, which DER leaves out and some write.
            ("3000", false), ("3003 010100", false), ("3003 0101FF", true), ("3006 010100 020100", false),
            ("3006 0101FF 020100", true),
        ] as [(String, Bool)])
    func cA(value: String, isThere: Bool) throws {
        let der = Parts.changed { $0.extensions = Parts.extensions(Parts.item(19, value)) }
        let certificate = try Certificate(der.span)
        let (cA, isCA) = (certificate.extensions.cA, certificate.isCA)
        #expect(cA == isThere && isCA == isThere)
        let checked = try OpenSSL.run(["x509", "-inform", "DER", "-noout", "-ext", "basicConstraints"], input: der)
        #expect(String(decoding: checked, as: UTF8.self).contains(isThere ? "CA:TRUE" : "CA:FALSE"))
    }
}
