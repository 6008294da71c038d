import CMS
import DER
import DeviceCrypto
import Foundation
import PKIX
import TestKeys
import TestSupport
import Testing

/// Keys of the device's, and what they are called by.
enum Signer: String, CaseIterable {
    case rsa, p256

    func signed(_ content: [UInt8], digest: DigestAlgorithm = .sha256, capacity: Int = 8192) throws -> [UInt8] {
        let certificate = try certificate().der
        switch self {
        case .rsa:
            var key = try TestKey.rsa.rsaPrivateKey()
            return try CMSTests.signed(content, by: certificate, &key, digest: digest, capacity: capacity)
        case .p256:
            var key = try TestKey.p256.ecPrivateKey(.p256)
            return try CMSTests.signed(content, by: certificate, &key, digest: digest, capacity: capacity)
        }
    }

    func certificate() throws -> OpenSSLIdentity { try Self.certificates[self, default: .failure(Missing())].get() }

    private struct Missing: Error {}

    private static let certificates = Dictionary(
        uniqueKeysWithValues: allCases.map { signer in
            (
                signer,
                Result {
                    try OpenSSLIdentity(
                        subject: "/O=Example/CN=sensor", for: signer == .rsa ? TestKey.rsa : TestKey.p256,
                        extensions: ["keyUsage=digitalSignature", "subjectKeyIdentifier=hash"])
                }
            )
        })
}

