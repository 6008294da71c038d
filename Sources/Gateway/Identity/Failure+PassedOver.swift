import Agent
import Output
import PKIX
import SCEP

extension Failure {
    /// This failure, which may have come of a certificate that is not trusted: the request went to another key than the
    /// server has, or the reply is that certificate's holder's.
    ///
    /// - Parameters:
    ///   - error: what it was made of.
    ///   - passedOver: what came with the CA's certificates and is not trusted.
    func mentioning(_ passedOver: PassedOver.List, after error: AgentError) -> Failure {
        guard let first = passedOver.first, error.mayComeOfPassedOver else { return self }
        var text = message
        text.append("; ")
        text.append(first.role == .ca ? "a CA" : first.role == .ra ? "an RA" : "a certificate")
        text.append(" that came with the CA's is not trusted, which may be why: ")
        text.append(first.reason.words)
        text.append(" (scep ca shows it)")
        return Failure(exit, kind: kind, message: text)
    }
}

extension AgentError {
    fileprivate var mayComeOfPassedOver: Bool {
        switch self {
        case .scep(.getCACert, .noEncryptionCertificate, _): true
        case .status(let operation, _, _), .scep(let operation, _, _): operation.rawValue >= Operation.pkcsReq.rawValue
        default: false
        }
    }
}
