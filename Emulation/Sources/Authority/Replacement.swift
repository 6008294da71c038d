import Foundation
import LibCrypto

/// What becomes of a CA's certificate that runs out, other than a next CA.
public enum CARenewal: Sendable, CaseIterable {
    /// Another certificate for the same key, as AD CS offers first.
    case sameKey
    /// A new key of the same name, and a certificate for it that the old key signed (RFC 4210, 4.4: NewWithOld).
    case link
}

extension Authority {
    /// Gives the registration authority new keys and certificates: what was encrypted for it before cannot be read any
    /// more.
    public func replaceRegistrationAuthority() throws {
        try replace { $0.takeRegistrationAuthority(of: $1) }
    }

    /// Renews the root's certificate. The old one is not published any more.
    public func renewCertificate(_ renewal: CARenewal) throws {
        try replace { try $0.renewRoot(renewal, as: $1) }
    }

    /// - Parameter change: is given the hierarchy in service, and a new one of the same names.
    private func replace(_ change: (inout Hierarchy, Hierarchy) throws -> Void) throws {
        try state.withLock { state in
            var fresh = configuration
            fresh.nextCABeginsIn = 0
            fresh.nextCAKeepsName = true
            let other = try Hierarchy(fresh, generation: max(1, state.database.current + 1), now: now)
            var changed = state.current
            try change(&changed, other)
            state.generations[state.database.current] = changed
        }
        try folder?.publish(root: trustAnchor.pem())
    }
}

extension Hierarchy {
    /// Takes over the keys of another one's registration authority, certified by this one's CA.
    fileprivate mutating func takeRegistrationAuthority(of other: Hierarchy) {
        let (issuer, isSingle) = (issuer, encryption?.certificate == signing?.certificate)
        func certify(_ identity: Identity?) -> Identity? {
            guard let identity,
                let certificate = try? identity.certificate.contents().signed(
                    with: issuer.key, issuer: issuer.certificate)
            else { return nil }
            return Identity(certificate: certificate, key: identity.key)
        }
        encryption = certify(other.encryption)
        signing = isSingle ? encryption : certify(other.signing)
    }

    fileprivate mutating func renewRoot(_ renewal: CARenewal, as other: Hierarchy) throws {
        let old = root
        var contents = try other.root.certificate.contents()
        contents.subject = old.certificate.subject
        switch renewal {
        case .sameKey:
            contents = try old.certificate.contents()
            contents.notBefore = other.root.certificate.notBefore
            contents.notAfter = other.root.certificate.notAfter
            root = Identity(certificate: try contents.signed(with: old.key, issuer: nil), key: old.key)
        case .link:
            root = Identity(certificate: try contents.signed(with: other.root.key, issuer: nil), key: other.root.key)
            contents.serial = try Hierarchy.serial(randomBytes(16))
            links = [try contents.signed(with: old.key, issuer: old.certificate)]
        }
    }
}

extension Certificate {
    /// The same to be signed anew, by whomever, with another serial number.
    fileprivate func contents() throws -> CertificateContents {
        CertificateContents(
            subject: subject, publicKey: publicKey, serial: try Hierarchy.serial(randomBytes(16)), notBefore: notBefore,
            notAfter: notAfter, copied: try extensions().filter { $0.identifier != "2.5.29.35" })
    }
}
