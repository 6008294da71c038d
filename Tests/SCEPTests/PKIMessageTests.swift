import CMS
import DER
import DeviceCrypto
import Foundation
import PKIX
import SCEP
import TestKeys
import TestSupport
import Testing

/// A pkiMessage of the device's, with `messageData` that `body` writes.
private func message<Key: PrivateKey & ~Copyable>(
    _ type: MessageType, _ key: inout Key, issued: [UInt8] = [], digest: String = "SHA-256",
    policy: Policy = Policy(),
    recipient: OpenSSLIdentity? = nil, password: String = "", capacity: Int = 8192, blinding: UInt8 = 0x11,
    _ body: (inout DERWriter, inout Key, inout RandomGenerator) throws -> Void
) throws -> [UInt8] {
    let password = Array(password.utf8)
    var content = try seededRandom()
    var random = try seededRandom(blinding)
    var policy = policy
    let caps = Array("AES\n\(digest)".utf8)
    let algorithms = try Algorithms(Capabilities(caps.span), &policy)
    let transaction = try Reply.transaction()
    let identifier = transaction.identifier
    let recipient = try (recipient ?? OpenSSLIdentity.recipient).der
    let subject = Array("CN=sensor".utf8)
    // What was issued stands in front of the space for the message.
    var buffer = issued + [UInt8](repeating: 0xA5, count: capacity + 4)
    let capacity = issued.count + capacity
    let front: Int
    do {
        var bytes = buffer.mutableSpan
        var writer = DERWriter(&bytes, end: capacity)
        let end = try writer.beginEnvelope()
        try body(&writer, &key, &random)
        let own = SelfSignedCertificate(subject: subject.span, serialNumber: identifier.span)
        try writer.wrapPKIMessage(
            type, from: end, for: Certificate(recipient.span), password: password.span,
            signer: issued.isEmpty ? .selfSigned(own) : .issued(0..<issued.count), transaction: transaction,
            algorithms: algorithms, key: &key, content: &content, random: &random)
        front = writer.front
    }
    #expect(buffer.suffix(4) == [0xA5, 0xA5, 0xA5, 0xA5])
    // What was issued may be written over, once it is part of the message.
    #expect(front < issued.count || buffer[issued.count..<front].allSatisfy { $0 == 0xA5 })
    return Array(buffer[front..<capacity])
}

/// The message taken apart by openssl alone: messageData, attributes as text, and the signer's certificate in PEM.
private func takenApart(
    _ message: [UInt8], password: String? = nil
) throws -> (data: [UInt8], text: String, certificate: [UInt8]) {
    try withTemporaryDirectory { directory in
        let signer = directory.appending(path: "signer").path
        let envelope = try OpenSSL.run(
            ["cms", "-verify", "-noverify", "-inform", "DER", "-binary", "-signer", signer], input: message)
        let key = try directory.write(OpenSSLIdentity.recipient.key, to: "key")
        let secret = password.map { ["-pwri_password", $0] } ?? ["-inkey", key]
        let data = try OpenSSL.run(["cms", "-decrypt", "-inform", "DER", "-binary"] + secret, input: envelope)
        // In DER to the last byte, the whole and what is in it.
        for part in [message, envelope] {
            #expect(try OpenSSL.run(["cms", "-cmsout", "-inform", "DER", "-outform", "DER"], input: part) == part)
        }
        let text = try OpenSSL.run(["cms", "-cmsout", "-print", "-noout", "-inform", "DER"], input: message)
        return (data, String(decoding: text, as: UTF8.self), [UInt8](try Data(contentsOf: URL(filePath: signer))))
    }
}

/// The one value of an attribute in the text that openssl prints.
private func attribute(_ identifier: String, in text: String) -> String? {
    guard let start = text.range(of: "(\(identifier))\n") else { return nil }
    let lines = text[start.upperBound...].split(separator: "\n").map { $0.trimmingCharacters(in: .whitespaces) }
    guard lines.count > 3, lines[0] == "set:" else { return nil }
    guard lines[1] == "OCTET STRING:" else { return lines[1] }
    // A dump: offset, 15 bytes, text.
    return lines[2..<4].map { String($0.dropFirst(7).prefix(44)).filter(\.isHexDigit) }.joined()
}

