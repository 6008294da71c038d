import Foundation
import LibCrypto

/// The handling of one pkiMessage (RFC 8894, sections 3 and 4.3 to 4.6).
struct PKIOperation {
    let authority: Authority
    let faults: [Fault]

    /// What a request gets, when it is not refused.
    private enum Grant {
        case pending
        case certificate(Certificate)
        case list(RevocationList)
    }

    /// What was found out about a request on the way, which its answer is made of even if it is refused.
    private struct Findings {
        var generation: Int
        var signer: Certificate?
        var cipher: Cipher?
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
        event.messageType = Int(message.type).flatMap(MessageType.init(rawValue:))
        var findings = Findings(generation: authority.state.withLock { $0.register.current })
        var reply = CertRep(transactionID: message.transactionID, recipientNonce: message.senderNonce)
        do {
            let grant = try grant(message, &findings, &event)
            switch grant {
            case .pending:
                reply.status = .pending
                event.outcome = "PENDING"
            case .certificate(let certificate):
                event.outcome = "SUCCESS serial \(certificate.serialText)"
                reply.content = try CertificatesOnly.encode(try carried(certificate, findings))
            case .list(let list):
                event.outcome = "SUCCESS CRL of \(try list.serials().count) entries"
                reply.content = try CertificatesOnly.encode([], lists: [list])
            }
        } catch let refusal as Refusal {
            reply.status = .failure
            reply.refusal = refusal
            reply.content = nil
            event.outcome = "FAILURE \(refusal.failInfo.name): \(refusal.text)"
        }
        reply.recipient = findings.signer
        reply.digest = message.acceptedDigest(authority.configuration) ?? .sha256
        reply.cipher = findings.cipher ?? .aes128
        let hierarchy = authority.state.withLock { $0.generations[findings.generation] }
        let encoded = try reply.encoded(
            by: hierarchy, style: authority.configuration.personality.reply, faults: faults,
            configuration: authority.configuration)
        return Answer(mediaType: authority.configuration.personality.mediaTypes.message, body: encoded)
    }

    private func grant(
        _ message: PKIMessage, _ findings: inout Findings, _ event: inout LogEvent
    ) throws -> Grant {
        let signer = try message.verifiedSigner(authority.configuration)
        findings.signer = signer
        guard let type = event.messageType, type != .certRep else {
            throw Refusal(.badRequest, "messageType \(message.type) is not served")
        }
        for case .failure(let refusal) in faults { throw refusal }
        let content = try open(message, &findings)
        guard signer.publicKey.isRSA else {
            throw Refusal(.badAlg, "the signer's key cannot decrypt, so that no reply can be encrypted for it")
        }
        switch type {
        case .certRep:
            throw Refusal(.badRequest, "messageType \(message.type) is not served")
        case .pkcsReq, .renewalReq:
            return try enrol(content, type, message, signer, &findings, &event)
        case .certPoll:
            return try poll(content, message, signer, findings, &event)
        case .getCert:
            return try .certificate(certificate(identification(content, &event)))
        case .getCRL:
            return try .list(list(identification(content, &event)))
        }
    }

    // MARK: - The envelope

    private func open(_ message: PKIMessage, _ findings: inout Findings) throws -> [UInt8] {
        guard let content = message.signed.content, !content.isEmpty else {
            throw Refusal(.badRequest, "the message carries nothing")
        }
        let envelope: Envelope
        do throws(LibCryptoError) {
            envelope = try Envelope(content)
        } catch {
            throw Refusal(.badRequest, error.description)
        }
        let (generations, current) = authority.state.withLock { ($0.generations, $0.register.current) }
        // Section 5.1: a request for the next CA is told by its envelope.
        let served = generations.indices.filter { $0 >= current }
        let opened: Envelope.Opened?
        do throws(LibCryptoError) {
            opened = try envelope.open(
                with: served.map { (generations[$0].opener.certificate, generations[$0].opener.key) })
        } catch {
            throw Refusal(.badMessageCheck, error.description)
        }
        guard let opened else { throw misaddressed(envelope, generations, current) }
        findings.generation = generations.firstIndex { $0.opener.certificate == opened.certificate } ?? current
        let acceptsObsolete = authority.configuration.acceptsObsoleteAlgorithms
        guard let cipher = opened.cipher, acceptsObsolete || cipher != .des else {
            throw Refusal(.badAlg, "the envelope is encrypted with a cipher that is not taken here")
        }
        findings.cipher = cipher
        return opened.content
    }

