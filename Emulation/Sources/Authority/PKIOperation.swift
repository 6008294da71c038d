import Foundation
import LibCrypto

/// The handling of one pkiMessage (RFC 8894, sections 3 and 4.3 to 4.6).
struct PKIOperation {
    let authority: Authority
    let faults: [Fault]

    /// What a request gets, when it is not refused.
    enum Grant {
        case pending
        case certificate(Certificate)
        case list(RevocationList)
    }

    /// What was found out about a request on the way, which its answer is made of even if it is refused.
    struct Findings {
        var generation: Int
        var signer: Certificate?
        var cipher: Cipher?
        /// What the reply is encrypted for when the signer's key cannot decrypt.
        var password: String?
        /// The request for a certificate, for faults that answer with another certificate.
        var request: CertificationRequest?
    }

    /// Answers `bytes`, the pkiMessage.
    func answer(to bytes: [UInt8], event: inout LogEvent) throws -> Answer {
        let message: PKIMessage
        do {
            message = try PKIMessage(bytes)
        } catch {
            return Answer(status: 400, text: error.description)
        }
        event.transactionID = message.transactionID
        event.messageType = Int(message.type).flatMap(CAMessageType.init(rawValue:))
        if let rejection = authority.configuration.profile.unknownMessageType, !isServed(event.messageType) {
            return Answer(rejection, Self.unserved(message).text)
        }
        var findings = Findings(generation: authority.state.withLock { $0.database.current })
        var reply = CertRep(transactionID: message.transactionID, recipientNonce: message.senderNonce)
        var answer = Answer(mediaType: authority.configuration.profile.mediaTypes.message, body: [])
        do {
            let grant = try grant(message, &findings, &event)
            switch grant {
            case .pending:
                reply.status = .pending
                event.outcome = "PENDING"
            case .certificate(let certificate):
                event.outcome = "SUCCESS serial \(certificate.serialText)"
                reply.content = try CertificatesOnly.encode(
                    try carried(certificate, findings),
                    hasEmptyContent: authority.configuration.profile.reply.bundlesHaveEmptyContent)
                if event.messageType != .getCert { answer.delay = authority.configuration.issuingDelay }
            case .list(let list):
                event.outcome = "SUCCESS CRL of \(try list.serials().count) entries"
                reply.content = try CertificatesOnly.encode([], lists: faults.contains(.nothingInside) ? [] : [list])
            }
        } catch let refusal as Refusal {
            reply.status = .failure
            reply.refusal = refusal
            reply.content = nil
            event.outcome = "FAILURE \(refusal.failInfo.name): \(refusal.text)"
            switch authority.configuration.profile.refusal {
            case .certRep: break
            case .certRepWithStatus(let status): answer.status = status
            case .text(let status): return Answer(status: status, text: refusal.text)
            }
        }
        reply.recipient = findings.signer
        reply.password = findings.password
        reply.digest = message.acceptedDigest(authority.configuration) ?? .sha256
        reply.cipher = findings.cipher ?? .aes128
        let hierarchy = authority.state.withLock { $0.generations[findings.generation] }
        answer.body = try reply.encoded(
            by: hierarchy, style: authority.configuration.profile.reply, faults: faults, authority: authority)
        return answer
    }

    private func isServed(_ type: CAMessageType?) -> Bool {
        type.map(authority.configuration.profile.messageTypes.contains) ?? false
    }

    private static func unserved(_ message: PKIMessage) -> Refusal {
        Refusal(.badRequest, "messageType \(message.type) is not served")
    }

    private func grant(
        _ message: PKIMessage, _ findings: inout Findings, _ event: inout LogEvent
    ) throws -> Grant {
        let signer = try message.verifiedSigner(authority.configuration)
        findings.signer = signer
        guard let type = event.messageType, isServed(type) else { throw Self.unserved(message) }
        for case .failure(let refusal) in faults { throw refusal }
        guard signer.publicKey.isRSA || authority.configuration.servesPasswordRecipients else {
            throw Refusal(.badAlg, "the signer's key cannot decrypt, so that no reply can be encrypted for it")
        }
        let content = try open(message, signer, &findings)
        switch type {
        case .certRep:
            throw Self.unserved(message)
        case .pkcsReq, .renewalReq:
            return try enrol(content, type, message, signer, &findings, &event)
        case .certPoll:
            return try poll(content, message, signer, &findings, &event)
        case .getCert:
            try requirePassword(signer, &findings)
            return try .certificate(certificate(identification(content, &event)))
        case .getCRL:
            try requirePassword(signer, &findings)
            return try .list(list(identification(content, &event)))
        }
    }

    private func open(
        _ message: PKIMessage, _ signer: Certificate, _ findings: inout Findings
    ) throws -> [UInt8] {
        guard let content = message.signed.content, !content.isEmpty else {
            throw Refusal(.badRequest, "the message carries nothing")
        }
        let (generations, current) = authority.state.withLock { ($0.generations, $0.database.current) }
        // Section 5.1: a request for the next CA is told by its envelope.
        let served = generations.indices.filter { $0 >= current }
        let envelope: Envelope
        let opened: Envelope.Opened?
        do throws(LibCryptoError) {
            envelope = try Envelope(content)
        } catch {
            throw Refusal(.badRequest, error.description)
        }
        let passwords = passwords(for: envelope, message.transactionID, signer, opener: generations[current].opener)
        do throws(LibCryptoError) {
            if passwords.isEmpty {
                opened = try envelope.open(
                    with: served.map { (generations[$0].opener.certificate, generations[$0].opener.key) })
            } else {
                opened = try envelope.open(withPasswords: passwords)
            }
        } catch {
            throw Refusal(.badMessageCheck, error.description)
        }
        guard let opened else { throw misaddressed(envelope, generations, current) }
        switch opened.opener {
        case .key(let certificate, _):
            findings.generation = generations.firstIndex { $0.opener.certificate == certificate } ?? current
        case .password(let password): findings.password = String(decoding: password, as: UTF8.self)
        }
        let acceptsObsolete = authority.configuration.acceptsObsoleteAlgorithms
        guard let cipher = opened.cipher, acceptsObsolete || cipher != .des else {
            throw Refusal(.badAlg, "the envelope is encrypted with a cipher that is not taken here")
        }
        findings.cipher = cipher
        return opened.content
    }

    private func misaddressed(_ envelope: Envelope, _ generations: [Hierarchy], _ current: Int) -> Refusal {
        let opener = generations[current].opener
        if envelope.recipients.contains(.password) {
            if !authority.configuration.servesPasswordRecipients {
                return Refusal(.badAlg, "the envelope is for a password; only key transport is served")
            }
            if opener.key.canDecrypt {
                return Refusal(
                    .badAlg, "the envelope is for a password, though the key of \(opener.certificate.subject) decrypts")
            }
            return Refusal(.badMessageCheck, "no challengePassword that is known here opens the envelope")
        }
        if current > 0 {
            return Refusal(.badRequest, "the envelope is for another certificate than the CA's; has it rolled over?")
        }
        return Refusal(.badRequest, "the envelope is not for \(generations[current].opener.certificate.subject)")
    }
}
