import Foundation

/// A device's identity, as it is found in its flash and as `openssl` reads it.
public struct Identity: Sendable, Equatable {
    /// The device's certificate, DER.
    public let certificate: Data
    /// The other certificates in the flash, DER: those of the CA.
    public let authorities: [Data]
}

/// Why a flash holds no identity.
public enum IdentityError: Error, Equatable, CustomStringConvertible {
    case noKey
    case noCertificate
    /// There are keys and certificates, and no key belongs to a certificate.
    case noMatch

    public var description: String {
        switch self {
        case .noKey: "the device's flash holds no private key"
        case .noCertificate: "the device's flash holds no certificate"
        case .noMatch: "no private key in the device's flash belongs to a certificate in it"
        }
    }
}

extension OpenSSL {
    /// The certificate in `flash` whose private key is in it as well, checked by `openssl`.
    public func identity(in flash: FlashImage) async throws -> Identity {
        let certificates = flash.certificates
        let keys = flash.privateKeys
        guard !keys.isEmpty else { throw IdentityError.noKey }
        guard !certificates.isEmpty else { throw IdentityError.noCertificate }
        var publicKeys: Set<String> = []
        for key in keys { publicKeys.insert(try await publicKey(of: key)) }
        for certificate in certificates.reversed() {
            if publicKeys.contains(try await publicKey(certificate: certificate)) {
                return Identity(certificate: certificate, authorities: certificates.filter { $0 != certificate })
            }
        }
        throw IdentityError.noMatch
    }
}
