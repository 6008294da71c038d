import Agent
import CMS
import DER
import DeviceCrypto
import Output
import PKIX

extension Inspection {
    /// Describes an EnvelopedData (RFC 5652, 6) with recipients of any kind, and opens it if it can.
    mutating func describe(envelopedData der: [UInt8]) throws(DERError) {
        report.field("kind", "EnvelopedData")
        var outer = DERReader(der.span)
        var info = try outer.enter()
        _ = try info.read(.objectIdentifier)
        var wrapped = try info.enter(.contextConstructed(0))
        var content = try wrapped.enter()
        report.field("cmsVersion", number: try content.read(.integer).smallInteger(atMost: 255))
        _ = try content.readIfPresent(.contextConstructed(0))
        let recipients = try content.read(.set)
        var contentInfo = try content.enter()
        report.field("contentType", text: Text(identifier: try contentInfo.read(.objectIdentifier).contents))
        try field("contentEncryptionAlgorithm", algorithm: &contentInfo)
        let encrypted = try contentInfo.read()
        report.field("encryptedBytes", number: encrypted.content.count)
        let names = try describe(recipients)
        checkRecipient(names)
        open(der)
    }

    /// - Returns: the IssuerAndSerialNumber of each recipient that is named by one.
    private mutating func describe(_ recipients: borrowing DERElement) throws(DERError) -> [[UInt8]] {
        var names: [[UInt8]] = []
        var list = recipients.reader
        report.beginList("recipients")
        while !list.isAtEnd {
            let recipient = try list.read()
            var reader = recipient.reader
            report.beginItem()
            switch recipient.tag {
            case .sequence:
                report.field("recipient", "KeyTransRecipientInfo")
                _ = try reader.read(.integer)
                if reader.nextTag == .sequence {
                    var again = reader
                    names.append(Text(try reader.read().encoding))
                    try describe(issuerAndSerialNumber: &again)
                } else {
                    report.field("subjectKeyIdentifier", hex: try reader.read(.context(0)).contents)
                }
                try describe(keyTransport: &reader)
                report.field("encryptedKeyBits", number: try reader.read(.octetString).content.count * 8)
            case .contextConstructed(3):
                report.field("recipient", "PasswordRecipientInfo")
                try describe(passwordRecipient: &reader)
            case .contextConstructed(1): report.field("recipient", "KeyAgreeRecipientInfo")
            case .contextConstructed(2): report.field("recipient", "KEKRecipientInfo")
            default: report.field("recipient", "OtherRecipientInfo")
            }
            report.endItem()
        }
        report.endList()
        return names
    }

    private mutating func describe(keyTransport reader: inout DERReader) throws(DERError) {
        var again = reader
        var algorithm = try reader.enter()
        let identifier = try algorithm.read(.objectIdentifier)
        report.field("keyEncryptionAlgorithm", text: Text(identifier: identifier.contents))
        guard !identifier.isIdentifier(.rsaEncryption) else { return }
        // Absent parameters mean SHA-1 (RFC 8017, A.2.1).
        if case .oaep(let digest)? = try? RSAPadding(&again) {
            report.field("oaepDigest", digest.name)
        } else if let parameters = try? algorithm.read() {
            var text = Text()
            text.append(hex: parameters.encoding, limit: 64)
            report.field("parameters", text: text)
        }
    }

    /// Describes up to encryptedKey (RFC 5652, 6.2.4; RFC 8018, A.2).
    private mutating func describe(passwordRecipient reader: inout DERReader) throws(DERError) {
        _ = try reader.read(.integer)
        if let derivation = try reader.readIfPresent(.contextConstructed(0)) {
            var content = derivation.reader
            report.field("keyDerivationAlgorithm", text: Text(identifier: try content.read(.objectIdentifier).contents))
            var parameters = try content.enter()
            report.field("saltBytes", number: try parameters.read(.octetString).content.count)
            report.field("iterations", number: try parameters.read(.integer).smallInteger(atMost: 0xFF_FFFF))
            if let size = try parameters.readIfPresent(.integer) {
                report.field("keyBytes", number: try size.smallInteger(atMost: 0xFFFF))
            }
            if parameters.isAtEnd {
                report.field("prf", "hmacWithSHA1")
            } else {
                try field("prf", algorithm: &parameters)
            }
        }
        var encryption = try reader.enter()
        report.field("keyEncryptionAlgorithm", text: Text(identifier: try encryption.read(.objectIdentifier).contents))
        if encryption.nextTag == .sequence { try field("keyEncryptionCipher", algorithm: &encryption) }
    }

