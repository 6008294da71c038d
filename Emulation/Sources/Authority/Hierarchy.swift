import Foundation
import LibCrypto

/// A certificate and its key.
struct Identity: Sendable {
    let certificate: Certificate
    let key: PrivateKey
}

/// The certificates and keys of one generation of the CA.
struct Hierarchy: Sendable {
    var root: Identity
    let intermediate: Identity?
    /// RA certificates; the same one twice when one does both.
    var encryption: Identity?
    var signing: Identity?
    /// Certificates of the root's key that the root before signed.
    var links: [Certificate] = []

    /// Signs certificates and CRLs.
    var issuer: Identity { intermediate ?? root }
    /// Opens requests.
    var opener: Identity { encryption ?? issuer }
    /// Signs replies.
    var signer: Identity { signing ?? issuer }
    /// CA certificates, the issuing one first.
    var authorities: [Identity] { intermediate.map { [$0, root] } ?? [root] }

    /// What GetCACert tells: RA certificates, then the issuing CA, then what is above it.
    var published: [Certificate] {
        var result: [Certificate] = []
        for identity in [encryption, signing].compactMap({ $0 }) + authorities
        where !result.contains(identity.certificate) {
            result.append(identity.certificate)
        }
        return result + links
    }

    /// Makes the keys and certificates, valid from `now`, or later when `generation` is a next one: 2 and above, which
    /// is told in the names.
    init(_ configuration: CAConfiguration, generation: Int, now: Date) throws {
        guard
            configuration.key.canDecrypt || configuration.registrationAuthority != .none
                || configuration.servesPasswordRecipients && configuration.challenge != .none
        else {
            throw CAConfigurationError(
                "a CA with a \(configuration.key.rawValue) key cannot open requests: give it an RA (--ra single or "
                    + "--ra split), whose encryption key is RSA, or challenge passwords that they are encrypted for")
        }
        let now = generation > 1 ? now.addingTimeInterval(configuration.nextCABeginsIn) : now
        let isNamed = generation > 1 && !configuration.nextCAKeepsName
        let name = isNamed ? "\(configuration.name) \(generation)" : configuration.name
        let registration = configuration.registrationAuthority
        let direct = "digitalSignature" + (configuration.key.canDecrypt ? ",keyEncipherment" : "")

        func make(
            _ label: String, key kind: KeyKind, issuer: Identity?, usage: String, isAuthority: Bool
        ) throws -> Identity {
            let key = try configuration.makeKey(kind)
            let subject = try DistinguishedName([("O", "EmbeddedSCEP test, do not trust"), ("CN", name + label)])
            var extensions = [
                ExtensionText("basicConstraints", isAuthority ? "critical,CA:TRUE" : "critical,CA:FALSE"),
                ExtensionText("keyUsage", "critical," + usage),
                ExtensionText("subjectKeyIdentifier", "hash"),
            ]
            if !isAuthority, let mark = configuration.registrationAuthorityMark {
                extensions.append(ExtensionText("extendedKeyUsage", mark))
            }
            if issuer != nil { extensions.append(ExtensionText("authorityKeyIdentifier", "keyid:always")) }
            let contents = CertificateContents(
                subject: subject, publicKey: try key.publicKey(), serial: try Self.serial(randomBytes(16)),
                notBefore: now.addingTimeInterval(-configuration.backdating),
                notAfter: now.addingTimeInterval(configuration.authorityLifetime), extensions: extensions)
            let certificate = try contents.signed(with: issuer?.key ?? key, issuer: issuer?.certificate)
            return Identity(certificate: certificate, key: key)
        }

        let issues = "keyCertSign,cRLSign" + (registration == .none ? "," + direct : "")
        root = try make(
            "", key: configuration.key, issuer: nil,
            usage: configuration.hasIntermediate ? "keyCertSign,cRLSign" : issues, isAuthority: true)
        intermediate =
            configuration.hasIntermediate
            ? try make(" Intermediate", key: configuration.key, issuer: root, usage: issues, isAuthority: true) : nil
        let issuer = intermediate ?? root
        let decrypting = configuration.key.canDecrypt ? configuration.key : .rsa2048
        switch registration {
        case .none:
            encryption = nil
            signing = nil
        case .single:
            let both = try make(
                " RA", key: decrypting, issuer: issuer, usage: "digitalSignature,keyEncipherment", isAuthority: false)
            encryption = both
            signing = both
        case .split:
            encryption = try make(
                " RA Encryption", key: decrypting, issuer: issuer, usage: "keyEncipherment", isAuthority: false)
            signing = try make(
                " RA Signing", key: configuration.key, issuer: issuer, usage: "digitalSignature", isAuthority: false)
        }
    }

    /// A serial number of 16 of the given bytes, positive and never shorter.
    static func serial(_ bytes: [UInt8]) -> [UInt8] {
        var bytes = [UInt8](bytes.prefix(16))
        bytes[0] = bytes[0] & 0x3f | 0x40
        return bytes
    }
}

extension Hierarchy {
    private static let files = ["root", "intermediate", "ra-encryption", "ra-signing"]

    /// Writes `NAME.pem` and `NAME.key` for each certificate, to disk.
    func save(in directory: URL) throws {
        try FileManager.default.createDirectory(at: directory, withIntermediateDirectories: true)
        for (name, identity) in zip(Self.files, [root, intermediate, encryption, signing]) {
            guard let identity else { continue }
            try Disk.replace(directory.appendingPathComponent("\(name).pem"), with: identity.certificate.pem())
            try Disk.replace(directory.appendingPathComponent("\(name).key"), with: identity.key.pem(), mode: 0o600)
        }
    }

    /// Reads what `save` wrote.
    init(savedIn directory: URL) throws {
        func read(_ name: String) throws -> Identity? {
            let certificate = directory.appendingPathComponent("\(name).pem")
            guard FileManager.default.fileExists(atPath: certificate.path) else { return nil }
            return Identity(
                certificate: try Certificate(pem: [UInt8](Data(contentsOf: certificate))),
                key: try PrivateKey(
                    pem: [UInt8](Data(contentsOf: directory.appendingPathComponent("\(name).key")))))
        }
        guard let root = try read("root") else {
            throw CAConfigurationError("\(directory.path) holds no root.pem: remove the folder to start afresh")
        }
        self.root = root
        intermediate = try read("intermediate")
        encryption = try read("ra-encryption")
        signing = try read("ra-signing")
    }
}
