import Board
import DER
import DeviceCrypto
import HTTP
import SCEP

extension Agent where Key: ~Copyable {
    /// Judges a reply, whose body stands in `work`.
    ///
    /// - Parameters:
    ///   - operation: what was asked.
    ///   - time: seconds since 1970, if known.
    public mutating func received(
        _ response: Response, to operation: Operation, configuration: borrowing Configuration, time: Int64?,
        work: inout MutableSpan<UInt8>, random: inout RandomGenerator
    ) throws(AgentError) {
        if time == nil, operation != .getCACaps { timeWasUnknown = true }
        let isMessage = response.mediaType == .pkiMessage && operation.rawValue >= Operation.pkcsReq.rawValue
        if response.status != 200, !isMessage {
            let refusal = AgentError.status(operation, response.status, text: response.body)
            guard operation == .getCACaps else { throw refusal }
            return try learnNothing(from: refusal)
        }
        var text = 0..<0
        do throws(SCEPError) {
            switch operation {
            case .getCACaps:
                try learn(Capabilities(work.span.extracting(response.body)))
            case .getCACert:
                try trust(response.body, configuration, time, &work)
            case .pkcsReq, .certPoll:
                try judge(operation, response.body, configuration.challenge, time, &work, &random, &text)
            }
        } catch {
            throw .scep(operation, error, text: text)
        }
    }

    /// Takes note that there was no reply.
    ///
    /// - Throws: ``AgentError/exchange(_:_:)``, unless the server closed the connection on GetCACaps, as old ones do
    ///   that do not know it (RFC 8894, 3.5.2).
    public mutating func failed(_ error: ExchangeError, to operation: Operation) throws(AgentError) {
        guard operation == .getCACaps, error.isSilence else { throw .exchange(operation, error) }
        try learnNothing(from: .exchange(operation, error))
    }

    /// Takes a server that does not know GetCACaps for one without capabilities, if the policy allows for so little;
    /// if not, `failure` is what stands in the way.
    private mutating func learnNothing(from failure: AgentError) throws(AgentError) {
        do throws(SCEPError) {
            try learn(Capabilities())
        } catch {
            throw failure
        }
    }

    private mutating func learn(_ capabilities: Capabilities) throws(SCEPError) {
        self.capabilities = capabilities
        // What cannot work is said before anything is sent.
        do throws(SCEPError) {
            _ = try Algorithms(capabilities, &policy)
        } catch {
            throw capabilities == Capabilities() ? .noCapabilities : error
        }
        phase = transaction == nil ? .caCertificates : .poll
    }

    private mutating func trust(
        _ body: Range<Int>, _ configuration: borrowing Configuration, _ time: Int64?,
        _ work: inout MutableSpan<UInt8>
    ) throws(SCEPError) {
        guard let fingerprints = Fingerprints(configuration.fingerprint) else { throw .fingerprintMismatch }
        var trusted = caCertificates.mutableSpan
        caCount = try GetCACert.accept(
            &work, body: body, fingerprints: fingerprints, policy: &policy,
            moment: time.map { .exact($0) } ?? .unknown, into: &trusted)
        _ = try CACertificates(caCertificates.span.extracting(first: caCount)).encryptionCertificate()
        phase = .key
    }

    private mutating func judge(
        _ operation: Operation, _ body: Range<Int>, _ password: Span<UInt8>, _ time: Int64?,
        _ work: inout MutableSpan<UInt8>, _ random: inout RandomGenerator, _ text: inout Range<Int>
    ) throws(SCEPError) {
        guard let transaction else { throw .wrongTransactionID }
        let ca = CACertificates(caCertificates.span.extracting(first: caCount))
        let answer = try CertRep(&work, body: body, from: ca, to: transaction, policy: &policy)
        switch answer {
        case .success(let envelope):
            let reply = try CertRep.open(
                &work, envelope: envelope, key: &key, password: password, policy: &policy, random: &random)
            let found = try IssuedCertificate.find(
                work.span, in: reply.certificates, from: ca, key: &key, replacing: nil, policy: &policy,
                moment: time.map { .exact($0) } ?? .unknown, mayBeginLater: false)
            // The end of the buffer is needed to store it.
            issued = 0..<found.count
            for index in issued { work[index] = work[found.lowerBound &+ index] }
            phase = .storeIdentity
        case .failure(let failInfo, let failInfoText):
            text = failInfoText
            guard operation == .certPoll else { throw .refused(failInfo) }
            // The transaction is over (RFC 8894, 2.5.1): the device's next start must begin another.
            self.transaction = nil
            phase = .storeRefusal(failInfo, text: failInfoText)
        case .pending:
            polls &+= 1
            nextPoll = 0
            if polls == 1 {
                issued = 0..<0
                phase = .storePending
            }
        }
    }
}

extension ExchangeError {
    /// Whether the server took the request and closed the connection without a byte.
    fileprivate var isSilence: Bool {
        switch self {
        case .receiving(.reset): true
        case .reply(let error): error.kind == .noReply
        default: false
        }
    }
}