    /// Whether the envelope is for who has to open it: in a request a certificate of the CA's, in a reply the one that
    /// the request was signed with (RFC 8894, 2.3), whichever key the issued certificate is for.
    private mutating func checkRecipient(_ names: [[UInt8]]) {
        guard let first = names.first else { return }
        let signer = request?.signer ?? []
        if isOfReply != false, !signer.isEmpty {
            guard !Self.isNamed(signer.span, by: first) else {
                return check("recipient", .pass, "it is the certificate that the request was signed with")
            }
            guard isOfReply == nil else {
                return check("recipient", .fail, "it is not the certificate that the given request was signed with")
            }
        }
        guard isOfReply != true else {
            return check("recipient", .unknown, "no request was given; it has to be who signed that")
        }
        let ca = ca
        guard !ca.isEmpty else {
            return check("recipient", .unknown, "no certificate to compare it with")
        }
        var list = DERReader(ca.span)
        while !list.isAtEnd, let whole = try? list.read() {
            if Self.isNamed(whole.encoding, by: first) {
                return check("recipient", .pass, "it is a given certificate of the CA")
            }
        }
        guard isOfReply != nil || !signer.isEmpty else {
            return check("recipient", .unknown, "it may be a reply's, which is for who signed the request")
        }
        check("recipient", .fail, "it is no given certificate of the CA")
    }

    private static func isNamed(_ certificate: Span<UInt8>, by name: [UInt8]) -> Bool {
        guard let parsed = try? Certificate(certificate) else { return false }
        var reader = DERReader(name.span)
        guard var content = try? reader.enter(), let issuer = try? content.read(.sequence),
            let serial = try? content.read(.integer)
        else { return false }
        return areNamesEqual(parsed.issuer, issuer.encoding) && areEqual(parsed.serialNumber, serial.contents)
    }

    /// Whether the given key is that of a certificate; nil if nobody can tell.
    mutating func hasGivenKey(_ certificate: [UInt8]) -> Bool? {
        guard options.hasKey, let parsed = try? Certificate(certificate.span) else { return nil }
        var scratch = [UInt8](repeating: 0, count: 512)
        var buffer = scratch.mutableSpan
        return try? parsed.subjectPublicKeyInfo.matches(&options.key, scratch: &buffer)
    }

    // MARK: opening

    private mutating func open(_ der: [UInt8]) {
        let envelope: EnvelopedData
        do throws(DERError) {
            envelope = try EnvelopedData(der.span, in: 0..<der.count)
        } catch {
            check("client", .fail, "the client would refuse this envelope: ", error)
            return check("decryption", .unknown, "nothing to decrypt with what the client knows")
        }
        check("client", .pass, "the client reads this envelope")
        check("cipher", permits: envelope.cipher)
        if let cipher = envelope.keyEncryptionCipher { check("keyEncryptionCipher", permits: cipher) }
        let isForPassword = envelope.keyEncryptionCipher != nil
        if isForPassword ? options.password.isEmpty : !options.hasKey {
            return check(
                "decryption", .unknown,
                isForPassword ? "no challengePassword was given to open it with" : "no key was given to open it with")
        }
        if isOfReply == true, !isForPassword, let signer = request?.signer, hasGivenKey(signer) == false {
            return check(
                "decryption", .unknown,
                "the given key is not the one that signed the request, which alone opens this: give that one")
        }
        var message = der
        var plain: [UInt8] = []
        defer {
            message.wipe()
            plain.wipe()
        }
        do throws(DERError) {
            let range = try decrypt(envelope, &message, isForPassword)
            plain = message.part(range)
            check("decryption", .pass, isForPassword ? "the password opens it" : "the key opens it")
        } catch {
            return check("decryption", .fail, "it cannot be opened: ", error)
        }
        report.beginObject("content")
        let wasInEnvelope = isInEnvelope
        isInEnvelope = true
        _ = describe(plain)
        isInEnvelope = wasInEnvelope
        report.endObject()
        opened.wipe()
        opened = (try? plain.normalized(0..<plain.count)) ?? []
    }

    private mutating func decrypt(
        _ envelope: EnvelopedData, _ bytes: inout [UInt8], _ isForPassword: Bool
    ) throws(DERError) -> Range<Int> {
        var buffer = bytes.mutableSpan
        if !isForPassword {
            return try envelope.open(&buffer, key: &options.key, password: Span(), random: &random)
        }
        // A password stands for any key that cannot decrypt itself.
        var key = SoftwareKey()
        defer { key.wipe() }
        do throws(CryptoError) {
            try key.generate(.p256, random: &random)
        } catch {
            throw DERError(.crypto(error), at: 0)
        }
        let password = options.password
        return try envelope.open(&buffer, key: &key, password: password.span, random: &random)
    }
}
