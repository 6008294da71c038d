import Board
import CMS
import DER
import DeviceCrypto
import PKIX
import SCEP

extension Agent where Key: ~Copyable {
    /// Builds the pkiMessage of this phase at the end of `work`.
    mutating func build<S: SnapshotStorage & ~Copyable>(
        _ configuration: borrowing Configuration, _ store: inout IdentityStore<S>, _ work: inout MutableSpan<UInt8>,
        _ random: inout RandomGenerator
    ) throws(AgentError) -> AgentAction {
        certificate = 0..<0
        let operation = operation(configuration)
        var held = 0..<0
        do throws(StorageError) {
            try loadKeys(&store, &work)
            if transaction?.isForNextCA ?? false { try loadTrusted(withNext: true, &store) }
            if signsAsHolder {
                guard let size = try store.read(.certificate, into: &work) else { throw .corrupt }
                held = 0..<size
            }
        } catch {
            throw .storage(error)
        }
        let message: Range<Int>
        do throws(SCEPError) {
            message = try write(operation, configuration, &work, held, &random)
        } catch {
            throw .scep(operation, error, text: 0..<0)
        }
        let posts = capabilities.contains(.postPKIOperation) && !takesNoPost
        return .exchange(operation, posts ? .post(message) : .get(message))
    }

    /// Whether the device signs with the certificate that it holds.
    private var signsAsHolder: Bool {
        switch phase {
        case .certificate, .revocationList: true
        default: transaction?.isRenewal ?? false
        }
    }

    private func operation(_ configuration: borrowing Configuration) -> Operation {
        switch phase {
        case .certificate: return .getCert
        case .revocationList: return .getCRL
        case .poll: return .certPoll
        default:
            guard let transaction, transaction.isRenewal else { return .pkcsReq }
            // To older servers, Renewal is a PKCSReq that the old certificate signs.
            let byCapabilities: MessageType = capabilities.contains(.scepStandard) ? .renewalReq : .pkcsReq
            return (configuration.renewalType ?? byCapabilities) == .renewalReq ? .renewalReq : .pkcsReq
        }
    }

    /// After a power-off the keys are still in storage only.
    private mutating func loadKeys<S: SnapshotStorage & ~Copyable>(
        _ store: inout IdentityStore<S>, _ work: inout MutableSpan<UInt8>
    ) throws(StorageError) {
        if signsAsHolder { try Self.load(.privateKey, into: &identityKey, from: &store, &work) }
        guard phase == .request || phase == .poll, let transaction else { return }
        try Self.load(
            transaction.keepsKey ? .privateKey : .transactionKey, into: &key, from: &store, &work)
    }

    private mutating func write(
        _ operation: Operation, _ configuration: borrowing Configuration, _ work: inout MutableSpan<UInt8>,
        _ held: Range<Int>, _ random: inout RandomGenerator
    ) throws(SCEPError) -> Range<Int> {
        // A request that has to be sent again is made of the same randomness, so that it is the same request.
        guard phase == .request, let transaction else {
            return try writeMessage(operation, configuration, &work, held, &random)
        }
        var repeatable = RandomGenerator()
        defer { repeatable.wipe() }
        do throws(CryptoError) {
            try repeatable.seed(transaction.seed.span, personalization: transaction.identifier.span)
        } catch {
            throw .request(DERError(.crypto(error), at: 0))
        }
        return try writeMessage(operation, configuration, &work, held, &repeatable)
    }

    private mutating func writeMessage(
        _ operation: Operation, _ configuration: borrowing Configuration, _ work: inout MutableSpan<UInt8>,
        _ held: Range<Int>, _ random: inout RandomGenerator
    ) throws(SCEPError) -> Range<Int> {
        let isAsking = phase == .request || phase == .poll
        var exchanged: Transaction
        do throws(CryptoError) {
            if isAsking, let transaction {
                exchanged = Transaction(identifier: transaction.identifier)
            } else {
                exchanged = try Transaction(random: &random)
            }
            try exchanged.renewNonce(random: &random)
        } catch {
            throw .request(DERError(.crypto(error), at: 0))
        }
        self.exchanged = exchanged
        let algorithms = try Algorithms(capabilities, &policy)
        let ca = CACertificates(caCertificates.span.extracting(asked))
        let recipient = try ca.encryptionCertificate()
        let issuer = try ca.issuingCertificate().subject
        let end = work.count
        let identifier = exchanged.identifier
        let subject = configuration.subject
        // A renewal is for the name that the certificate has, which the CA may have chosen.
        var subjectRange = 0..<0
        if !held.isEmpty, let certificate = try? Certificate(work.span.extracting(held)) {
            subjectRange = certificate.subjectRange
        }
        let signer: SignerCertificate =
            held.isEmpty
            ? .selfSigned(SelfSignedCertificate(subject: subject, serialNumber: identifier.span)) : .issued(held)
        do throws(DERError) {
            var writer = DERWriter(&work, end: end)
            let contentEnd = try writer.beginEnvelope()
            switch operation {
            case .certPoll:
                try writer.writeIssuerAndSubject(issuer: issuer, subject: subject, orCopyOf: subjectRange)
            case .getCert, .getCRL:
                try writer.write(issuerAndSerialNumberOf: held)
            default:
                try certificationRequest(configuration, subjectRange).write(
                    to: &writer, key: &key, digest: algorithms.digest, random: &random)
            }
            let password = password(configuration)
            if held.isEmpty {
                try writer.wrapPKIMessage(
                    operation.messageType, from: contentEnd, for: recipient, password: password, signer: signer,
                    transaction: exchanged, algorithms: algorithms, key: &key, random: &random)
            } else {
                try writer.wrapPKIMessage(
                    operation.messageType, from: contentEnd, for: recipient, password: password, signer: signer,
                    transaction: exchanged, algorithms: algorithms, key: &identityKey, random: &random)
            }
            return writer.front..<end
        } catch {
            throw error.kind == .passwordMissing ? .passwordMissing : .request(error)
        }
    }

    /// Where the certificates of the CA stand that is asked.
    private var asked: Range<Int> {
        transaction?.isForNextCA ?? false ? 0..<nextCACount : currentCA
    }

    /// What encrypts for a key that cannot decrypt; empty if the password is not to be used.
    @_lifetime(copy configuration)
    func password(_ configuration: borrowing Configuration) -> Span<UInt8> {
        let challenge = configuration.challenge
        return challenge.extracting(first: sendsPassword(configuration, transaction) ? challenge.count : 0)
    }

    @_lifetime(copy configuration)
    private func certificationRequest(
        _ configuration: borrowing Configuration, _ subjectRange: Range<Int>
    ) -> CertificationRequest {
        var request = CertificationRequest(subject: configuration.subject)
        request.subjectRange = subjectRange
        request.challengePassword = password(configuration)
        request.subjectAltName = configuration.subjectAltName
        request.keyUsage = configuration.keyUsage
        request.extendedKeyUsage = configuration.extendedKeyUsage
        request.certificateTemplate = configuration.template
        return request
    }
}

extension Operation {
    var messageType: MessageType {
        switch self {
        case .renewalReq: .renewalReq
        case .certPoll: .certPoll
        case .getCert: .getCert
        case .getCRL: .getCRL
        default: .pkcsReq
        }
    }
}
