import EmulationTestSupport
import Foundation
import LibCrypto
import TestSupport
import Testing

@testable import Emulator

@Suite struct FlashImageTests {
    /// What `openssl` makes of keys and certificates, for all tests of the suite.
    struct Sample {
        /// As a device keeps it.
        let key: Data
        let certificate: Data
        /// What `openssl` says that the key's public key is.
        let publicKey: String

        init(key algorithm: [String], _ extra: [String] = []) throws {
            (key, certificate, publicKey) = try withTemporaryDirectory { folder in
                let key = folder.appending(path: "key.pem").path
                try TestSupport.OpenSSL.run(["genpkey", "-out", key] + algorithm)
                let der = try TestSupport.OpenSSL.run(
                    ["pkey", "-in", key, "-outform", "DER", "-traditional"])
                let certificate = try TestSupport.OpenSSL.run(
                    ["req", "-x509", "-new", "-key", key, "-outform", "DER", "-days", "3"] + extra)
                let publicKey = try TestSupport.OpenSSL.run(["pkey", "-in", key, "-pubout"])
                let compact = try CompactKey.make(from: der) { try Digest.sha256.hash($0) }
                return (Data(compact), Data(certificate), String(decoding: publicKey, as: UTF8.self))
            }
        }

        static let rsa = Result {
            try Sample(
                key: ["-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:2048"],
                [
                    "-subj", "/O=Line 4/CN=sensor/serialNumber=SN-1", "-set_serial", "0x1234",
                    "-addext", "subjectAltName=DNS:sensor.example,IP:10.0.0.7",
                ])
        }
        static let ec384 = Result {
            try Sample(key: ["-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-384"], ["-subj", "/CN=ec384"])
        }
        static let ec = Result {
            try Sample(key: ["-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256"], ["-subj", "/CN=ec"])
        }
    }

    func flash(_ parts: [Data], filler: UInt8 = 0xFF) -> FlashImage {
        var bytes = [UInt8](repeating: filler, count: 300)
        for part in parts { bytes += [UInt8](part) + [UInt8](repeating: filler, count: 61) }
        return FlashImage(bytes: bytes)
    }

    @Test(arguments: [0xFF, 0x00, 0x01, 0x30] as [UInt8])
    func keysAndCertificatesAreFoundAmongWhateverElse(filler: UInt8) async throws {
        let samples = [try Sample.rsa.get(), try Sample.ec.get(), try Sample.ec384.get()]
        let image = flash(samples.map(\.key) + samples.map(\.certificate), filler: filler)
        #expect(image.certificates == samples.map(\.certificate))
        try #require(image.privateKeys.count == samples.count)
        let openssl = OpenSSL(folder: FileManager.default.temporaryDirectory)
        for (key, sample) in zip(image.privateKeys, samples) {
            let publicKey = try await openssl.publicKey(of: key) + "\n"
            #expect(publicKey == sample.publicKey)
        }
    }

    @Test func halfIsNone() throws {
        for sample in [try Sample.rsa.get(), try Sample.ec.get(), try Sample.ec384.get()] {
            #expect(FlashImage(bytes: [UInt8](sample.key)).privateKeys.count == 1)
            #expect(FlashImage(bytes: [UInt8](sample.certificate.dropLast())).certificates.isEmpty)
            #expect(FlashImage(bytes: [UInt8](sample.key.dropLast())).privateKeys.isEmpty)
            var flipped = [UInt8](sample.key)
            flipped[40] ^= 1
            #expect(FlashImage(bytes: flipped).privateKeys.isEmpty)
        }
        #expect(FlashImage(bytes: []).privateKeys.isEmpty)
        #expect(FlashImage(bytes: []).certificates.isEmpty)
    }

    @Test func certificateIsDescribedForPeople() async throws {
        let certificate = try Sample.rsa.get().certificate
        let openssl = OpenSSL(folder: FileManager.default.temporaryDirectory)
        let description = try await openssl.describe(certificate: certificate)
        #expect(description.subject == "O=Line 4, CN=sensor, serialNumber=SN-1")
        #expect(description.issuer == description.subject)
        #expect(description.serial == "1234")
        #expect(description.key == "RSA 2048 bit")
        #expect(description.subjectAltName == "DNS:sensor.example, IP Address:10.0.0.7")
        #expect(description.notBefore.hasSuffix("GMT"))
        #expect(description.notAfter.hasSuffix("GMT"))
        #expect(description.fingerprint.count == 95)
        let ec = try await openssl.describe(certificate: Sample.ec.get().certificate)
        #expect(ec.key == "EC 256 bit")
        #expect(ec.subjectAltName.isEmpty)
    }

    @Test func verificationFailsForAnotherCA() async throws {
        let rsa = try Sample.rsa.get().certificate
        let openssl = OpenSSL(folder: FileManager.default.temporaryDirectory)
        try await openssl.verify(certificate: rsa, root: rsa)
        let other = try Sample.ec.get().certificate
        await #expect(throws: OpenSSLError.self) { try await openssl.verify(certificate: rsa, root: other) }
    }
}

extension FlashImageTests {
    @Test func identityIsTheCertificateWhoseKeyIsThere() async throws {
        let rsa = try Sample.rsa.get()
        let ec = try Sample.ec.get()
        let openssl = OpenSSL(folder: FileManager.default.temporaryDirectory)
        let identity = try await openssl.identity(in: flash([ec.certificate, rsa.key, rsa.certificate]))
        #expect(identity == Identity(certificate: rsa.certificate, authorities: [ec.certificate]))
        await #expect(throws: IdentityError.noKey) { try await openssl.identity(in: flash([rsa.certificate])) }
        await #expect(throws: IdentityError.noCertificate) { try await openssl.identity(in: flash([rsa.key])) }
        await #expect(throws: IdentityError.noMatch) {
            try await openssl.identity(in: flash([ec.key, rsa.certificate]))
        }
    }
}
