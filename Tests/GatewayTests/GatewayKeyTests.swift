import DER
import DeviceCrypto
import Foundation
import PKIX
import TestKeys
import TestSupport
import Testing

@testable import Gateway
@testable import Output

extension KeyTests {
    /// Keys in memory and store, with and without a passphrase.
    @Suite struct GatewayKeyTests {
        private func settings(_ directory: URL, passphrase: String? = "open sesame") throws -> KeySettings {
            var settings = KeySettings()
            settings.iterations = 1000
            if let passphrase { settings.passphrase = Array(passphrase.utf8) }
            return settings
        }

        @Test(arguments: [KeyAlgorithm.p256, .p384, .rsa(bits: 2048)])
        func withoutAPassphraseTheStoreHasTheCompactForm(algorithm: KeyAlgorithm) throws {
            try withTemporaryDirectory { directory in
                try withProvider(settings(directory, passphrase: nil)) { _ in
                    var random = try seededRandom()
                    var key = GatewayKey()
                    try key.generate(algorithm, random: &random)
                    let bytes = try kept(&key)
                    #expect(bytes[0] == (algorithm == .rsa(bits: 2048) ? 1 : 2))
                    let pem = try key.published(random: &random)
                    #expect(String(decoding: pem, as: UTF8.self).hasPrefix("-----BEGIN PRIVATE KEY-----\n"))
                    var again = GatewayKey()
                    try again.load(bytes.span)
                    #expect(again.algorithm == algorithm)
                    #expect(try signs(&again, as: OpenSSL.run(["pkey", "-pubout"], input: pem)))
                }
            }
        }

        /// The first byte tells, of however few; what is none of the forms is damaged.
        @Test func whatIsKeptIsToldByItsFirstByte() throws {
            for (bytes, isEncrypted, isOnToken) in [
                ([], false, false), ([0x30], true, false), ([0x10], false, true), ([1], false, false),
                ([0x30, 0x10], true, false), ([0x10, 0x30], false, true), ([2, 0x30, 0x10], false, false),
            ] as [([UInt8], Bool, Bool)] {
                #expect(
                    GatewayKey.isEncrypted(bytes.span) == isEncrypted && GatewayKey.isOnToken(bytes.span) == isOnToken)
                try withProvider(KeySettings()) { provider in
                    var key = GatewayKey()
                    #expect(throws: CryptoError.self) { try key.load(bytes.span) }
                    #expect((provider.failure == .damaged) == !isEncrypted, "\(bytes)")
                }
            }
        }

        @Test func withoutATokenNothingIsDestroyedOnOne() throws {
            #expect(try KeyProvider().destroyOrphans(keeping: [[1, 2, 3], []]) == 0)
        }

