import Foundation
import LibCrypto

extension Authority {
    /// Issues the certificate that `transaction` asks for, and enters it. The caller has the transaction's turn.
    ///
    /// It is signed while others go on. Should what it was made of have changed meanwhile, it is made once more.
    ///
    /// - Parameters:
    ///   - request: that of the transaction, if it was read before.
    ///   - admission: what is entered along with the certificate; it throws when no certificate may be issued after all.
    func issue(
        for transaction: Transaction, _ request: CertificationRequest? = nil,
        admission: (State) throws -> [Database.Change] = { _ in [] }
    ) throws -> Certificate {
        let request = try request ?? CertificationRequest(der: [UInt8](transaction.request))
        while true {
            let (generation, issuer, serial) = try state.withLock { state in
                let generation = state.generation(answering: transaction)
                let serial = try self.serial(for: transaction, in: state.database)
                return (generation, state.generations[generation].issuer, serial)
            }
            let certificate = try makeCertificate(for: request, issuer: issuer, serial: serial)
            let issued = Issued(
                serial: certificate.serialText, certificate: Data(certificate.der), subject: transaction.subject,
                generation: generation, date: now, password: transaction.password)
            let isEntered = try state.withLock { state in
                guard state.generation(answering: transaction) == generation,
                    state.generations[generation].issuer.certificate == issuer.certificate,
                    state.database.issued[issued.serial] == nil
                else { return false }
                let changes = try admission(state) + [.issued(transactionID: transaction.id, issued)]
                enter(changes, in: &state)
                return true
            }
            if isEntered { return certificate }
        }
    }

    /// A serial number that follows from the request and from what was issued before, so that an authority which is
    /// taken back to a snapshot issues the same certificate again.
    private func serial(for transaction: Transaction, in database: Database) throws -> [UInt8] {
        let names = "\(transaction.id) \(transaction.renews ?? "") \(transaction.generation)"
        var serial = try Hierarchy.serial(Digest.sha256.hash([UInt8](names.utf8) + transaction.request))
        while database.issued[serial.hexadecimal] != nil {
            serial = try Hierarchy.serial(Digest.sha256.hash(serial))
        }
        return serial
    }

    /// A certificate for `request`; for another key, of another validity or with a serial number, when one is given.
    func makeCertificate(
        for request: CertificationRequest, issuer: Identity, serial: [UInt8]? = nil, key: PublicKey? = nil,
        validity: (begin: Date, end: Date)? = nil
    ) throws -> Certificate {
        let copied = try request.requestedExtensions().filter {
            configuration.copiedExtensions.contains($0.identifier)
        }
        let key = key ?? request.publicKey
        var extensions = [
            ExtensionText("basicConstraints", "critical,CA:FALSE"),
            ExtensionText("subjectKeyIdentifier", "hash"),
        ]
        if let identifier = try issuer.certificate.authorityKeyIdentifier() { extensions.append(identifier) }
        if !copied.contains(where: { $0.keyUsage != nil }) {
            extensions.append(
                ExtensionText("keyUsage", "critical,digitalSignature" + (key.isRSA ? ",keyEncipherment" : "")))
        }
        if let point = configuration.crlDistributionPoint {
            extensions.append(ExtensionText("crlDistributionPoints", "URI:\(point)"))
        }
        let validity = validity ?? self.validity(under: issuer.certificate)
        return try CertificateContents(
            subject: request.subject, publicKey: key, serial: try serial ?? Hierarchy.serial(randomBytes(16)),
            notBefore: validity.begin, notAfter: validity.end, extensions: extensions, copied: copied
        ).signed(with: issuer.key, issuer: issuer.certificate)
    }

    private func validity(under issuer: Certificate) -> (begin: Date, end: Date) {
        // A next CA's certificates do not begin before it does (RFC 8894, section 5.1).
        let now = max(now, issuer.notBefore)
        var end = now.addingTimeInterval(configuration.lifetime)
        if issuer.notAfter > now { end = min(end, issuer.notAfter) }
        return (max(now.addingTimeInterval(-configuration.backdating), issuer.notBefore), end)
    }

    /// What speaks against issuing a certificate for `request`, whoever asks.
    func examine(_ request: CertificationRequest) throws(Refusal) {
        guard request.isSignedByItsKey else {
            throw Refusal(.badMessageCheck, "the certification request is not signed by its own key")
        }
        if request.publicKey.isRSA, request.publicKey.bits < 2048 {
            throw Refusal(.badRequest, "an RSA key of \(request.publicKey.bits) bits is too short; 2048 is the least")
        }
        guard let requested = try? request.requestedExtensions() else {
            throw Refusal(.badRequest, "the requested extensions cannot be read")
        }
        if request.subject.isEmpty, !requested.contains(where: { $0.identifier == "2.5.29.17" }) {
            throw Refusal(.badRequest, "the request names nobody: its subject is empty, and it has no subjectAltName")
        }
        if let usage = requested.compactMap(\.keyUsage).first, !usage.isDisjoint(with: [.keyCertSign, .cRLSign]) {
            throw Refusal(.badRequest, "the request asks for the key usage of a CA")
        }
    }

    /// Looks at the challengePassword. What is returned uses it up when it is good for one request only.
    func admit(_ request: CertificationRequest, in database: Database) throws(Refusal) -> [Database.Change] {
        if configuration.challenge == .none { return [] }
        let given: String?
        do throws(LibCryptoError) {
            given = try request.challengePassword()
        } catch {
            throw Refusal(.badRequest, error.description)
        }
        guard let given, !given.isEmpty else { throw Refusal(.badRequest, "a challengePassword is needed") }
        switch configuration.challenge {
        case .none: return []
        case .shared(let password):
            guard given == password else { throw Refusal(.badRequest, "the challengePassword is wrong") }
            return []
        case .oneTime:
            guard let matching = database.places[given] else {
                throw Refusal(.badRequest, "the challengePassword is wrong")
            }
            let own = matching.filter { place in
                let device = database.passwords[place].device
                return device.isEmpty || request.subject.identifiers.contains(device)
            }
            guard !own.isEmpty else {
                throw Refusal(.badRequest, "the challengePassword was issued to another device")
            }
            guard let unused = own.first(where: { !database.passwords[$0].isUsed }) else {
                throw Refusal(.badRequest, "the challengePassword was used already")
            }
            return [.passwordUsed(unused)]
        }
    }
}

extension Authority.State {
    /// What waited while the CA rolled over is the new one's to answer.
    fileprivate func generation(answering transaction: Transaction) -> Int {
        max(transaction.generation, database.current)
    }
}
