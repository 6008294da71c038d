import Authority
import Foundation
import LibCrypto
import TestSupport
import Testing

/// EC devices and EC CAs: messages that are encrypted for the challengePassword (RFC 8894, section 3.1).
@Suite struct AuthorityPasswordRecipientTests {
    private static let password = "word of the line"

    private func device(_ kind: KeyKind = .p256, password: String = password) throws -> Client {
        var client = try Client(kind: kind, usage: kind.canDecrypt ? nil : "critical,digitalSignature")
        client.password = password
        return client
    }

    @Test(arguments: [KeyKind.p256, .p384, .rsa2048], [KeyKind.p256, .p384, .rsa2048])
    func everyKindOfDeviceEnrolsAtEveryKindOfCA(_ kind: KeyKind, _ ca: KeyKind) throws {
        let authority = try makeAuthority {
            $0.key = ca
            $0.challenge = .shared(Self.password)
        }
        let client = try device(kind)
        let reply = try authority.enrol(client, challenge: Self.password)
        let envelope = try OpenSSLCheck.verify(reply.encoded, root: authority.trustAnchor)
        let content =
            kind.canDecrypt
            ? try OpenSSLCheck.decrypt(envelope, key: client.key, certificate: client.certificate)
            : try OpenSSL.run(
                ["cms", "-decrypt", "-inform", "DER", "-binary", "-pwri_password", Self.password], input: envelope)
        let certificate = try #require(try CertificatesOnly.decode(content).certificates.first)
        #expect(try certificate.publicKey == client.key.publicKey())
        try OpenSSLCheck.verify(certificate, root: authority.trustAnchor)
        let usage = try OpenSSLCheck.describe(certificate, ["-ext", "keyUsage"])
        #expect(usage.contains("Key Encipherment") == kind.canDecrypt)
    }

