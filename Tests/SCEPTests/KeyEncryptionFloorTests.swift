import DeviceCrypto
import PKIX
import SCEP
import TestKeys
import TestSupport
import Testing

/// An envelope is as weak as what encrypts its key: a password recipient has a cipher of its own for that.
@Suite struct KeyEncryptionFloorTests {
    private static let rows: [(cipher: PasswordEnvelope.Cipher, key: PasswordEnvelope.Cipher, weakness: Leniency)] = [
        (.aes128, .aes128, Leniency()), (.aes256, .aes128, Leniency()), (.aes128, .tripleDES, .tripleDES),
        (.aes256, .des, .des), (.tripleDES, .aes128, .tripleDES), (.tripleDES, .tripleDES, .tripleDES),
        (.tripleDES, .des, .des), (.des, .tripleDES, .des),
    ]

    @Test(arguments: 0..<rows.count) func isChecked(row: Int) throws {
        let (cipher, keyCipher, weakness) = Self.rows[row]
        let root = try Hierarchy.one.root
        let own = try OpenSSLIdentity(
            subject: "/CN=sensor", for: TestKey.p256, issuedBy: root, extensions: ["keyUsage=digitalSignature"])
        var envelope = PasswordEnvelope()
        (envelope.cipher, envelope.keyCipher) = (cipher, keyCipher)
        let message = try envelope.message(OpenSSLIdentity.bundle([own]))
        func found(_ floor: CipherAlgorithm) throws -> (certificate: [UInt8], used: Leniency) {
            var policy = Policy(cipherFloor: floor)
            var random = try seededRandom()
            var key = try TestKey.p256.ecPrivateKey(.p256)
            var work = message
            let password = Array("secret".utf8)
            let trusted = root.der
            let range: Range<Int>
            do {
                var bytes = work.mutableSpan
                let opened = try CertRep.open(
                    &bytes, envelope: message.indices, key: &key, password: password.span, policy: &policy,
                    random: &random)
                #expect(opened.weakness == (floor == .aes128CBC ? weakness : Leniency()))
                range = try IssuedCertificate.find(
                    bytes.span, in: opened, from: CACertificates(trusted.span), key: &key, replacing: nil,
                    policy: &policy, moment: .unknown, mayBeginLater: false)
            }
            return (Array(work[range]), policy.used)
        }
        if weakness == Leniency() {
            #expect(try found(.aes128CBC).certificate == own.der)
        } else {
            #expect(throws: SCEPError.belowFloor(weakness)) { try found(.aes128CBC) }
        }
        // Where it is allowed, it is told.
        let (certificate, used) = try found(.desCBC)
        #expect(certificate == own.der && used.contains(weakness))
    }
}