@Suite struct SignedDataTests {
    @Test(
        arguments: Signer.allCases,
        [(.sha1, 100), (.sha256, 0), (.sha256, 1), (.sha256, 3000), (.sha384, 127), (.sha512, 128)]
            as [(DigestAlgorithm, Int)])
    func opensslVerifiesOurs(signer: Signer, row: (digest: DigestAlgorithm, size: Int)) throws {
        var random = SeededGenerator(seed: 7)
        let content = random.bytes(row.size)
        let message = try signer.signed(content, digest: row.digest)
        try withTemporaryDirectory { directory in
            let certificate = try directory.write(signer.certificate().certificate, to: "crt")
            let out = try OpenSSL.run(
                ["cms", "-verify", "-binary", "-inform", "DER", "-CAfile", certificate, "-auth_level", "0"],
                input: message)
            #expect(out == content)
        }
        // In DER to the last byte: openssl writes the same again.
        #expect(
            try OpenSSL.run(["cms", "-cmsout", "-inform", "DER", "-outform", "DER"], input: message) == message)
        try OpenSSL.run(["asn1parse", "-inform", "DER"], input: message)
        try readingSignedData(message) { signedData, buffer in
            let certificate = try signer.certificate().der
            let parsed = try Certificate(certificate.span)
            try signedData.verify(with: parsed.subjectPublicKeyInfo)
            let names = signedData.signer?.names(parsed)
            #expect(names == true)
            #expect(signedData.content.map { Array(buffer[$0]) } == content)
            #expect(Array(buffer[signedData.certificates]) == certificate)
            #expect(signedData.crls.isEmpty)
        }
    }

    static let options: [[String]] = [
        ["-md", "sha1"], ["-md", "sha256"], ["-md", "sha384"], ["-md", "sha512"], ["-stream"], ["-keyid"], ["-nocerts"],
        ["-noattr"], ["-nosmimecap", "-stream", "-nocerts"],
    ]

    @Test(arguments: Signer.allCases, options)
    func opensslsAreVerified(signer: Signer, options: [String]) throws {
        var random = SeededGenerator(seed: 7)
        let content = random.bytes(5000)
        let identity = try signer.certificate()
        let message = try identity.sign(content, options)
        guard options != ["-noattr"] else {
            // What is not signed with attributes cannot be a pkiMessage (RFC 8894, 3.1).
            #expect {
                try readingSignedData(message) { _, _ in }
            } throws: {
                ($0 as? DERError)?.kind == .unexpectedTag
            }
            return
        }
        try readingSignedData(message) { signedData, buffer in
            let certificate = try Certificate(identity.der.span)
            let names = signedData.signer?.names(certificate)
            #expect(names == true)
            try signedData.verify(with: certificate.subjectPublicKeyInfo)
            #expect(signedData.content.map { Array(buffer[$0]) } == content)
            #expect(Array(buffer[signedData.certificates]) == (options.contains("-nocerts") ? [] : identity.der))
            let other = try OpenSSLIdentity.authority.der
            let isOther = try signedData.signer?.names(Certificate(other.span))
            // A subject key identifier is not compared: keys are tried.
            #expect(isOther == options.contains("-keyid"))
            #expect {
                try signedData.verify(with: try Certificate(other.span).subjectPublicKeyInfo)
            } throws: {
                ($0 as? DERError)?.kind.cryptoError == .invalidSignature
            }
        }
    }

    @Test func certificatesAloneAreRead() throws {
        let (first, second) = (try OpenSSLIdentity.authority, try OpenSSLIdentity.recipient)
        try withTemporaryDirectory { directory in
            let files = ["-certfile", try directory.write(first.certificate + second.certificate, to: "crts")]
            let message = try OpenSSL.run(["crl2pkcs7", "-nocrl", "-outform", "DER"] + files)
            try readingSignedData(message) { signedData, buffer in
                let hasSigner = signedData.signer != nil
                #expect(!hasSigner && signedData.content == nil && signedData.crls.isEmpty)
                #expect(Array(buffer[signedData.certificates]) == first.der + second.der)
                #expect(throws: DERError(.notOneSigner, at: 0)) {
                    try signedData.verify(with: try Certificate(first.der.span).subjectPublicKeyInfo)
                }
            }
        }
    }

    @Test func crlsAreRead() throws {
        try withTemporaryDirectory { directory in
            let authority = try OpenSSLIdentity.authority
            let files = [
                "-cert", try directory.write(authority.certificate, to: "crt"), "-keyfile",
                try directory.write(authority.key, to: "key"),
            ]
            let index = try directory.write([], to: "index")
            let configuration = try directory.write(
                Array("[ca]\ndefault_ca=a\n[a]\ndatabase=\(index)\ndefault_md=sha256\n".utf8), to: "cnf")
            let crl = try OpenSSL.run(["ca", "-config", configuration, "-gencrl", "-crldays", "1"] + files)
            let der = try OpenSSL.run(["crl", "-outform", "DER"], input: crl)
            let message = try OpenSSL.run(["crl2pkcs7", "-outform", "DER"], input: crl)
            try readingSignedData(message) { signedData, buffer in
                #expect(signedData.certificates.isEmpty && Array(buffer[signedData.crls]) == der)
            }
        }
    }

    /// One bit turned over anywhere: whatever is still read does not pass for the signed message, unless what it says
    /// is the same.
    @Test(arguments: Signer.allCases) func forgeriesAreNoticed(signer: Signer) throws {
        let content = Array("content".utf8)
        let message = try signer.signed(content)
        let certificate = try signer.certificate().der
        let parsed = try Certificate(certificate.span)
        var random = SeededGenerator(seed: 3)
        for position in message.indices where random.oneIn(signer == .p256 ? 3 : 6) {
            var forged = message
            forged[position] ^= 1 << UInt8(position % 8)
            let isVerified =
                try? readingSignedData(forged) { signedData, buffer in
                    try signedData.verify(with: parsed.subjectPublicKeyInfo)
                    return signedData.content.map { Array(buffer[$0]) } == content
                }
            #expect(isVerified != false, "another content passes with byte \(position) changed")
        }
    }

    @Test func whatDoesNotFitIsRefused() throws {
        let content = Array("content".utf8)
        let size = try Signer.p256.signed(content).count
        for capacity in stride(from: 1, to: size - 8, by: 7) {
            #expect {
                try Signer.p256.signed(content, capacity: capacity)
            } throws: {
                ($0 as? DERError)?.kind == .bufferFull
            }
        }
    }

    @Test(
        .enabled(if: Fixtures.areThere, Comment(rawValue: Fixtures.absence)),
        arguments: [
            ("jscep/04-PKIOperation.req.der", "self"), ("jscep/06-PKIOperation.req.der", "jscep/issued.crt"),
            ("jscep/08-PKIOperation.req.der", "self"), ("jscep/10-PKIOperation.req.der", "self"),
            ("jscep/12-PKIOperation.req.der", "self"), ("jscep/14-PKIOperation.req.der", "self"),
            ("jscep/16-PKIOperation.req.der", "self"), ("jscep/17-PKIOperation.req.der", "self"),
            ("jscep/04-PKIOperation.rsp.der", "jscep/ca.crt"), ("jscep/06-PKIOperation.rsp.der", "jscep/ca.crt"),
            ("jscep/08-PKIOperation.rsp.der", "jscep/ca.crt"), ("jscep/10-PKIOperation.rsp.der", "jscep/ca.crt"),
            ("jscep/12-PKIOperation.rsp.der", "jscep/ca.crt"), ("jscep/14-PKIOperation.rsp.der", "jscep/ca.crt"),
            ("jscep/16-PKIOperation.rsp.der", "jscep/ca.crt"), ("jscep/17-PKIOperation.rsp.der", "jscep/ca.crt"),
            ("micromdm_pkcsreq.der", "self"), ("micromdm_certrep.der", "self"),
        ])
    func recordedSignaturesAreVerified(name: String, signer: String) throws {
        try readingSignedData(try Fixtures.read(name)) { signedData, buffer in
            let bytes =
                signer == "self"
                ? Array(buffer[signedData.certificates])
                : try OpenSSL.run(["x509", "-outform", "DER"], input: try Fixtures.read(signer))
            for range in try certificates(bytes) {
                let encoding = Array(bytes[range])
                let certificate = try Certificate(encoding.span)
                let names = signedData.signer?.names(certificate)
                if names == true { return try signedData.verify(with: certificate.subjectPublicKeyInfo) }
            }
            Issue.record("no certificate of the signer's")
        }
    }

    private func certificates(_ bytes: [UInt8]) throws -> [Range<Int>] {
        var reader = DERReader(bytes.span)
        var found: [Range<Int>] = []
        while !reader.isAtEnd { found.append(try Certificate(&reader).range) }
        return found
    }

    @Test(.enabled(if: Fixtures.areThere, Comment(rawValue: Fixtures.absence)))
    func recordedRepliesAreRead() throws {
        // A FAILURE of Microsoft's, with one byte of content.
        try readingSignedData(try Fixtures.read("ndes_failure.der")) { signedData, _ in
            #expect(signedData.content?.count == 1)
            let hasSigner = signedData.signer != nil
            #expect(hasSigner)
        }
        // What cryptlib sends in an envelope: certificates alone.
        try readingSignedData(try Fixtures.read("cryptlib_resp0.der")) { signedData, buffer in
            let hasSigner = signedData.signer != nil
            #expect(!hasSigner)
            let bytes = Array(buffer[signedData.certificates])
            let count = try certificates(bytes).count
            #expect(count == 1)
        }
    }
}