    private func misaddressed(_ envelope: Envelope, _ generations: [Hierarchy], _ current: Int) -> Refusal {
        if envelope.recipients.contains(.password) {
            return Refusal(.badAlg, "the envelope is for a password; only key transport is served")
        }
        if current > 0 {
            return Refusal(.badRequest, "the envelope is for another certificate than the CA's; has it rolled over?")
        }
        return Refusal(.badRequest, "the envelope is not for \(generations[current].opener.certificate.subject)")
    }

    // MARK: - Enrolment and renewal

    private func enrol(
        _ content: [UInt8], _ type: MessageType, _ message: PKIMessage, _ signer: Certificate,
        _ findings: inout Findings, _ event: inout LogEvent
    ) throws -> Grant {
        let request: CertificationRequest
        do throws(LibCryptoError) {
            request = try CertificationRequest(der: content)
        } catch {
            throw Refusal(.badRequest, error.description)
        }
        findings.request = request
        event.subject = request.subject.description
        try authority.examine(request)
        let renewed = try renewedCertificate(signer)
        if let renewed {
            guard renewed.subject.matches(request.subject) else {
                throw Refusal(.badRequest, "a renewal must keep the subject \(renewed.subject)")
            }
            if type == .pkcsReq { event.notes.append("a renewal as PKCSReq") }
        } else {
            guard type == .pkcsReq else {
                throw Refusal(.badRequest, "a RenewalReq must be signed with a certificate of this CA")
            }
            guard signer.publicKey == request.publicKey else {
                throw Refusal(.badRequest, "the message is signed with another key than the one it requests")
            }
            event.notes += signer.oddities(as: request)
        }
        let uncopied = (try? request.requestedExtensions())?.map(\.identifier)
            .filter { !authority.configuration.copiedExtensions.contains($0) }
        if let uncopied, !uncopied.isEmpty {
            event.notes.append("not copied: \(uncopied.joined(separator: ", "))")
        }
        let generation = findings.generation
        return try authority.state.withLock { state in
            if let known = state.register.transactions[message.transactionID],
                let grant = try resume(known, request, renewed, in: state)
            {
                return grant
            }
            if case .refuse(let refusal) = authority.configuration.policy { throw refusal }
            if renewed == nil { try authority.admit(request, state: &state) }
            let transaction = Transaction(
                id: message.transactionID, messageType: type, received: authority.configuration.clock(),
                request: Data(request.der), subject: request.subject.description,
                publicKey: Data(request.publicKey.der), signerKey: Data(signer.publicKey.der),
                renews: renewed?.serialText, generation: generation, state: .pending(polls: 0))
            state.register.transactions[transaction.id] = transaction
            defer { try? Storage.save(state, in: authority.configuration.directory) }
            guard authority.configuration.policy == .automatic else { return .pending }
            return .certificate(try authority.issue(for: transaction, state: &state))
        }
    }

    /// The issued certificate that `signer` is, when it may be renewed; nil when it is none of ours.
    private func renewedCertificate(_ signer: Certificate) throws -> Certificate? {
        let issued = authority.state.withLock { $0.register.issued[signer.serialText] }
        guard let issued, [UInt8](issued.certificate) == signer.der else { return nil }
        if issued.revocation != nil { throw Refusal(.badRequest, "certificate \(signer.serialText) is revoked") }
        guard signer.isValid(at: authority.configuration.clock()) else {
            throw Refusal(.badRequest, "certificate \(signer.serialText) has expired")
        }
        return signer
    }

    /// What a request gets that came before, or nil when it is a new one under an old transactionID.
    private func resume(
        _ known: Transaction, _ request: CertificationRequest, _ renewed: Certificate?, in state: Authority.State
    ) throws -> Grant? {
        guard known.publicKey == Data(request.publicKey.der) else {
            throw Refusal(.badRequest, "the transactionID was used for another key")
        }
        // The same key renewed has the same transactionID when that is derived from the key, as is common.
        guard known.renews == renewed?.serialText else { return nil }
        switch known.state {
        case .pending: return .pending
        case .issued(let serial): return .certificate(try issued(serial, in: state))
        case .refused(let refusal): throw refusal
        }
    }

