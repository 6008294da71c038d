import DeviceCrypto
import SCEP
import Testing

@Suite struct LeniencyTests {
    private static let words: [Leniency] = [
        .sha1, .tripleDES, .des, .unmarkedRA, .caWithoutKeyUsage, .passwordEncryption, .lowerFloor, .textBody,
        .contentType, .signatureName,
    ]

    /// None is taken for another, or for nothing.
    @Test func wordsAreToldApart() {
        for (index, word) in Self.words.enumerated() {
            #expect(word != Leniency())
            for (other, second) in Self.words.enumerated() { #expect(word.contains(second) == (index == other)) }
        }
    }

    /// What is below RFC 8894, 2.9, or beside it, is taken by nobody who was not told to.
    @Test func nothingIsAllowedByItself() {
        let policy = Policy()
        #expect(policy.digestFloor == .sha256 && policy.cipherFloor == .aes128CBC && policy.used == Leniency())
        #expect(!policy.allowsUnmarkedRA && !policy.allowsNoRenewal && !policy.allowsCAWithoutKeyUsage)
        #expect(!policy.allowsPasswordEncryption)
    }

    /// From the weakest to the strongest: a floor lets itself pass, and what is above it.
    @Test func algorithmsHaveAnOrder() {
        let digests: [(DigestAlgorithm, Leniency)] = [
            (.sha1, .sha1), (.sha256, Leniency()), (.sha384, Leniency()), (.sha512, Leniency()),
        ]
        for (floor, (digestFloor, _)) in digests.enumerated() {
            for (index, (digest, word)) in digests.enumerated() {
                var policy = Policy(digestFloor: digestFloor)
                #expect(policy.permits(digest) == (index >= floor))
                #expect(policy.used == (index >= floor ? word : Leniency()))
            }
        }
        let ciphers: [(CipherAlgorithm, Leniency)] = [
            (.desCBC, .des), (.tripleDESCBC, .tripleDES), (.aes128CBC, Leniency()), (.aes192CBC, Leniency()),
            (.aes256CBC, Leniency()),
        ]
        for (floor, (cipherFloor, _)) in ciphers.enumerated() {
            for (index, (cipher, word)) in ciphers.enumerated() {
                var policy = Policy(cipherFloor: cipherFloor)
                #expect(policy.permits(cipher) == (index >= floor))
                #expect(policy.used == (index >= floor ? word : Leniency()))
            }
        }
    }
}