@Suite struct PKIMessageTests {
    static let requests: [(String, Policy)] = [
        ("SHA-256", Policy()), ("SHA-512", Policy()), ("SHA-256", Policy(cipherFloor: .aes256CBC)),
        ("SHA-1", Policy(digestFloor: .sha1)),
    ]

    @Test(arguments: requests) func opensslTakesARequestApart(digest: String, policy: Policy) throws {
        var key = try TestKey.rsa.rsaPrivateKey()
        let subject = Array("CN=sensor,O=Ex\\,ample,C=DE".utf8)
        let password = Array("secret".utf8)
        let message = try message(.pkcsReq, &key, digest: digest, policy: policy) { writer, key, random in
            var request = CertificationRequest(subject: subject.span)
            request.challengePassword = password.span
            try request.write(to: &writer, key: &key, digest: .sha256, random: &random)
        }
        let (data, text, certificate) = try takenApart(message)
        let request = String(
            decoding: try OpenSSL.run(["req", "-inform", "DER", "-verify", "-text", "-noout"], input: data),
            as: UTF8.self)
        #expect(request.contains("Subject: C = DE, O = \"Ex,ample\", CN = sensor"))
        #expect(request.contains("challengePassword        :secret"))

        #expect(attribute("2.16.840.1.113733.1.9.2", in: text) == "PRINTABLESTRING:19")
        #expect(
            attribute("2.16.840.1.113733.1.9.7", in: text) == "PRINTABLESTRING:40414243444546474849404142434445")
        let nonce = try Reply.transaction().senderNonce
        let nonceText = nonce.span.array.hex
        #expect(attribute("2.16.840.1.113733.1.9.5", in: text) == nonceText)
        #expect(text.contains(digest == "SHA-1" ? "sha1" : digest.lowercased().filter { $0 != "-" }))
        let envelope = try OpenSSL.run(
            ["cms", "-verify", "-noverify", "-inform", "DER", "-binary"], input: message)
        let envelopeText = String(
            decoding: try OpenSSL.run(["cms", "-cmsout", "-print", "-noout", "-inform", "DER"], input: envelope),
            as: UTF8.self)
        #expect(envelopeText.contains(policy.cipherFloor == .aes256CBC ? "aes-256-cbc" : "aes-128-cbc"))

