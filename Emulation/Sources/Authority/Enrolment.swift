import Foundation
import LibCrypto

/// PKCSReq, RenewalReq and CertPoll (RFC 8894, sections 3.3.1, 3.3.3 and 4.3).
extension PKIOperation {
    func enrol(
        _ content: [UInt8], _ type: CAMessageType, _ message: PKIMessage, _ signer: Certificate,
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
        try enter(request, type, message, signer)
        try authority.examine(request)
        let challenge = try? request.challengePassword()
        if let password = findings.password, password != challenge {
            event.notes.append("the envelope is for another password than the challengePassword")
        }
        try requirePassword(signer, given: challenge, &findings)
        let renewed = try issuedCertificate(signer)
        if let renewed {
            guard renewed.subject.matches(request.subject) else {
                throw Refusal(.badRequest, "a renewal must keep the subject \(renewed.subject)")
            }
            if type == .pkcsReq { event.notes.append("a renewal as PKCSReq") }
        } else {
            guard type == .pkcsReq else {
                throw Refusal(.badRequest, "a RenewalReq must be signed with a certificate of this CA")
            }
            guard signer.subject == signer.issuer, signer.isSigned(by: signer.publicKey) else {
                throw Refusal(.badMessageCheck, "the signer's certificate is neither issued here nor self-signed")
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
        let password = findings.password
        let transaction = Transaction(
            id: message.transactionID, messageType: type, received: authority.now,
            request: Data(request.der), subject: request.subject.description,
            publicKey: Data(request.publicKey.der), signerKey: Data(signer.publicKey.der),
            renews: renewed?.serialText, generation: generation, password: password, state: .pending(polls: 0))
        return try authority.turns.take(transaction.id) {
            try grant(transaction, request, renewed)
        }
    }

    /// What `transaction` gets: what it got before, or something new.
    private func grant(
        _ transaction: Transaction, _ request: CertificationRequest, _ renewed: Certificate?
    ) throws -> Grant {
        let configuration = authority.configuration
        func admission(_ state: Authority.State) throws(Refusal) -> [Database.Change] {
            let needsChallenge = renewed == nil || configuration.renewalsNeedChallenge
            return (needsChallenge ? try authority.admit(request, in: state.database) : []) + [.requested(transaction)]
        }
        let grant: Grant? = try authority.state.withLock { state in
            if configuration.repeatsCertificates, let known = state.database.transactions[transaction.id],
                let grant = try resume(known, request, renewed, in: state)
            {
                return grant
            }
            // Not before: what was asked for in time may be fetched later.
            if let renewed, !configuration.acceptsExpiredRenewals, !renewed.isValid(at: authority.now) {
                throw Refusal(.badRequest, "certificate \(renewed.serialText) has expired")
            }
            if case .refuse(let refusal) = configuration.policy { throw refusal }
            // Nothing is signed for whoever is not admitted now; whether they still are is asked when it is entered.
            let changes = try admission(state)
            guard configuration.policy != .automatic else { return nil }
            authority.enter(changes, in: &state)
            return .pending
        }
        return try grant ?? .certificate(authority.issue(for: transaction, request, admission: admission))
    }

    private func enter(
        _ request: CertificationRequest, _ type: CAMessageType, _ message: PKIMessage, _ signer: Certificate
    ) throws {
        let challenge = (try? request.challengePassword()).flatMap { $0.isEmpty ? nil : [UInt8]($0.utf8) }
        let key = try Digest.sha256.hash(request.publicKey.der).hexadecimal
        let digest = try challenge.map { try Digest.sha256.hash($0).hexadecimal }
        authority.state.withLock { state in
            let isIssued = state.database.issued[signer.serialText]?.certificate == Data(signer.der)
            state.ledger.record(
                Ledger.Entry(
                    transactionID: message.transactionID, messageType: type,
                    renews: isIssued ? signer.serialText : nil, key: key, challenge: digest))
        }
    }

    /// The issued certificate that `signer` is, unless it is revoked; nil when it is none of ours.
    private func issuedCertificate(_ signer: Certificate) throws -> Certificate? {
        let serial = signer.serialText
        let (issued, isRevoked) = authority.state.withLock { state in
            (state.database.issued[serial], state.database.revocations[serial] != nil)
        }
        guard let issued, [UInt8](issued.certificate) == signer.der else { return nil }
        if isRevoked { throw Refusal(.badRequest, "certificate \(serial) is revoked") }
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
        case .issued(let serial):
            let certificate = try issued(serial, in: state)
            // A device that lost everything but its key asks again after years.
            return certificate.notAfter > authority.now ? .certificate(certificate) : nil
        case .refused(let refusal): throw refusal
        }
    }

    func poll(
        _ content: [UInt8], _ message: PKIMessage, _ signer: Certificate, _ findings: inout Findings,
        _ event: inout LogEvent
    ) throws -> Grant {
        let known = authority.state.withLock { $0.database.transactions[message.transactionID]?.password }
        let names: IssuerAndSubject
        do throws(LibCryptoError) {
            names = try IssuerAndSubject(der: content)
        } catch {
            throw Refusal(.badRequest, error.description)
        }
        event.subject = names.subject.description
        if known != nil { try requirePassword(signer, given: known, &findings) }
        return try authority.turns.take(message.transactionID) {
            try answerPoll(names, message, signer, &event)
        }
    }

    private func answerPoll(
        _ names: IssuerAndSubject, _ message: PKIMessage, _ signer: Certificate, _ event: inout LogEvent
    ) throws -> Grant {
        let (transaction, grant): (Transaction, Grant?) = try authority.state.withLock { state in
            guard let transaction = state.database.transactions[message.transactionID] else {
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
            case .issued(let serial): return (transaction, .certificate(try issued(serial, in: state)))
            case .refused(let refusal): throw refusal
            case .pending(let polls):
                authority.enter([.polled(transactionID: transaction.id)], in: &state)
                guard case .afterPolls(let wanted) = authority.configuration.policy, polls + 1 >= wanted else {
                    return (transaction, .pending)
                }
                return (transaction, nil)
            }
        }
        return try grant ?? .certificate(authority.issue(for: transaction))
    }

    private func issued(_ serial: String, in state: Authority.State) throws -> Certificate {
        guard let issued = state.database.issued[serial] else {
            throw Refusal(.badCertId, "certificate \(serial) is no longer known")
        }
        return try Certificate(der: [UInt8](issued.certificate))
    }
}

extension Certificate {
    /// Where a self-signed certificate differs from what RFC 8894, section 2.3, asks of it.
    fileprivate func oddities(as request: CertificationRequest) -> [String] {
        var result: [String] = []
        if !subject.matches(request.subject) { result.append("the self-signed certificate is of another subject") }
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