        /// What guessing at a passphrase costs, as openssl reads it.
        @Test func aPassphraseIsStretched() throws {
            var settings = KeySettings()
            settings.passphrase = Array("open sesame".utf8)
            try withProvider(settings) { _ in
                var random = try seededRandom()
                var key = GatewayKey()
                try key.generate(.p256, random: &random)
                let text = String(
                    decoding: try OpenSSL.run(["asn1parse"], input: key.published(random: &random)), as: UTF8.self)
                let numbers = text.split(separator: "\n").filter { $0.contains("INTEGER") }
                #expect(
                    numbers.compactMap { $0.split(separator: ":").last.flatMap { Int($0, radix: 16) } } == [100_000])
            }
        }

        @Test(arguments: [KeyAlgorithm.p256, .rsa(bits: 2048)])
        func withAPassphraseNeitherStoreNorFileHasTheKeyInTheClear(algorithm: KeyAlgorithm) throws {
            try withTemporaryDirectory { directory in
                try withProvider(settings(directory)) { provider in
                    var random = try seededRandom()
                    var key = GatewayKey()
                    try key.generate(algorithm, random: &random)
                    let bytes = try kept(&key)
                    let pem = try key.published(random: &random)
                    #expect(String(decoding: pem, as: UTF8.self).hasPrefix("-----BEGIN ENCRYPTED PRIVATE KEY-----\n"))
                    let plain = try OpenSSL.run(
                        ["pkcs8", "-topk8", "-nocrypt", "-outform", "DER", "-passin", "pass:open sesame"], input: pem)
                    let theirs = try OpenSSL.run(
                        ["pkey", "-inform", "DER", "-pubout", "-passin", "pass:open sesame"], input: bytes)
                    for start in stride(from: 0, to: plain.count - 16, by: 16) {
                        #expect(bytes.firstRange(of: plain[start..<start + 16]) == nil)
                    }
                    var again = GatewayKey()
                    try again.load(bytes.span)
                    #expect(try signs(&again, as: theirs))
                    // What was read can be kept again, and is the same.
                    #expect(try kept(&again) == bytes)
                    #expect(provider.failure == nil)
                }
            }
        }

        private func failure(_ body: (inout GatewayKey) throws(CryptoError) -> Void) -> (CryptoError?, KeyFailure?) {
            KeyTests.provider.failure = nil
            var key = GatewayKey()
            do throws(CryptoError) {
                try body(&key)
            } catch {
                return (error, KeyTests.provider.failure)
            }
            return (nil, KeyTests.provider.failure)
        }

        private func words(_ failure: KeyFailure?) -> String {
            var text: [UInt8] = []
            failure?.write(to: &text)
            return String(decoding: text, as: UTF8.self)
        }

        @Test func aWrongOrMissingPassphraseIsToldApart() throws {
            try withTemporaryDirectory { directory in
                var random = try seededRandom()
                var bytes: [UInt8] = []
                try withProvider(settings(directory)) { _ in
                    var key = GatewayKey()
                    try key.generate(.p256, random: &random)
                    bytes = try kept(&key)
                }
                func load() -> (CryptoError?, KeyFailure?) {
                    failure { key throws(CryptoError) in try key.load(bytes.span) }
                }
                try withProvider(settings(directory, passphrase: "open Sesame")) { _ in
                    #expect(load() == (.invalidKey, .wrongPassphrase))
                }
                try withProvider(settings(directory, passphrase: nil)) { _ in
                    #expect(load() == (.invalidKey, .passphraseMissing))
                }
                try withProvider(settings(directory)) { _ in
                    #expect(load() == (nil, nil))
                    bytes[bytes.count - 1] ^= 1
                    #expect(load() == (.invalidKey, .wrongPassphrase))
                    bytes = [9, 9, 9]
                    #expect(load() == (.invalidKey, .damaged))
                }
            }
        }

        // MARK: An existing key

        /// Forms of the same key by the command that writes them.
        private static let forms: [(String, [String])] = [
            ("PKCS #8", ["pkcs8", "-topk8", "-nocrypt"]),
            ("PKCS #8 in DER", ["pkcs8", "-topk8", "-nocrypt", "-outform", "DER"]),
            ("SEC 1", ["ec"]),
            ("SEC 1 in DER", ["ec", "-outform", "DER"]),
            ("encrypted", ["pkcs8", "-topk8", "-passout", "pass:open sesame"]),
            ("encrypted in DER", ["pkcs8", "-topk8", "-passout", "pass:open sesame", "-outform", "DER"]),
        ]

        @Test(arguments: forms, [true, false])
        func itIsTakenInPlaceOfANewOne(form: (String, [String]), hasPassphrase: Bool) throws {
            guard hasPassphrase || !form.0.hasPrefix("encrypted") else { return }
            try withTemporaryDirectory { directory in
                var settings = try settings(directory, passphrase: hasPassphrase ? "open sesame" : nil)
                // As `openssl ecparam -genkey` writes it: the curve in front.
                let front = form.0 == "SEC 1" ? try OpenSSL.run(["ecparam", "-name", "prime256v1"]) : []
                settings.existingKey = try front + OpenSSL.run(form.1, input: TestKey.p256.pem)
                try withProvider(settings) { provider in
                    var random = try seededRandom()
                    var key = GatewayKey()
                    try key.generate(.rsa(bits: 2048), random: &random)
                    #expect(key.algorithm == .p256)
                    let bytes = try kept(&key)
                    #expect(bytes[0] == (hasPassphrase ? 0x30 : 2))
                    let pem = try key.published(random: &random)
                    #expect(try publicKey(pem, password: "open sesame") == publicKey(TestKey.p256.pem))
                    #expect(provider.failure == nil)
                }
            }
        }

        @Test func anRSAKeyInPKCS1IsTaken() throws {
            try withTemporaryDirectory { directory in
                var settings = try settings(directory, passphrase: nil)
                settings.existingKey = try OpenSSL.run(["rsa", "-traditional"], input: TestKey.rsa.pem)
                try withProvider(settings) { _ in
                    var random = try seededRandom()
                    var key = GatewayKey()
                    try key.generate(.p256, random: &random)
                    #expect(try publicKey(key.published(random: &random)) == publicKey(TestKey.rsa.pem))
                }
            }
        }

        @Test func anExistingKeyThatCannotBeTakenIsNamed() throws {
            try withTemporaryDirectory { directory in
                let pem = try TestKey.p256.pem
                let der = try OpenSSL.run(["ec", "-outform", "DER"], input: pem)
                let small = try OpenSSL.run(["genrsa", "1024"])
                let damaged = der.dropLast() + [der[der.count - 1] ^ 1]
                let rows: [([UInt8], CryptoError, KeyFailure)] = try [
                    ([], .invalidKey, .badKey(DERError(.truncated, at: 0))),
                    (Array("no key".utf8), .invalidKey, .badKey(DERError(.unexpectedTag, at: 0))),
                    (OpenSSLIdentity.authority.certificate, .invalidKey, .noKey),
                    (OpenSSLIdentity.authority.der, .invalidKey, .badKey(DERError(.truncated, at: 0))),
                    (pem + pem, .invalidKey, .severalKeys),
                    (Array(pem.dropLast(26)), .invalidKey, .badPEM(PEM.Failure(kind: .endMissing, line: 1))),
                    (Array(damaged), .invalidKey, .badKey(DERError(.crypto(.invalidKey), at: 53))),
                    (small, .unsupported, .badKey(DERError(.unsupportedKeySize, at: 33))),
                    (
                        OpenSSL.run(["ec", "-aes128", "-passout", "pass:open sesame"], input: pem),
                        .invalidKey, .legacyEncryption
                    ),
                    (
                        OpenSSL.run(["pkcs8", "-topk8", "-passout", "pass:other"], input: pem),
                        .invalidKey, .wrongPassphrase
                    ),
                ]
                var settings = try settings(directory)
                for (index, row) in rows.enumerated() {
                    settings.existingKey = row.0
                    try withProvider(settings) { _ in
                        let result = failure { key throws(CryptoError) in
                            var random = RandomGenerator()
                            let seed = [UInt8](repeating: 1, count: 48)
                            try random.seed(seed.span, personalization: Span())
                            try key.generate(.p256, random: &random)
                        }
                        if case .badKey(let error) = row.2, error.kind == .truncated, index == 3 {
                            // A certificate: a SEQUENCE in place of a version is like an encrypted key's.
                            guard case .badKey = result.1 else {
                                Issue.record("row \(index): \(result)")
                                return
                            }
                        } else {
                            #expect(result == (row.1, row.2), "row \(index)")
                        }
                        #expect(!words(result.1).isEmpty)
                    }
                }
            }
        }
    }
}
