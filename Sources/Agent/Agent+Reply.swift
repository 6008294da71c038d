import Board
import DER
import DeviceCrypto
import HTTP
import PKIX
import SCEP

extension Agent where Key: ~Copyable {
    /// Judges a reply, whose body stands in `work`.
    ///
    /// - Parameter operation: what was asked.
    /// - Throws: ``AgentError``, if it is final: see ``AgentError/isTemporary``.
    public mutating func received<S: SnapshotStorage & ~Copyable>(
        _ response: Response, to operation: Operation, configuration: borrowing Configuration,
        store: inout IdentityStore<S>, work: inout MutableSpan<UInt8>, random: inout RandomGenerator
    ) throws(AgentError) {
        if let date = response.date { time.note(date: date) }
        do throws(AgentError) {
            try judge(response, to: operation, configuration, &store, &work, &random)
        } catch {
            try settle(error, of: operation, configuration, &random)
        }
    }

    private mutating func judge<S: SnapshotStorage & ~Copyable>(
        _ response: Response, to operation: Operation, _ configuration: borrowing Configuration,
        _ store: inout IdentityStore<S>, _ work: inout MutableSpan<UInt8>, _ random: inout RandomGenerator
    ) throws(AgentError) {
        failureText = response.body
        if operation.isPKIOperation, !takesNoPost, response.meansNoPost {
            // The same message again, as GET.
            takesNoPost = true
            return
        }
        let isMessage = response.mediaType == .pkiMessage && operation.isPKIOperation
        if response.status != 200, !isMessage {
            let refusal = AgentError.status(operation, response.status, text: response.body)
            switch operation {
            case .getCACaps: return try learnNothing(from: refusal, configuration)
            // Nobody has to have a next CA.
            case .getNextCACert where response.status < 500: return finish()
            // Nor does every chain go on.
            case .getCACert where chainLength > 0: throw .scep(operation, .fingerprintMismatch, text: 0..<0)
            default: throw refusal
            }
        }
        do throws(SCEPError) {
            switch operation {
            case .getCACaps: try learn(Capabilities(work.span.extracting(response.body)), configuration)
            case .getCACert: try trust(response.body, configuration, &work)
            case .getNextCACert: try trustNext(response.body, &work)
            case .pkcsReq, .renewalReq, .certPoll:
                try judge(operation, response.body, configuration, &work, &random)
            case .getCert, .getCRL: break
            }
        } catch {
            throw .scep(operation, error, text: failureText)
        }
        guard operation == .getCert || operation == .getCRL else { return }
        let own = try readOwn(behind: response.body, operation, &store, &work)
        do throws(SCEPError) {
            try lookUp(operation, response.body, own, configuration, &work, &random)
        } catch {
            throw error == .revoked ? .revoked : .scep(operation, error, text: failureText)
        }
    }

    /// Takes note that there was no reply.
    ///
    /// - Throws: ``AgentError/exchange(_:_:)``, if it is final.
    public mutating func failed(
        _ error: ExchangeError, to operation: Operation, configuration: borrowing Configuration,
        random: inout RandomGenerator
    ) throws(AgentError) {
        let failure = AgentError.exchange(operation, error)
        do throws(AgentError) {
            // As old servers do that do not know it (RFC 8894, 3.5.2).
            guard operation == .getCACaps, error.isSilence else { throw failure }
            try learnNothing(from: failure, configuration)
        } catch {
            try settle(error, of: operation, configuration, &random)
        }
    }

    /// Takes a server that does not know GetCACaps for one without capabilities, if the policy allows for so little;
    /// if not, `failure` is what stands in the way.
    private mutating func learnNothing(
        from failure: AgentError, _ configuration: borrowing Configuration
    ) throws(AgentError) {
        if goal == .nextCA, !failure.isTemporary { return finish() }
        do throws(SCEPError) {
            _ = try Algorithms(Capabilities(), &policy)
            try learn(Capabilities(), configuration)
        } catch {
            throw failure
        }
    }

    private mutating func learn(
        _ capabilities: Capabilities, _ configuration: borrowing Configuration
    ) throws(SCEPError) {
        self.capabilities = capabilities
        switch goal {
        case .askTime: return finish()
        case .nextCA:
            guard capabilities.contains(.getNextCACert) else { return finish() }
            phase = .nextCACertificate
            return
        case .resume: phase = transaction?.isPending ?? false ? .poll : .request
        case .enrol, .renew: phase = .caCertificates
        case .rollOver, .handOver: phase = .key
        case .certificate: phase = .certificate
        case .revocationList: phase = .revocationList
        }
        // What cannot work is said before anything is sent.
        do throws(SCEPError) {
            _ = try Algorithms(capabilities, &policy)
        } catch {
            throw capabilities == Capabilities() ? .noCapabilities : error
        }
    }

    /// What is due next is found out anew.
    mutating func finish() { phase = .plan }