    /// What `openssl` encrypts, with its own choice of parameters.
    @Test(arguments: ["-aes-128-cbc", "-aes-192-cbc", "-aes-256-cbc", "-des3"])
    func anEnvelopeOfOpenSSLIsOpened(_ cipher: String) throws {
        let authority = try makeAuthority {
            $0.key = .p256
            $0.challenge = .oneTime(
                ["another", Self.password].map { OneTimePassword(device: "", password: $0) })
        }
        let client = try device()
        let envelope = try OpenSSL.run(
            ["cms", "-encrypt", "-outform", "DER", "-binary", cipher, "-pwri_password", Self.password],
            input: client.request(challenge: Self.password))
        let message = try client.message(.pkcsReq, [0], transactionID: "1", for: authority.recipient) {
            $0.content = envelope
        }
        // Again, when the password is used up.
        for _ in 1...2 { #expect(try authority.exchange(message).certificates(for: client).count == 1) }
    }

    @Test func parametersAreTold() throws {
        let sealed = try Envelope.seal([1], password: [UInt8]("p".utf8), cipher: .aes128, iterations: 3)
        let derivation = try #require(try Envelope(sealed).derivation)
        #expect(derivation.iterations == 3)
        #expect(derivation.saltLength == 8)
        #expect(derivation.digest == .sha1)
        #expect(derivation.keyLength == nil)
        let parsed = try OpenSSL.structure(sealed)
        #expect(parsed.contains(":PBKDF2"))
        #expect(parsed.contains("INTEGER           :03"))
    }

    /// Enrolment, approval, renewal, GetCert and GetCRL: each reply is for the password that its request knows.
    @Test(arguments: [KeyKind.p256, .rsa2048])
    func theWholeLifeOfAnECDevice(_ ca: KeyKind) throws {
        let authority = try makeAuthority {
            $0.key = ca
            $0.policy = .afterPolls(1)
            $0.challenge = .oneTime([OneTimePassword(device: "", password: Self.password)])
        }
        let client = try device()
        #expect(try authority.enrol(client, challenge: Self.password).status == .pending)
        let old = try #require(try authority.poll(client).certificates(for: client).first)

        var renewing = try Client(renewing: old, of: client, key: PrivateKey.generate(.p384))
        // The CA knows the password of the certificate, which opens the request; the reply is for the new one.
        let request = try renewing.request(challenge: "new word")
        let message = try renewing.message(.renewalReq, request, transactionID: "2", for: authority.recipient)
        #expect(try authority.exchange(message).status == .pending)
        renewing.password = ca == .p256 ? Self.password : "new word"
        let poll = try authority.poll(renewing, transactionID: "2")
        renewing.password = "new word"
        let new = try #require(try poll.certificates(for: renewing).first)
        #expect(new.serial != old.serial)

        var renewed = try Client(renewing: new, of: client, key: renewing.key)
        renewed.signingKey = renewing.key
        renewed.password = "new word"
        let name = IssuerAndSerialNumber(issuer: new.issuer, serial: new.serial)
        func ask(_ type: CAMessageType, _ id: String) throws -> Reply {
            try authority.exchange(
                renewed.message(type, name.der(), transactionID: id, for: authority.recipient))
        }
        #expect(try ask(.getCert, "3").certificates(for: renewed) == [new])
        #expect(try ask(.getCRL, "4").lists(for: renewed).count == 1)
    }

    struct Defect: CustomStringConvertible, Sendable {
        let description: String
        let ca: KeyKind
        var serves = true
        let password: String
        let challenge: String?
        let refusal: Refusal
    }

    @Test(arguments: [
        Defect(
            description: "wrong password in the envelope", ca: .p256, password: "guess", challenge: password,
            refusal: Refusal(.badMessageCheck, "no challengePassword that is known here opens the envelope")),
        Defect(
            description: "no challengePassword", ca: .rsa2048, password: password, challenge: nil,
            refusal: Refusal(
                .badRequest,
                "the signer's key cannot decrypt, and no challengePassword is there to encrypt the reply for")),
        Defect(
            description: "wrong challengePassword", ca: .rsa2048, password: password, challenge: "guess",
            refusal: Refusal(.badRequest, "the challengePassword is wrong")),
        Defect(
            description: "an authority that cannot", ca: .rsa2048, serves: false, password: password,
            challenge: password,
            refusal: Refusal(
                .badAlg, "the signer's key cannot decrypt, so that no reply can be encrypted for it")),
    ])
    func eachDefectIsRefused(_ defect: Defect) throws {
        let authority = try makeAuthority {
            $0.key = defect.ca
            $0.challenge = .shared(Self.password)
            $0.servesPasswordRecipients = defect.serves
        }
        let reply = try authority.enrol(device(password: defect.password), challenge: defect.challenge)
        #expect(reply.refusal == defect.refusal)
        try OpenSSLCheck.verify(reply.encoded, root: authority.trustAnchor, absent: true)
    }

    /// A count of iterations that would take hours.
    @Test func tooMuchWorkIsRefused() throws {
        let authority = try makeAuthority {
            $0.key = .p256
            $0.challenge = .shared(Self.password)
        }
        let client = try device()
        var envelope = try Envelope.seal(
            client.request(), password: [UInt8](Self.password.utf8), cipher: .aes128, iterations: 0x010203)
        let place = try #require(envelope.indices.dropLast(5).first { envelope[$0...].starts(with: [2, 3, 1, 2, 3]) })
        envelope[place + 2] = 0x7f
        let message = try client.message(.pkcsReq, [0], transactionID: "1", for: authority.recipient) {
            $0.content = envelope
        }
        #expect(
            try authority.exchange(message).refusal
                == Refusal(.badMessageCheck, "8323587 iterations of PBKDF2 are asked for"))
    }

    @Test func aReplyWithManyIterations() throws {
        let authority = try makeAuthority {
            $0.challenge = .shared(Self.password)
            $0.profile.reply.passwordIterations = 50_000
        }
        let client = try device()
        let content = try #require(try authority.enrol(client, challenge: Self.password).signed.content)
        #expect(try Envelope(content).derivation?.iterations == 50_000)
    }

    @Test func anECCANeedsPasswordsOrAnRA() {
        #expect(throws: CAConfigurationError.self) { try makeAuthority { $0.key = .p256 } }
        #expect(throws: CAConfigurationError.self) {
            try makeAuthority {
                $0.key = .p256
                $0.challenge = .shared(Self.password)
                $0.servesPasswordRecipients = false
            }
        }
    }
}
