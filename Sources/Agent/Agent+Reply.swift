import Board
import Bytes
import DER
import DeviceCrypto
import HTTP
import PKIX
import SCEP

extension Agent where Key: ~Copyable {
    /// Checks a reply, whose body stands in `work`.
    ///
    /// - Parameter operation: what was asked.
    /// - Throws: ``AgentError``, if the run ends with it.
    public mutating func received<S: SnapshotStorage & ~Copyable>(
        _ response: Response, to operation: Operation, configuration: borrowing Configuration,
        store: inout IdentityStore<S>, work: inout MutableSpan<UInt8>, random: inout RandomGenerator
    ) throws(AgentError) {
        if let date = response.date { time.note(date: date) }
        do throws(AgentError) {
            try handle(response, operation, configuration, &store, &work, &random)
        } catch {
            try handleFailure(error, of: error.operation, configuration, &random)
        }
    }

    /// Takes note that there was no reply.
    ///
    /// - Throws: ``AgentError/exchange(_:_:)``, if the run ends with it.
    public mutating func failed(
        _ error: ExchangeError, to operation: Operation, configuration: borrowing Configuration,
        random: inout RandomGenerator
    ) throws(AgentError) {
        let failure = AgentError.exchange(operation, error)
        do throws(AgentError) {
            // As old servers do that do not know it (RFC 8894, 3.5.2).
            guard operation == .getCACaps, error.isSilence else { throw failure }
            try handleMissingCapabilities(failure, configuration)
        } catch {
            try handleFailure(error, of: operation, configuration, &random)
        }
    }

    private mutating func handle<S: SnapshotStorage & ~Copyable>(
        _ response: Response, _ operation: Operation, _ configuration: borrowing Configuration,
        _ store: inout IdentityStore<S>, _ work: inout MutableSpan<UInt8>, _ random: inout RandomGenerator
    ) throws(AgentError) {
        failureText = response.body
        if operation.isPKIOperation, !takesNoPost, response.meansNoPost {
            // The same message again, as GET.
            takesNoPost = true
            return
        }
        let isMessage = response.mediaType == .pkiMessage && operation.isPKIOperation
        guard response.status == 200 || isMessage else {
            let refusal = AgentError.status(operation, response.status, text: response.body)
            switch operation {
            case .getCACaps where response.meansUnknownOperation:
                return try handleMissingCapabilities(refusal, configuration)
            // Nobody has to have a next CA.
            case .getNextCACert where response.status < 500: return move(.notOffered)
            // Nor does every chain go on.
            case .getCACert where isInChain: throw .scep(operation, .fingerprintMismatch, text: 0..<0)
            default: throw refusal
            }
        }
        var unexplained: AgentError?
        do throws(SCEPError) {
            switch operation {
            case .getCACaps: try handleCapabilities(Capabilities(work.span.extracting(response.body)), configuration)
            case .getCACert: unexplained = try handleCACertificates(response.body, configuration, &work)
            case .getNextCACert: try handleNextCACertificates(response.body, configuration, &work)
            case .pkcsReq, .renewalReq, .certPoll:
                try handleAnswer(operation, response.body, configuration, &work, &random)
            case .getCert, .getCRL: break
            }
        } catch {
            throw .scep(operation, error, text: failureText)
        }
        if let unexplained { throw unexplained }
        guard operation == .getCert || operation == .getCRL else { return }
        let own = try readOwn(behind: response.body, operation, &store, &work)
        do throws(SCEPError) {
            try handleLookUp(operation, response.body, own, configuration, &work, &random)
        } catch {
            throw error == .revoked ? .revoked : .scep(operation, error, text: failureText)
        }
    }

    /// Reads the CertRep that stands at `body`; what was refused says so at ``failureText``.
    mutating func read(_ body: Range<Int>, _ work: inout MutableSpan<UInt8>) throws(SCEPError) -> CertRep {
        guard let lastRequest else { throw .wrongTransactionID }
        // Until the next identity takes over either CA may answer.
        let trusted = CACertificates(caCertificates.span.extracting(allCAs))
        let answer = try CertRep(
            &work, body: body, from: trusted, to: lastRequest, policy: &policy, moment: time.moment)
        if case .failure(_, let text) = answer { failureText = text }
        return answer
    }

    @inline(never)
    mutating func noteUncertainTime() {
        if case .exact = time.moment { return }
        timeWasUnknown = true
    }
}

extension Response {
    /// Whether a server that was sent a POST knows GET only: old ones answer nothing, or that they do not know it.
    fileprivate var meansNoPost: Bool { status == 200 && body.isEmpty || status == 405 || status == 501 }

    /// Whether a server may say by it that it does not know what was asked. One that is busy, or wants to know who asks,
    /// says nothing of what it can do.
    fileprivate var meansUnknownOperation: Bool {
        switch status {
        case 400, 404, 405, 500, 501: true
        default: false
        }
    }
}

extension ExchangeError {
    /// Whether the server took the request and closed the connection without a byte.
    public var isSilence: Bool {
        switch self {
        case .receiving(.reset): true
        case .reply(let error): error.kind == .noReply
        default: false
        }
    }
}