        // The self-signed certificate carries the request's key, and its number is the transaction's.
        let publicKey = try OpenSSL.run(["x509", "-noout", "-pubkey"], input: certificate)
        #expect(try publicKey == OpenSSL.run(["req", "-inform", "DER", "-noout", "-pubkey"], input: data))
        let serial = try OpenSSL.run(["x509", "-noout", "-serial"], input: certificate)
        #expect(String(decoding: serial, as: UTF8.self) == "serial=40414243444546474849404142434445\n")
    }

    /// Takes note of what it could be blinded with.
    private struct NotingKey: PrivateKey, ~Copyable {
        var key: RSAPrivateKey
        var blinding: [[UInt8]] = []

        init(_ key: consuming RSAPrivateKey) { self.key = key }

        var algorithm: KeyAlgorithm { key.algorithm }
        var signatureSize: Int { key.signatureSize }
        var publicExponent: UInt32 { key.publicExponent }

        mutating func publicKey(into bytes: inout MutableSpan<UInt8>) throws(CryptoError) -> Int {
            try key.publicKey(into: &bytes)
        }

        mutating func sign(
            _ digest: Digest, into signature: inout MutableSpan<UInt8>, random: inout RandomGenerator
        ) throws(CryptoError) -> Int {
            var bytes = [UInt8](repeating: 0, count: 16)
            var buffer = bytes.mutableSpan
            try random.fill(&buffer)
            blinding.append(bytes)
            return try key.sign(digest, into: &signature, random: &random)
        }

        mutating func decrypt(
            _ padding: RSAPadding, _ ciphertext: Span<UInt8>, into plaintext: inout MutableSpan<UInt8>,
            random: inout RandomGenerator
        ) throws(CryptoError) -> Int { throw .unsupported }
    }

    /// A message is the same for the same content, whatever its signatures are blinded with, and none of that is content's.
    @Test func blindingDoesNotShow() throws {
        func made(_ blinding: UInt8) throws -> (message: [UInt8], blinding: Set<[UInt8]>) {
            var key = NotingKey(try TestKey.rsa.rsaPrivateKey())
            let subject = Array("CN=sensor".utf8)
            let message = try message(.pkcsReq, &key, blinding: blinding) { writer, key, random in
                try CertificationRequest(subject: subject.span)
                    .write(to: &writer, key: &key, digest: .sha256, random: &random)
            }
            return (message, Set(key.blinding))
        }
        let (first, second) = (try made(1), try made(2))
        #expect(first.message == second.message)
        // Request, certificate and message.
        #expect(first.blinding.count == 3 && first.blinding.isDisjoint(with: second.blinding))
    }

    @Test func opensslTakesAPollApart() throws {
        var key = try TestKey.rsa.rsaPrivateKey()
        let authority = try OpenSSLIdentity.authority.der
        let issuer = try Certificate(authority.span).subject.array
        let subject = Array("CN=sensor".utf8)
        let message = try message(.certPoll, &key) { writer, _, _ in
            try writer.writeIssuerAndSubject(issuer: issuer.span, subject: subject.span)
        }
        let (data, text, _) = try takenApart(message)
        #expect(data == (issuer + [UInt8](hex: "3011 310F 300D 0603550403 0C06 73656E736F72")).tagged(0x30))
        #expect(attribute("2.16.840.1.113733.1.9.2", in: text) == "PRINTABLESTRING:20")
    }

    /// That of a renewal names the subject as the certificate has it that is renewed, byte for byte.
    @Test func aPollMayNameTheSubjectOfWhatWasIssued() throws {
        let issued = try OpenSSLIdentity(
            subject: "/O=Example/CN=sensor", for: TestKey.p256, issuedBy: OpenSSLIdentity.authority)
        let (issuer, subject, range) = try { () throws -> ([UInt8], [UInt8], Range<Int>) in
            let certificate = try Certificate(issued.der.span)
            return (certificate.issuer.array, certificate.subject.array, certificate.subjectRange)
        }()
        var key = try TestKey.p256.ecPrivateKey(.p256)
        let other = Array("CN=other".utf8)
        for text in [[], other] {
            let message = try message(.certPoll, &key, issued: issued.der) { writer, _, _ in
                try writer.writeIssuerAndSubject(issuer: issuer.span, subject: text.span, orCopyOf: range)
            }
            #expect(try takenApart(message).data == (issuer + subject).tagged(0x30))
        }
    }

    /// GetCert and GetCRL name a certificate by its issuer and number (RFC 8894, 3.3.4).
    @Test(arguments: [(.getCert, "21"), (.getCRL, "22")] as [(MessageType, String)])
    func opensslTakesAQueryApart(type: MessageType, number: String) throws {
        var key = try TestKey.rsa.rsaPrivateKey()
        let issued = try OpenSSLIdentity(
            subject: "/CN=sensor", for: TestKey.rsa, issuedBy: OpenSSLIdentity.authority,
            options: ["-set_serial", "0xFE01"])
        let issuer = try Certificate(issued.der.span).issuer.array
        let message = try message(type, &key, issued: issued.der) { writer, _, _ in
            try writer.write(issuerAndSerialNumberOf: 0..<issued.der.count)
        }
        let (data, text, _) = try takenApart(message)
        #expect(data == (issuer + [UInt8](hex: "0203 00FE01")).tagged(0x30))
        #expect(attribute("2.16.840.1.113733.1.9.2", in: text) == "PRINTABLESTRING:" + number)
    }

    /// A renewal is signed with what was issued before, here for an elliptic curve key.
    @Test func opensslTakesARenewalApart() throws {
        let issued = try OpenSSLIdentity(
            subject: "/CN=sensor", for: TestKey.p256, issuedBy: OpenSSLIdentity.authority)
        var key = try TestKey.p256.ecPrivateKey(.p256)
        let message = try message(.renewalReq, &key, issued: issued.der) { writer, _, _ in
            try writer.writeNull()
        }
        let (data, text, certificate) = try takenApart(message)
        #expect(data == [0x05, 0x00])
        #expect(attribute("2.16.840.1.113733.1.9.2", in: text) == "PRINTABLESTRING:17")
        #expect(try OpenSSL.run(["x509", "-outform", "DER"], input: certificate) == issued.der)
        // The signer is named by the CA's name and the number that the CA gave.
        #expect(text.contains("issuer: C=DE, O=Example, CN=Example CA"))
    }

    /// RFC 8894, 3.1: from an EC device, and to an RSA CA or to one with an EC key.
    @Test(arguments: [Curve.p256, .p384], [false, true])
    func opensslTakesAnECDevicesRequestApart(curve: Curve, toEC: Bool) throws {
        var random = try seededRandom()
        var key = try ECPrivateKey.generate(curve: curve, random: &random)
        let subject = Array("CN=sensor".utf8)
        let password = Array("s€cret".utf8)
        let message = try message(
            .pkcsReq, &key, recipient: toEC ? Hierarchy.one.ec : nil, password: "s€cret"
        ) { writer, key, random in
            var request = CertificationRequest(subject: subject.span)
            request.challengePassword = password.span
            try request.write(to: &writer, key: &key, digest: .sha256, random: &random)
        }
        let (data, text, certificate) = try takenApart(message, password: toEC ? "s€cret" : nil)
        let request = String(
            decoding: try OpenSSL.run(["req", "-inform", "DER", "-verify", "-text", "-noout"], input: data),
            as: UTF8.self)
        #expect(request.contains(curve == .p256 ? "NIST CURVE: P-256" : "NIST CURVE: P-384"))
        #expect(attribute("2.16.840.1.113733.1.9.2", in: text) == "PRINTABLESTRING:19")
        #expect(text.contains("algorithm: ecdsa-with-SHA256"))
        let publicKey = try OpenSSL.run(["x509", "-noout", "-pubkey"], input: certificate)
        #expect(try publicKey == OpenSSL.run(["req", "-inform", "DER", "-noout", "-pubkey"], input: data))
        // The self-signed certificate holds by itself, and says what the key is for.
        let checked = try withTemporaryDirectory { directory in
            let file = try directory.write(certificate, to: "crt")
            return String(
                decoding: try OpenSSL.run(["verify", "-check_ss_sig", "-CAfile", file, "-partial_chain", file])
                    + OpenSSL.run(["x509", "-noout", "-ext", "keyUsage"], input: certificate), as: UTF8.self)
        }
        #expect(checked.contains(": OK") && checked.contains("Digital Signature\n"))
        #expect(!checked.contains("Encipherment"))
    }

    @Test func anECAuthorityTakesAPassword() throws {
        var key = try TestKey.p256.ecPrivateKey(.p256)
        #expect {
            try message(.certPoll, &key, recipient: Hierarchy.one.ec) { writer, _, _ in try writer.writeNull() }
        } throws: {
            ($0 as? DERError)?.kind == .passwordMissing
        }
    }

    /// What was issued may stand right in front of the message, and no nearer.
    @Test func whatWasIssuedIsNotOverwrittenBeforeItIsCopied() throws {
        let issued = try OpenSSLIdentity(
            subject: "/CN=sensor", for: TestKey.p256, issuedBy: OpenSSLIdentity.authority)
        var key = try TestKey.p256.ecPrivateKey(.p256)
        let size = try message(.renewalReq, &key, issued: issued.der) { writer, _, _ in try writer.writeNull() }.count
        var passed = 0
        // The message may grow over what was issued once it holds a copy.
        for capacity in stride(from: size - issued.der.count, to: size + 60, by: 25) {
            do {
                let message = try message(.renewalReq, &key, issued: issued.der, capacity: capacity) { writer, _, _ in
                    try writer.writeNull()
                }
                #expect(try takenApart(message).certificate.isEmpty == false)
                let text = try OpenSSL.run(
                    ["cms", "-cmsout", "-inform", "DER", "-outform", "DER"], input: message)
                #expect(text.firstRange(of: issued.der) != nil)
                passed += 1
            } catch {
                #expect((error as? DERError)?.kind == .bufferFull)
            }
        }
        #expect(passed > 2)
    }

    /// Its copy may end where it stands itself, and not one byte nearer.
    @Test func theSpaceForACopyIsCounted() throws {
        let names = (0..<40).map { "DNS:device-\($0).example" }.joined(separator: ",")
        let issued = try OpenSSLIdentity(
            subject: "/CN=sensor", for: TestKey.p256, issuedBy: OpenSSLIdentity.authority,
            extensions: ["subjectAltName=\(names)"])
        var key = try TestKey.p256.ecPrivateKey(.p256)
        let whole = try message(.renewalReq, &key, issued: issued.der) { writer, _, _ in try writer.writeNull() }
        let envelope = try OpenSSL.run(["cms", "-verify", "-noverify", "-inform", "DER", "-binary"], input: whole)
        let capacity = issued.der.count + envelope.count
        let tight = try message(.renewalReq, &key, issued: issued.der, capacity: capacity) { writer, _, _ in
            try writer.writeNull()
        }
        let (data, _, certificate) = try takenApart(tight)
        #expect(try data == [5, 0] && OpenSSL.run(["x509", "-outform", "DER"], input: certificate) == issued.der)
        #expect {
            try message(.renewalReq, &key, issued: issued.der, capacity: capacity - 1) { writer, _, _ in
                try writer.writeNull()
            }
        } throws: {
            ($0 as? DERError)?.kind == .bufferFull
        }
    }

    @Test func whatDoesNotFitIsRefused() throws {
        var key = try TestKey.p256.ecPrivateKey(.p256)
        let size = try message(.certPoll, &key) { writer, _, _ in try writer.writeNull() }.count
        for capacity in stride(from: 0, to: size - 4, by: 9) {
            #expect {
                try message(.certPoll, &key, capacity: capacity) { writer, _, _ in try writer.writeNull() }
            } throws: {
                ($0 as? DERError)?.kind == .bufferFull
            }
        }
    }
}

