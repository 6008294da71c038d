import Foundation
import LibCrypto

/// Certificates and CRLs that faults put in the place of good ones.
extension PKIOperation {
    /// The certificates of a SUCCESS.
    func carried(_ certificate: Certificate, _ findings: Findings) throws -> [Certificate] {
        if faults.contains(.nothingInside) { return [] }
        let hierarchy = authority.state.withLock { $0.generations[findings.generation] }
        let chain =
            authority.configuration.profile.reply.issuedComesWithChain
            ? hierarchy.authorities.map(\.certificate) : []
        return [try corrupted(certificate, hierarchy, findings) ?? certificate] + chain
    }

    /// What stands for `certificate`, or nil when nothing does.
    private func corrupted(
        _ certificate: Certificate, _ hierarchy: Hierarchy, _ findings: Findings
    ) throws -> Certificate? {
        guard let request = findings.request else {
            return faults.contains(.anotherCertificate) ? hierarchy.issuer.certificate : nil
        }
        let now = authority.now
        for fault in faults {
            switch fault {
            case .certificateForAnotherKey:
                return try authority.makeCertificate(
                    for: request, issuer: hierarchy.issuer, key: PrivateKey.generate(.rsa2048).publicKey())
            case .unknownIssuer:
                let impostor = try authority.impostor(generation: findings.generation + 1)
                return try authority.makeCertificate(for: request, issuer: impostor.issuer)
            case .anotherIssuer:
                let stranger = try authority.impostor(generation: 1, named: "Another CA")
                return try authority.makeCertificate(for: request, issuer: stranger.issuer)
            case .oldCertificate:
                return findings.signer
            case .expiredCertificate:
                return try authority.makeCertificate(
                    for: request, issuer: hierarchy.issuer,
                    validity: (now.addingTimeInterval(-2 * 86_400), now.addingTimeInterval(-86_400)))
            case .notYetValidCertificate:
                let tomorrow = now.addingTimeInterval(86_400)
                return try authority.makeCertificate(
                    for: request, issuer: hierarchy.issuer,
                    validity: (tomorrow, tomorrow.addingTimeInterval(authority.configuration.lifetime)))
            case .validityNotExtended:
                guard let old = findings.signer, old.subject != old.issuer else { continue }
                return try authority.makeCertificate(
                    for: request, issuer: hierarchy.issuer,
                    validity: (certificate.notBefore, old.notAfter.addingTimeInterval(-1)))
            default: continue
            }
        }
        return nil
    }
}

extension Authority {
    /// A CA that nobody knows, of this authority's name or another.
    func impostor(generation: Int, named name: String? = nil) throws -> Hierarchy {
        var configuration = configuration
        if let name { configuration.name = name }
        configuration.nextCABeginsIn = 0
        return try Hierarchy(configuration, generation: generation, now: now)
    }

    /// A CRL of `entries`, corrupted by `faults`.
    func makeList(
        issuer: Identity, entries: [Revocation], number: Int, faults: [Fault]
    ) throws -> RevocationList {
        var (issuer, entries) = (issuer, entries)
        var thisUpdate = now
        var extensions: [ExtensionText] = []
        for fault in faults {
            switch fault {
            case .staleList: thisUpdate = now.addingTimeInterval(-configuration.crlLifetime - 86_400)
            case .listNotYetValid: thisUpdate = now.addingTimeInterval(86_400)
            case .listOfAnotherIssuer: issuer = try impostor(generation: 1, named: "Another CA").issuer
            case .listOfUnknownIssuer:
                issuer = Identity(certificate: issuer.certificate, key: try configuration.makeKey(configuration.key))
            case .hugeList(let count):
                for index in 0..<max(count - entries.count, 0) {
                    // 16 bytes; no certificate has such a serial number.
                    let serial =
                        [0x7f] + [UInt8](repeating: 0, count: 11)
                        + [24, 16, 8, 0].map { UInt8(truncatingIfNeeded: index >> $0) }
                    entries.append(Revocation(serial: serial, date: thisUpdate, reason: .unspecified))
                }
            case .listWithCriticalExtension: extensions.append(ExtensionText("1.2.3.4", "critical,ASN1:NULL"))
            default: continue
            }
        }
        let list = try RevocationList(
            issuer: issuer.certificate, key: issuer.key, entries: entries, number: number, thisUpdate: thisUpdate,
            nextUpdate: thisUpdate.addingTimeInterval(configuration.crlLifetime), extensions: extensions)
        guard faults.contains(.listWithBrokenSignature) else { return list }
        // The signature is the last thing in the encoding.
        var der = list.der
        der[der.count - 1] ^= 1
        return try RevocationList(der: der)
    }
}