    private mutating func trust(
        _ body: Range<Int>, _ configuration: borrowing Configuration, _ work: inout MutableSpan<UInt8>
    ) throws(SCEPError) {
        guard let fingerprints = Fingerprints(configuration.fingerprint) else { throw .fingerprintMismatch }
        checkTime()
        var reply = try GetCACert.read(&work, body: body)
        if chainLength > 0 { reply.certificates = try chain(reply.certificates, &work) }
        var room = caCertificates.mutableSpan
        do throws(SCEPError) {
            caCount = try GetCACert.accept(
                work.span, certificates: reply.certificates, fingerprints: fingerprints,
                known: chainLength > 0 ? 0 : caCount, policy: &policy, moment: time.moment, into: &room)
        } catch {
            // Of a server that gives them out one by one, the first may be the registration authority's, known already.
            if error == .pinnedIsNotCA, reply.isSingle, caCount > 0 {
                phase = .key
                return
            }
            // A single certificate may be the first of a chain, as Dogtag gives it out.
            guard error == .fingerprintMismatch, reply.isSingle, held == nil, configuration.message.count == 0,
                chainLength < CACertificates.maximumCount
            else { throw error }
            return try keepChain(reply.certificates, work.span)
        }
        chainLength = 0
        let ca = CACertificates(room.span.extracting(first: caCount))
        _ = try ca.encryptionCertificate()
        // No certificate of a CA is valid for longer than the CA's own: one of no use is not asked for.
        if goal == .renew, let held, try ca.issuingCertificate().notAfter <= held.notAfter {
            throw .validityNotExtended
        }
        phase = .key
    }

    /// Keeps a chain as far as it came, so that the next of its certificates can be fetched.
    private mutating func keepChain(_ certificates: Range<Int>, _ work: Span<UInt8>) throws(SCEPError) {
        guard certificates.count <= caCapacity else { throw .tooManyCACertificates }
        for index in certificates { caCertificates[index &- certificates.lowerBound] = work[index] }
        chainCount = certificates.count
        chainLength &+= 1
    }

    /// Puts the chain as far as it came in front of its next certificate.
    ///
    /// - Throws: ``SCEPError/fingerprintMismatch`` when the server goes on giving the same one.
    private func chain(_ next: Range<Int>, _ work: inout MutableSpan<UInt8>) throws(SCEPError) -> Range<Int> {
        let length = next.count
        guard length <= work.count &- chainCount else { throw .tooManyCACertificates }
        var isNew = chainCount < length
        var index = length
        while index > 0 {
            index &-= 1
            let byte = work[next.lowerBound &+ index]
            if !isNew, byte != caCertificates[chainCount &- length &+ index] { isNew = true }
            work[chainCount &+ index] = byte
        }
        guard isNew else { throw .fingerprintMismatch }
        for index in 0..<chainCount { work[index] = caCertificates[index] }
        return 0..<(chainCount &+ length)
    }

    /// Takes the next CA's certificates, which are stored from where they stand in `work`.
    @inline(never)
    private mutating func trustNext(_ body: Range<Int>, _ work: inout MutableSpan<UInt8>) throws(SCEPError) {
        checkTime()
        let ca = CACertificates(caCertificates.span.extracting(first: caCount))
        certificate = try GetNextCACert.accept(&work, body: body, from: ca, policy: &policy, moment: time.moment)
        // Both CAs are trusted side by side.
        guard certificate.count <= caCapacity &- caCount else { throw .tooManyCACertificates }
        // What the device sends next has to find a key there.
        _ = try CACertificates(work.span.extracting(certificate)).encryptionCertificate()
        event = Event(.nextCA, .getNextCACert)
        phase = .store(.nextCA)
    }

    /// Judges the answer to a request.
    private mutating func judge(
        _ operation: Operation, _ body: Range<Int>, _ configuration: borrowing Configuration,
        _ work: inout MutableSpan<UInt8>, _ random: inout RandomGenerator
    ) throws(SCEPError) {
        guard var transaction else { throw .wrongTransactionID }
        switch try read(body, &work) {
        case .success(let envelope):
            checkTime()
            let found: Range<Int>
            // It is encrypted to the key that signed the request (RFC 8894, 2.3).
            let password = password(configuration)
            let opened: Degenerate
            if transaction.isRenewal {
                opened = try CertRep.open(
                    &work, envelope: envelope, key: &identityKey, password: password, policy: &policy, random: &random)
            } else {
                opened = try CertRep.open(
                    &work, envelope: envelope, key: &key, password: password, policy: &policy, random: &random)
            }
            do throws(SCEPError) {
                found = try find(opened, transaction, work.span)
            } catch {
                // Asked again, the CA would give the same again. But a password would be lost.
                if case .digestBelowFloor = error { throw error }
                guard
                    transaction.isRenewal || !sendsPassword(configuration, transaction)
                        || configuration.challengeIsShared
                else { throw error }
                phase = .store(.end(operation, error))
                return
            }
            // The end of the buffer is needed to store it.
            certificate = 0..<found.count
            for index in certificate { work[index] = work[found.lowerBound &+ index] }
            guard let new = try? HeldCertificate(Certificate(work.span.extracting(certificate))) else {
                throw .certificateForAnotherKey
            }
            let isEarly = transaction.isForNextCA && new.notBefore > time.moment.lowest ?? 0
            if !isEarly { time.raiseFloor(to: new.notBefore) }
            event = Event(isEarly ? .issuedEarly : .issued, operation)
            phase = .store(isEarly ? .nextIdentity : .identity)
        case .failure(let failInfo, _):
            phase = .store(.end(operation, .refused(failInfo)))
        case .pending:
            transaction.isPending = true
            transaction.polls &+= 1
            let wait = configuration.polling.seconds(after: transaction.polls)
            transaction.nextPoll = time.later(seconds: wait)
            self.transaction = transaction
            event = Event(.pending, operation)
            phase = .store(.transaction)
        }
    }

