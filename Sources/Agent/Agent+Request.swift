import CMS
import DER
import DeviceCrypto
import PKIX
import SCEP

extension Agent where Key: ~Copyable {
    /// Builds a pkiMessage at the end of `work`.
    mutating func build(
        _ operation: Operation, _ configuration: borrowing Configuration, _ work: inout MutableSpan<UInt8>,
        _ random: inout RandomGenerator
    ) throws(AgentError) -> AgentAction {
        let message: Range<Int>
        do throws(SCEPError) {
            message = try write(operation, configuration, &work, &random)
        } catch {
            throw .scep(operation, error, text: 0..<0)
        }
        return .exchange(operation, capabilities.contains(.postPKIOperation) ? .post(message) : .get(message))
    }

    private mutating func write(
        _ operation: Operation, _ configuration: borrowing Configuration, _ work: inout MutableSpan<UInt8>,
        _ random: inout RandomGenerator
    ) throws(SCEPError) -> Range<Int> {
        var transaction: Transaction
        do throws(CryptoError) {
            if let begun = self.transaction {
                transaction = begun
            } else {
                transaction = try Transaction(random: &random)
            }
            try transaction.renewNonce(random: &random)
        } catch {
            throw .request(DERError(.crypto(error), at: 0))
        }
        self.transaction = transaction
        let algorithms = try Algorithms(capabilities, &policy)
        let end = work.count
        let ca = CACertificates(caCertificates.span.extracting(first: caCount))
        let recipient = try ca.encryptionCertificate()
        let issuer = try ca.issuingCertificate().subject
        let identifier = transaction.identifier
        let signer = SelfSignedCertificate(subject: configuration.subject, serialNumber: identifier.span)
        do throws(DERError) {
            var writer = DERWriter(&work, end: end)
            let contentEnd = try writer.beginEnvelope()
            if operation == .certPoll {
                try writer.writeIssuerAndSubject(issuer: issuer, subject: configuration.subject)
            } else {
                try configuration.certificationRequest.write(
                    to: &writer, key: &key, digest: algorithms.digest, random: &random)
            }
            try writer.wrapPKIMessage(
                operation == .certPoll ? .certPoll : .pkcsReq, from: contentEnd, for: recipient,
                password: configuration.challenge, signer: .selfSigned(signer), transaction: transaction,
                algorithms: algorithms, key: &key,
                random: &random)
            return writer.front..<end
        } catch {
            throw .request(error)
        }
    }
}

extension Configuration {
    fileprivate var certificationRequest: CertificationRequest {
        @_lifetime(copy self)
        get {
            var request = CertificationRequest(subject: subject)
            request.challengePassword = challenge
            request.subjectAltName = subjectAltName
            request.keyUsage = keyUsage
            request.extendedKeyUsage = extendedKeyUsage
            request.certificateTemplate = template
            return request
        }
    }
}
