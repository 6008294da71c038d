import Board
import Bytes
import CMS
import DER
import DeviceCrypto
import PKIX
import SCEP

extension Agent where Key: ~Copyable {
    // MARK: Begin

    /// Begins a transaction, which is stored before any of it is sent: the password may go into no other.
    @inline(never)
    mutating func begin(
        _ configuration: borrowing Configuration, keepsKey: Bool, _ random: inout RandomGenerator
    ) throws(AgentError) {
        let goal = state.goal
        transaction.close()
        if goal != .enrol { transaction.flags.insert(.renewal) }
        if goal == .rollOver { transaction.flags.insert(.forNextCA) }
        if isOtherCA { transaction.flags.insert(.forOtherCA) }
        isBegunInRun = true
        try open(configuration, keepsKey: keepsKey, &random)
        move(.keyMade)
    }

    /// Gives the transaction a new identifier and new randomness.
    mutating func open(
        _ configuration: borrowing Configuration, keepsKey: Bool, _ random: inout RandomGenerator
    ) throws(AgentError) {
        if keepsKey { transaction.flags.insert(.keepsKey) }
        transaction.request = configuredRequest
        transaction.tries = 0
        do throws(CryptoError) {
            transaction.identifier = try Transaction(random: &random).identifier
            var output = transaction.seed.mutableSpan
            try random.fill(&output)
        } catch {
            transaction.close()
            throw .key(error)
        }
        if sendsPassword(configuration, inRenewal: transaction.flags.contains(.renewal)) {
            stored.spend(configuration.challenge, in: transaction.identifier)
        }
    }

    /// Stands for what the configuration asks for: the first bytes of the SHA-256 of subject and extensions in DER, and
    /// of the kind of key, however they are spelled. The password is not in it.
    ///
    /// - Parameter work: is written over at its end.
    func requestDigest(_ configuration: borrowing Configuration, _ work: inout MutableSpan<UInt8>) -> UInt32 {
        var hash = Hash(.sha256)
        let end = work.count
        var start = end
        do {
            var writer = DERWriter(&work, end: end)
            // What cannot be written is refused when it is to be sent.
            try? content(of: configuration).writeContent(to: &writer)
            start = writer.front
        }
        hash.update(work.span.extracting(start..<end))
        let kind: InlineArray<1, UInt8> = [configuration.key.number]
        hash.update(kind.span)
        return bigEndian(hash.finish().bytes, at: 0)
    }

    /// A request without the password, which has no place in a buffer of which nothing is sent.
    @_lifetime(copy configuration)
    private func content(of configuration: borrowing Configuration) -> CertificationRequest {
        var request = certificationRequest(configuration, 0..<0)
        request.challengePassword = Span()
        return request
    }

    /// Sees whether a first request can be written, before a key is made for it, which can take minutes.
    ///
    /// - Parameter work: is written over at its end.
    @inline(never)
    func checkRequest(_ configuration: borrowing Configuration, _ work: inout MutableSpan<UInt8>) throws(AgentError) {
        do throws(DERError) {
            try content(of: configuration).check(in: &work)
        } catch {
            throw .scep(.pkcsReq, .request(error), text: 0..<0)
        }
    }

    // MARK: Build

    /// Builds the pkiMessage of this state at the end of `work`.
    mutating func build<S: SnapshotStorage & ~Copyable>(
        _ configuration: borrowing Configuration, _ store: inout IdentityStore<S>, _ work: inout MutableSpan<UInt8>,
        _ random: inout RandomGenerator
    ) throws(AgentError) -> AgentAction {
        certificate = 0..<0
        let operation = operation(configuration)
        var certificate = 0..<0
        do throws(StorageError) {
            try loadKeys(&store, &work)
            if transaction.flags.contains(.forNextCA) { try loadTrusted(withNext: true, configuration, &store) }
            if signsAsHolder {
                guard let size = try store.read(.certificate, into: &work) else { throw .corrupt }
                certificate = 0..<size
            }
        } catch {
            throw .storage(error)
        }
        let message: Range<Int>
        do throws(SCEPError) {
            message = try write(operation, configuration, &work, certificate, &random)
        } catch {
            throw .scep(operation, error, text: 0..<0)
        }
        let posts = capabilities?.contains(.postPKIOperation) ?? false && !takesNoPost
        return .exchange(operation, posts ? .post(message) : .get(message))
    }

    /// Whether the device signs with the certificate that it has.
    var signsAsHolder: Bool {
        if case .lookUp = state { true } else { transaction.flags.contains(.renewal) }
    }

    private func operation(_ configuration: borrowing Configuration) -> Operation {
        switch state {
        case .lookUp(let goal): return goal == .certificate ? .getCert : .getCRL
        case .poll: return .certPoll
        default:
            guard transaction.flags.contains(.renewal) else { return .pkcsReq }
            if let type = configuration.renewalType { return type == .renewalReq ? .renewalReq : .pkcsReq }
            // To older servers, Renewal is a PKCSReq that the old certificate signs.
            let isOfRFC8894 = capabilities?.contains(.scepStandard) ?? false
            return isOfRFC8894 != transaction.flags.contains(.otherType) ? .renewalReq : .pkcsReq
        }
    }