    /// Reads the CertRep that stands at `body`; what was refused says so at ``failureText``.
    private mutating func read(_ body: Range<Int>, _ work: inout MutableSpan<UInt8>) throws(SCEPError) -> CertRep {
        guard let exchanged else { throw .wrongTransactionID }
        // Until the hand-over either CA may answer.
        let trusted = CACertificates(caCertificates.span.extracting(first: nextCACount &+ caCount))
        let answer = try CertRep(&work, body: body, from: trusted, to: exchanged, policy: &policy)
        state.failures = 0
        if case .failure(_, let text) = answer { failureText = text }
        return answer
    }

    private mutating func find(_ opened: Degenerate, _ transaction: TransactionRecord, _ work: Span<UInt8>)
        throws(SCEPError) -> Range<Int>
    {
        let issuers = transaction.isForNextCA ? 0..<nextCACount : currentCA
        return try IssuedCertificate.find(
            work, in: opened.certificates, from: CACertificates(caCertificates.span.extracting(issuers)), key: &key,
            replacing: transaction.isRenewal ? held?.replaced : nil, policy: &policy, moment: time.moment,
            mayBeginLater: transaction.isForNextCA)
    }

    /// Reads the device's own certificate to the end of `work`, behind a reply about it.
    private func readOwn<S: SnapshotStorage & ~Copyable>(
        behind body: Range<Int>, _ operation: Operation, _ store: inout IdentityStore<S>,
        _ work: inout MutableSpan<UInt8>
    ) throws(AgentError) -> Range<Int> {
        do throws(StorageError) {
            guard let size = store.size(of: .certificate) else { throw .corrupt }
            guard size <= work.count &- body.upperBound else {
                throw .full
            }
            let own = (work.count &- size)..<work.count
            var room = work._mutatingExtracting(own)
            _ = try store.read(.certificate, into: &room)
            return own
        } catch {
            guard error != .full else {
                throw .exchange(operation, .reply(HTTPError(.bodyTooLarge, at: body.lowerBound, size: body.count)))
            }
            throw .storage(error)
        }
    }

    /// Judges a reply about the certificate that the device holds, which stands at `own`.
    private mutating func lookUp(
        _ operation: Operation, _ body: Range<Int>, _ own: Range<Int>, _ configuration: borrowing Configuration,
        _ work: inout MutableSpan<UInt8>, _ random: inout RandomGenerator
    ) throws(SCEPError) {
        switch try read(body, &work) {
        case .success(let envelope):
            checkTime()
            let opened = try CertRep.open(
                &work, envelope: envelope, key: &identityKey, password: password(configuration), policy: &policy,
                random: &random)
            guard let certificate = try? Certificate(work.span.extracting(own)) else { throw .wrongCertificate }
            if operation == .getCert {
                _ = try IssuedCertificate.find(
                    work.span, in: opened.certificates, issuer: certificate.issuer,
                    serialNumber: certificate.serialNumber)
            } else {
                let ca = CACertificates(caCertificates.span.extracting(currentCA))
                let isRevoked = try Revocation.check(
                    work.span, in: opened.crls, of: certificate, ca: ca, policy: &policy, moment: time.moment)
                revocationList = opened.crls
                if isRevoked { throw .revoked }
            }
        case .failure(let failInfo, _): throw .refused(failInfo)
        case .pending: throw .unknownStatus
        }
        self.certificate = own
        event = Event(operation == .getCRL ? .notRevoked : .known, operation)
        finish()
    }

    private mutating func checkTime() {
        if case .exact = time.moment { return }
        timeWasUnknown = true
    }
}

extension Response {
    /// Whether a server that was sent a POST knows GET only: old ones answer nothing, or that they do not know it.
    fileprivate var meansNoPost: Bool { status == 200 && body.isEmpty || status == 405 || status == 501 }
}

extension ExchangeError {
    /// Whether the server took the request and closed the connection without a byte.
    var isSilence: Bool {
        switch self {
        case .receiving(.reset): true
        case .reply(let error): error.kind == .noReply
        default: false
        }
    }
}
