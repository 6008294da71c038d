import DeviceCrypto
import SCEP
import TestSupport
import Testing

@Suite struct CapabilitiesTests {
    @Test(
        arguments: [
            ("", []),
            ("AES", [.aes]),
            (
                "AES\nDES3\nGetNextCACert\nPOSTPKIOperation\nRenewal\nSHA-1\nSHA-256\nSHA-512\n",
                [.aes, .des3, .getNextCACert, .postPKIOperation, .renewal, .sha1, .sha256, .sha512]
            ),
            ("SCEPStandard", [.scepStandard, .aes, .postPKIOperation, .sha256]),
            ("aes\r\nsha-256\r\npostpkioperation\r\n", [.aes, .sha256, .postPKIOperation]),
            ("  AES \t\n\n\n\tSHA-256", [.aes, .sha256]),
            // In one line, and behind a byte order mark.
            ("AES SHA-256", [.aes, .sha256]),
            ("AES,SHA-256", [.aes, .sha256]),
            ("AES\rSHA-256", [.aes, .sha256]),
            ("Update, SHA-512 ,\tAES\r\n", [.sha512, .aes]),
            ("\u{FEFF}AES\nSHA-256\n", [.aes, .sha256]),
            ("\u{FEFF}SCEPStandard", [.scepStandard, .aes, .postPKIOperation, .sha256]),
            // No keyword.
            ("AE\nAESS\nSHA-2\nSHA256\nUpdate", []),
            ("AES\0\nSHA-1", [.sha1]),
            ("<html>\n<body>\nAES is not supported\n</body>", []),
            ("\u{FEFF}\r\n <!DOCTYPE html>\nRenewal\n", []),
            ("{\"error\": 404,\n\"hint\":\nAES\n}", []),
            ("Renewal\nX-Future\nSHA-512", [.renewal, .sha512]),
        ] as [(String, [Capabilities])])
    func areRead(body: String, capabilities: [Capabilities]) {
        let bytes = Array(body.utf8)
        #expect(Capabilities(bytes.span) == capabilities.reduce(Capabilities()) { $0.union($1) })
    }

    @Test(.enabled(if: Fixtures.areThere, Comment(rawValue: Fixtures.absence)))
    func recordedCapabilitiesAreRead() throws {
        let body = try Fixtures.read("jscep/01-GetCACaps.rsp.txt")
        let text = String(decoding: body, as: UTF8.self)
        let capabilities = Capabilities(body.span)
        #expect(capabilities.contains(.postPKIOperation) == text.contains("POSTPKIOperation"))
        #expect(capabilities.contains(.sha256) == text.contains("SHA-256"))
        #expect(capabilities.contains(.aes) == text.contains("AES"))
        #expect(capabilities.contains(.des3) && capabilities.contains(.sha1))
    }

    @Test func noiseIsPassedOver() {
        var random = SeededGenerator(seed: 4)
        for _ in 0..<200 {
            let noise = random.bytes(Int(random.next() % 300))
            #expect(Capabilities(noise.span) == Capabilities())
        }
    }

    @Test(
        arguments: [
            // The universal standards, where the CA has them.
            ("AES\nSHA-256\nSHA-512", Policy(), .sha256, .aes128CBC, Leniency()),
            ("SCEPStandard", Policy(), .sha256, .aes128CBC, Leniency()),
            ("AES\nSHA-512", Policy(), .sha512, .aes128CBC, Leniency()),
            // A higher floor.
            ("AES\nSHA-256\nSHA-512", Policy(digestFloor: .sha512), .sha512, .aes128CBC, Leniency()),
            ("AES\nSHA-256\nSHA-512", Policy(digestFloor: .sha384), .sha512, .aes128CBC, Leniency()),
            ("AES\nSHA-256", Policy(cipherFloor: .aes256CBC), .sha256, .aes256CBC, Leniency()),
            // A lower floor is used only where it has to be, and that is noted.
            (
                "AES\nSHA-256", Policy(digestFloor: .sha1, cipherFloor: .tripleDESCBC), .sha256, .aes128CBC, Leniency()
            ),
            ("AES\nSHA-1", Policy(digestFloor: .sha1), .sha1, .aes128CBC, .sha1),
            ("SHA-256\nDES3", Policy(cipherFloor: .tripleDESCBC), .sha256, .tripleDESCBC, .tripleDES),
            (
                "", Policy(digestFloor: .sha1, cipherFloor: .desCBC), .sha1, .tripleDESCBC,
                Leniency.sha1.union(.tripleDES)
            ),
        ] as [(String, Policy, DigestAlgorithm, CipherAlgorithm, Leniency)])
    func algorithmsAreChosen(
        body: String, policy: Policy, digest: DigestAlgorithm, cipher: CipherAlgorithm, used: Leniency
    ) throws {
        let bytes = Array(body.utf8)
        var policy = policy
        let algorithms = try Algorithms(Capabilities(bytes.span), &policy)
        #expect(algorithms.digest == digest && algorithms.cipher == cipher)
        #expect(policy.used == used)
    }

    @Test(
        arguments: [
            // All that would have to be allowed, at once.
            ("", Policy(), .belowFloor(Leniency.sha1.union(.tripleDES))),
            ("DES3\nSHA-1", Policy(), .belowFloor(Leniency.sha1.union(.tripleDES))),
            ("AES", Policy(), .belowFloor(.sha1)),
            ("AES\nSHA-1", Policy(), .belowFloor(.sha1)),
            ("AES\nSHA-256", Policy(digestFloor: .sha512), .belowFloor(.lowerFloor)),
            ("SHA-256", Policy(), .belowFloor(.tripleDES)),
            ("SHA-256\nDES3", Policy(), .belowFloor(.tripleDES)),
            ("", Policy(digestFloor: .sha1), .belowFloor(.tripleDES)),
        ] as [(String, Policy, SCEPError)])
    func weakAuthoritiesAreRefused(body: String, policy: Policy, error: SCEPError) {
        let bytes = Array(body.utf8)
        var policy = policy
        #expect(throws: error) { try Algorithms(Capabilities(bytes.span), &policy) }
    }
}
