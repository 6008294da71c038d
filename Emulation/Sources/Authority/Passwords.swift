import Foundation
import LibCrypto

/// PasswordRecipientInfo: messages to and from keys that cannot decrypt (RFC 8894, section 3.1).
extension PKIOperation {
    /// The passwords that may open `envelope`, the likely ones first; none when it should not be for a password.
    func passwords(
        for envelope: Envelope, _ transactionID: String, _ signer: Certificate, opener: Identity
    ) -> [[UInt8]] {
        let configuration = authority.configuration
        guard envelope.recipients.contains(.password), configuration.servesPasswordRecipients, !opener.key.canDecrypt
        else { return [] }
        let known = authority.state.withLock { state in
            var known = [
                state.database.transactions[transactionID]?.password, state.database.password(of: signer),
            ].compactMap(\.self)
            switch configuration.challenge {
            case .none: break
            case .shared(let password): known.append(password)
            case .oneTime:
                // Those that were used open the same request when it comes again.
                let (used, unused) = (
                    state.database.passwords.filter(\.isUsed), state.database.passwords.filter { !$0.isUsed }
                )
                known += (unused + used).map(\.password)
            }
            return known
        }
        var seen: Set<String> = []
        return known.filter { !$0.isEmpty && seen.insert($0).inserted }.map { [UInt8]($0.utf8) }
    }

    /// Sees to it that a reply to `signer` can be encrypted. `given`, its request's own challengePassword, comes before
    /// the one that opened the envelope and the one that its certificate was issued with.
    func requirePassword(_ signer: Certificate, given: String? = nil, _ findings: inout Findings) throws(Refusal) {
        guard !signer.publicKey.isRSA else { return }
        let given = given.flatMap { $0.isEmpty ? nil : $0 }
        let known = authority.state.withLock { $0.database.password(of: signer) }
        findings.password = given ?? findings.password ?? known
        guard findings.password != nil else {
            throw Refusal(
                .badRequest,
                "the signer's key cannot decrypt, and no challengePassword is there to encrypt the reply for")
        }
    }
}

extension Database {
    /// The password that came with the request for `certificate`, when it was issued here.
    fileprivate func password(of certificate: Certificate) -> String? {
        guard let issued = issued[certificate.serialText], issued.certificate == Data(certificate.der) else {
            return nil
        }
        return issued.password
    }
}
