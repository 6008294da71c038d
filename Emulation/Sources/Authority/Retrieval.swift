import LibCrypto

/// GetCert and GetCRL (RFC 8894, section 3.3.4).
extension PKIOperation {
    func identification(_ content: [UInt8], _ event: inout LogEvent) throws(Refusal) -> IssuerAndSerialNumber {
        do throws(LibCryptoError) {
            let identification = try IssuerAndSerialNumber(der: content)
            event.subject = "serial \(identification.serial.hexadecimal)"
            return identification
        } catch {
            throw Refusal(.badRequest, error.description)
        }
    }

    func certificate(_ wanted: IssuerAndSerialNumber) throws -> Certificate {
        try authority.state.withLock { state in
            let published = state.generations.flatMap(\.published)
            let found =
                try state.database.issued[wanted.serial.hexadecimal].map {
                    try Certificate(der: [UInt8]($0.certificate))
                } ?? published.first { $0.serial == wanted.serial }
            guard let found, found.issuer.matches(wanted.issuer) else {
                throw Refusal(.badCertId, "there is no such certificate")
            }
            return found
        }
    }

    func list(_ wanted: IssuerAndSerialNumber) throws -> RevocationList {
        let (issuer, generation) = try authority.state.withLock { state in
            // Of CAs with the same name it is the one that issued the certificate.
            let own = state.database.issued[wanted.serial.hexadecimal]?.generation
            for index in (own.map { [$0] } ?? []) + state.generations.indices {
                let hierarchy = state.generations[index]
                let issuer = hierarchy.authorities.first { $0.certificate.subject.matches(wanted.issuer) }
                if let issuer { return (issuer, index) }
            }
            throw Refusal(.badCertId, "no CA of that name is here")
        }
        return try authority.makeList(issuer: issuer, generation: generation, faults: faults)
    }
}