    private func poll(
        _ content: [UInt8], _ message: PKIMessage, _ signer: Certificate, _ findings: Findings,
        _ event: inout LogEvent
    ) throws -> Grant {
        let names: IssuerAndSubject
        do throws(LibCryptoError) {
            names = try IssuerAndSubject(der: content)
        } catch {
            throw Refusal(.badRequest, error.description)
        }
        event.subject = names.subject.description
        return try authority.state.withLock { state in
            guard var transaction = state.register.transactions[message.transactionID] else {
                throw Refusal(.badCertId, "no request was made under this transactionID")
            }
            guard transaction.signerKey == Data(signer.publicKey.der) else {
                throw Refusal(.badRequest, "the poll is signed with another key than the request was")
            }
            // Section 3.3.3: the transactionID counts, not the names. They should be right all the same.
            if !state.generations[transaction.generation].issuer.certificate.subject.matches(names.issuer) {
                event.notes.append("the poll names the issuer \(names.issuer)")
            }
            if names.subject.description != transaction.subject {
                event.notes.append("the poll names another subject than the request")
            }
            switch transaction.state {
            case .issued(let serial): return .certificate(try issued(serial, in: state))
            case .refused(let refusal): throw refusal
            case .pending(let polls):
                transaction.state = .pending(polls: polls + 1)
                state.register.transactions[transaction.id] = transaction
                defer { try? Storage.save(state, in: authority.configuration.directory) }
                guard case .afterPolls(let wanted) = authority.configuration.policy, polls + 1 >= wanted else {
                    return .pending
                }
                return .certificate(try authority.issue(for: transaction, state: &state))
            }
        }
    }

    private func issued(_ serial: String, in state: Authority.State) throws -> Certificate {
        guard let issued = state.register.issued[serial] else {
            throw Refusal(.badCertId, "certificate \(serial) is no longer known")
        }
        return try Certificate(der: [UInt8](issued.certificate))
    }

    // MARK: - Certificates and CRLs

    private func identification(_ content: [UInt8], _ event: inout LogEvent) throws(Refusal) -> IssuerAndSerialNumber {
        do throws(LibCryptoError) {
            let identification = try IssuerAndSerialNumber(der: content)
            event.subject = "serial \(identification.serial.hexadecimal)"
            return identification
        } catch {
            throw Refusal(.badRequest, error.description)
        }
    }

    private func certificate(_ wanted: IssuerAndSerialNumber) throws -> Certificate {
        try authority.state.withLock { state in
            let published = state.generations.flatMap(\.published)
            let found =
                try state.register.issued[wanted.serial.hexadecimal].map {
                    try Certificate(der: [UInt8]($0.certificate))
                } ?? published.first { $0.serial == wanted.serial }
            guard let found, found.issuer.matches(wanted.issuer) else {
                throw Refusal(.badCertId, "there is no such certificate")
            }
            return found
        }
    }

    private func list(_ wanted: IssuerAndSerialNumber) throws -> RevocationList {
        try authority.state.withLock { state in
            for (index, hierarchy) in state.generations.enumerated() {
                let issuer = hierarchy.authorities.first { $0.certificate.subject.matches(wanted.issuer) }
                guard let issuer else { continue }
                return try authority.makeList(issuer: issuer, generation: index, state: &state)
            }
            throw Refusal(.badCertId, "no CA of that name is here")
        }
    }

    // MARK: - Faults

    /// The certificates of a SUCCESS.
    private func carried(_ certificate: Certificate, _ findings: Findings) throws -> [Certificate] {
        let hierarchy = authority.state.withLock { $0.generations[findings.generation] }
        let chain =
            authority.configuration.personality.reply.issuedComesWithChain
            ? hierarchy.authorities.map(\.certificate) : []
        guard let request = findings.request else { return [certificate] + chain }
        if faults.contains(.certificateForAnotherKey) {
            let key = try PrivateKey.generate(.rsa2048).publicKey()
            return [try authority.makeCertificate(for: request, issuer: hierarchy.issuer, key: key)] + chain
        }
        if faults.contains(.unknownIssuer) {
            let impostor = try Hierarchy(authority.configuration, generation: findings.generation + 1)
            return [try authority.makeCertificate(for: request, issuer: impostor.issuer)] + chain
        }
        return [certificate] + chain
    }
}

extension Certificate {
    /// Where a self-signed certificate differs from what RFC 8894, section 2.3, asks of it.
    fileprivate func oddities(as request: CertificationRequest) -> [String] {
        var result: [String] = []
        if !subject.matches(request.subject) { result.append("the self-signed certificate is of another subject") }
        if subject != issuer || !isSigned(by: publicKey) {
            result.append("the signer's certificate is not self-signed")
        }
        let usage = (try? extensions())?.compactMap(\.keyUsage).first
        let needed: KeyUsage = publicKey.isRSA ? [.digitalSignature, .keyEncipherment] : .digitalSignature
        if let usage {
            if !usage.isSuperset(of: needed) {
                result.append("the self-signed certificate's keyUsage allows too little")
            }
        } else {
            result.append("the self-signed certificate has no keyUsage")
        }
        return result
    }
}