    /// After a power-off the keys are still in storage only.
    private mutating func loadKeys<S: SnapshotStorage & ~Copyable>(
        _ store: inout IdentityStore<S>, _ work: inout MutableSpan<UInt8>
    ) throws(StorageError) {
        if signsAsHolder { try Self.load(.privateKey, into: &identityKey, from: &store, &work) }
        guard state.isTransaction else { return }
        try Self.load(
            transaction.flags.contains(.keepsKey) ? .privateKey : .transactionKey, into: &key, from: &store, &work)
    }

    private mutating func write(
        _ operation: Operation, _ configuration: borrowing Configuration, _ work: inout MutableSpan<UInt8>,
        _ certificate: Range<Int>, _ random: inout RandomGenerator
    ) throws(SCEPError) -> Range<Int> {
        var content = RandomGenerator()
        defer { content.wipe() }
        do throws(CryptoError) {
            // For another recipient it is another: one padding for several RSA keys would give its content away.
            let recipient = Hash.digest(.sha256, of: caCertificates.span.extracting(asked))
            if case .request = state {
                // One that has to be sent again is made of the same randomness, so that it is the same request.
                try content.seed(transaction.seed.span, personalization: recipient.bytes)
            } else {
                var seed = InlineArray<48, UInt8>(repeating: 0)
                var buffer = seed.mutableSpan
                defer { DeviceCrypto.wipe(&buffer) }
                try random.fill(&buffer)
                try content.seed(buffer.span, personalization: recipient.bytes)
            }
        } catch {
            throw .request(DERError(.crypto(error), at: 0))
        }
        return try writeMessage(operation, configuration, &work, certificate, &content, &random)
    }

    /// - Parameters:
    ///   - content: what the message is made of.
    ///   - random: blinds the key, anew each time: a signature does not depend on it.
    private mutating func writeMessage(
        _ operation: Operation, _ configuration: borrowing Configuration, _ work: inout MutableSpan<UInt8>,
        _ certificate: Range<Int>, _ content: inout RandomGenerator, _ random: inout RandomGenerator
    ) throws(SCEPError) -> Range<Int> {
        var request: Transaction
        do throws(CryptoError) {
            request =
                state.isTransaction
                ? Transaction(identifier: transaction.identifier) : try Transaction(random: &content)
            try request.renewNonce(random: &content)
        } catch {
            throw .request(DERError(.crypto(error), at: 0))
        }
        lastRequest = request
        let algorithms = try Algorithms(capabilities ?? Capabilities(), &policy)
        let ca = CACertificates(caCertificates.span.extracting(asked))
        let recipient = try ca.encryptionCertificate(canDecrypt: !configuration.needsPassword, policy: &policy)
        let issuer = try ca.issuingCertificate().subject
        let end = work.count
        let identifier = request.identifier
        let subject = configuration.subject
        // A renewal is for the name that the certificate has, which the CA may have chosen.
        var subjectRange = 0..<0
        if !certificate.isEmpty, let certificate = try? Certificate(work.span.extracting(certificate)) {
            subjectRange = certificate.subjectRange
        }
        let signer: SignerCertificate =
            certificate.isEmpty
            ? .selfSigned(SelfSignedCertificate(subject: subject, serialNumber: identifier.span)) : .issued(certificate)
        do throws(DERError) {
            var writer = DERWriter(&work, end: end)
            let contentEnd = try writer.beginEnvelope()
            switch operation {
            case .certPoll:
                try writer.writeIssuerAndSubject(issuer: issuer, subject: subject, orCopyOf: subjectRange)
            case .getCert, .getCRL:
                try writer.write(issuerAndSerialNumberOf: certificate)
            default:
                try certificationRequest(configuration, subjectRange).write(
                    to: &writer, key: &key, digest: algorithms.digest, random: &random)
            }
            let password = password(configuration)
            if certificate.isEmpty {
                try writer.wrapPKIMessage(
                    operation.messageType, from: contentEnd, for: recipient, password: password, signer: signer,
                    transaction: request, algorithms: algorithms, key: &key, content: &content, random: &random)
            } else {
                try writer.wrapPKIMessage(
                    operation.messageType, from: contentEnd, for: recipient, password: password, signer: signer,
                    transaction: request, algorithms: algorithms, key: &identityKey, content: &content,
                    random: &random)
            }
            return writer.front..<end
        } catch {
            throw error.kind == .passwordMissing ? .passwordMissing : .request(error)
        }
    }

    /// Where the certificates of the CA stand that is asked.
    private var asked: Range<Int> {
        transaction.flags.contains(.forNextCA) ? 0..<nextCAByteCount : currentCA
    }

    /// What encrypts for a key that cannot decrypt; empty if the password is not to be used.
    @_lifetime(copy configuration)
    func password(_ configuration: borrowing Configuration) -> Span<UInt8> {
        let challenge = configuration.challenge
        return challenge.extracting(
            first: sendsPassword(configuration, inRenewal: signsAsHolder) ? challenge.count : 0)
    }

    @_lifetime(copy configuration)
    @inline(never)
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

extension KeyAlgorithm {
    /// A number for each kind and size.
    fileprivate var number: UInt8 {
        switch self {
        case .rsa(let bits): UInt8(truncatingIfNeeded: bits &>> 8)
        case .p256: 1
        case .p384: 2
        }
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