@Suite struct TransactionTests {
    @Test func identifiersAreText() throws {
        var random = try seededRandom()
        var seen: [Set<UInt8>] = Array(repeating: [], count: 16)
        for _ in 0..<50 {
            let transaction = try Transaction(random: &random)
            let text = String(decoding: transaction.transactionID.span.array, as: UTF8.self)
            #expect(text == transaction.identifier.span.array.hex.uppercased())
            // As the serial number of a certificate it is positive, and as long as it looks.
            #expect(transaction.identifier[0] & 0xC0 == 0x40)
            for index in 0..<16 { seen[index].insert(transaction.identifier[index]) }
        }
        // Every byte is by chance.
        #expect(seen.allSatisfy { $0.count > 20 })
    }

    @Test func noncesAreFresh() throws {
        var random = try seededRandom()
        var transaction = try Transaction(random: &random)
        let identifier = transaction.identifier.span.array
        var seen: Set<[UInt8]> = []
        for _ in 0..<20 {
            try transaction.renewNonce(random: &random)
            seen.insert(transaction.senderNonce.span.array)
        }
        #expect(seen.count == 20 && transaction.identifier.span.array == identifier)
        var unseeded = RandomGenerator()
        #expect(throws: CryptoError.notSeeded) { try transaction.renewNonce(random: &unseeded) }
        #expect(throws: CryptoError.notSeeded) { _ = try Transaction(random: &unseeded) }
    }
}
