import Foundation
import LibCrypto

/// Objects as OpenSSL makes them, with names, numbers and times that chance chooses.
struct Samples: Sendable {
    private let keys: [KeyKind: PrivateKey]
    private let bases: [Sample.Kind: [Sample]]

    static let shared = Result { try Samples() }

    private init() throws {
        var keys: [KeyKind: PrivateKey] = [:]
        for kind in [KeyKind.rsa2048, .rsa3072, .p256, .p384] { keys[kind] = try PrivateKey.generate(kind) }
        self.keys = keys
        bases = [
            .certificate: try certificates(keys), .revocationList: try revocationLists(keys),
            .signedData: try signedData(keys), .envelopedData: try envelopedData(keys),
            .privateKey: try privateKeys(keys),
        ]
    }

    func make(_ kind: Sample.Kind, using generator: inout some RandomNumberGenerator) throws -> Sample {
        var sample = bases[kind]?.randomElement(using: &generator)
        switch kind {
        case .certificate: try sample?.varyCertificate(using: &generator)
        case .revocationList: try sample?.varyRevocationList(using: &generator)
        default: break
        }
        return try sample ?? { throw Absent() }()
    }

    /// A key in PKCS #8.
    func key(_ kind: KeyKind) throws -> [UInt8] {
        guard let key = keys[kind] else { throw Absent() }
        return try pkcs8(key)
    }

    /// Its certificate, of its own signature, in DER.
    func certificate(_ kind: KeyKind) throws -> [UInt8] {
        try OracleTests.certificate(keys, kind, signer: kind).der
    }

    struct Absent: Error {}
}

/// The first of each pair is an object's key, the second signs it. Elliptic curves take longest to verify.
private let signers: [(KeyKind, KeyKind)] = [
    (.rsa2048, .rsa2048), (.p256, .rsa2048), (.rsa3072, .rsa2048), (.p384, .rsa3072), (.p256, .p256), (.rsa2048, .p384),
]

private let digests: [Digest] = [.sha1, .sha256, .sha384, .sha512]

private func name(_ text: String) throws -> DistinguishedName { try DistinguishedName([("CN", text)]) }

func certificate(
    _ keys: [KeyKind: PrivateKey], _ kind: KeyKind, signer: KeyKind, digest: Digest = .sha256,
    extensions: [ExtensionText] = []
) throws -> Certificate {
    guard let key = keys[kind], let signer = keys[signer] else { throw Samples.Absent() }
    return try CertificateContents(
        subject: try name("sample"), publicKey: try key.publicKey(), serial: [0x12, 0x34],
        notBefore: Date(timeIntervalSince1970: 1_700_000_000), notAfter: Date(timeIntervalSince1970: 2_000_000_000),
        extensions: extensions
    ).signed(with: signer, issuer: nil, digest: digest)
}

private let extensionSets: [[ExtensionText]] = [
    [],
    [
        .init("basicConstraints", "critical,CA:TRUE,pathlen:1"), .init("keyUsage", "critical,keyCertSign,cRLSign"),
        .init("subjectKeyIdentifier", "hash"),
    ],
    [
        .init("basicConstraints", "CA:FALSE"), .init("keyUsage", "digitalSignature,keyEncipherment,decipherOnly"),
        .init("extendedKeyUsage", "clientAuth,1.3.6.1.5.5.7.3.28"),
        .init("subjectAltName", "DNS:a.example,IP:192.0.2.7,URI:urn:x:y,email:a@b.example,otherName:1.2.3;UTF8:x"),
    ],
    [
        .init("subjectKeyIdentifier", "hash"), .init("crlDistributionPoints", "URI:http://ca.example/crl"),
        .init("authorityInfoAccess", "caIssuers;URI:http://ca.example/ca"),
        .init("2.5.29.32", "DER:300730050603551D20"),
        .init("basicConstraints", "critical,CA:TRUE"),
    ],
    [
        .init("nameConstraints", "critical,permitted;DNS:example"), .init("keyUsage", "critical,digitalSignature"),
        .init("1.2.3.4.5", "DER:0500"),
    ],
]

private func certificates(_ keys: [KeyKind: PrivateKey]) throws -> [Sample] {
    var samples: [Sample] = []
    for (index, (kind, signer)) in (signers + signers[..<4]).enumerated() {
        for (number, extensions) in extensionSets.enumerated() {
            let digest = digests[(index + number) % 4]
            let made = try certificate(keys, kind, signer: signer, digest: digest, extensions: extensions)
            guard let key = keys[signer], let root = Element(der: made.der) else { throw Samples.Absent() }
            let issuer = try key.publicKey().der
            samples.append(
                Sample(
                    kind: .certificate, root: root, field: Fields.certificate(root),
                    signAgain: { root, _ in try sign(&root, key, digest) },
                    ours: { CoreReader.certificate($0, issuer: issuer) },
                    theirs: { OpenSSLReader.certificate($0, issuer: issuer) }))
        }
    }
    return samples
}

private func revocationLists(_ keys: [KeyKind: PrivateKey]) throws -> [Sample] {
    var samples: [Sample] = []
    for (index, signer) in signers.prefix(5).enumerated() {
        for count in [0, 1, 5] { samples.append(try revocationList(keys, signer.1, digests[index % 4], count)) }
    }
    return samples
}

private func revocationList(
    _ keys: [KeyKind: PrivateKey], _ signer: KeyKind, _ digest: Digest, _ count: Int
) throws -> Sample {
    let authority = try certificate(keys, signer, signer: signer, extensions: extensionSets[1])
    guard let key = keys[signer] else { throw Samples.Absent() }
    var entries: [Revocation] = []
    for number in 0..<count {
        let serial = [UInt8(number + 1)] + [UInt8](repeating: 0x80, count: 4 * number)
        entries.append(
            Revocation(
                serial: serial, date: Date(timeIntervalSince1970: 1.7e9),
                reason: number.isMultiple(of: 2) ? .unspecified : .superseded))
    }
    let made = try RevocationList(
        issuer: authority, key: key, entries: entries, number: 7, thisUpdate: Date(timeIntervalSince1970: 1.7e9),
        nextUpdate: Date(timeIntervalSince1970: 1.8e9), digest: digest)
    guard let root = Element(der: made.der) else { throw Samples.Absent() }
    let serials = entries.map(\.serial) + [[0x7F], [0x01, 0x00]]
    let issuer = try key.publicKey().der
    return Sample(
        kind: .revocationList, root: root, field: Fields.revocationList(root),
        signAgain: { root, _ in try sign(&root, key, digest) },
        ours: { CoreReader.revocationList($0, issuer: issuer, serials: serials) },
        theirs: { OpenSSLReader.revocationList($0, issuer: issuer, serials: serials) })
}

/// Signs a `SIGNED` again, if it still has its three parts.
func sign(_ root: inout Element, _ key: PrivateKey, _ digest: Digest) throws {
    guard let parts = root.children, parts.count >= 3, parts[2].tag == 0x03 else { return }
    let signature = try key.sign(try digest.hash(parts[0].encoding), of: digest)
    let (length, trailing) = (parts[2].length, parts[2].trailing)
    var bits = Element(0x03, [0] + signature)
    (bits.length, bits.trailing) = (length, trailing)
    root.children?[2] = bits
}

private func signedData(_ keys: [KeyKind: PrivateKey]) throws -> [Sample] {
    var samples: [Sample] = []
    for (index, signer) in signers.enumerated() {
        for content in [nil, Array("a message".utf8), [UInt8](repeating: 7, count: 300)] {
            samples.append(try signedData(keys, signer.1, digests[(index + 1) % 4], content))
        }
    }
    return samples
}

private func signedData(
    _ keys: [KeyKind: PrivateKey], _ signer: KeyKind, _ digest: Digest, _ content: [UInt8]?
) throws -> Sample {
    let authority = try certificate(keys, signer, signer: signer, extensions: extensionSets[1])
    guard let key = keys[signer] else { throw Samples.Absent() }
    let made = try SignedMessageContents(
        content: content,
        attributes: [
            SignedAttribute("2.16.840.1.113733.1.9.2", .printableString, Array("3".utf8)),
            SignedAttribute("2.16.840.1.113733.1.9.5", .octetString, [UInt8](repeating: 9, count: 16)),
        ],
        certificates: [authority], digest: digest
    ).signed(by: authority, key: key)
    guard let root = Element(der: made) else { throw Samples.Absent() }
    return Sample(
        kind: .signedData, root: root, field: Fields.signedData(root),
        signAgain: { root, path in try signAttributes(&root, path, key, digest) },
        ours: { CoreReader.signedData($0, signer: authority.der) },
        theirs: { OpenSSLReader.signedData($0, signer: authority.der) })
}

/// Signs the attributes of a signer again, if it was there that something changed.
private func signAttributes(_ root: inout Element, _ path: Element.Path, _ key: PrivateKey, _ digest: Digest) throws {
    guard path.count >= 5, path[4] == 3, path[2] == (root[[1, 0]].children?.count ?? 0) - 1 else { return }
    let signer = Array(path[..<4])
    guard let parts = root[signer].children, parts.count >= 6, parts[3].tag == 0xA0, parts[5].tag == 0x04 else {
        return
    }
    var attributes = parts[3]
    attributes.tag = 0x31
    attributes.trailing = []
    let signature = try key.sign(try digest.hash(attributes.der), of: digest)
    root[signer].children?[5] = Element(0x04, signature)
}

private func envelopedData(_ keys: [KeyKind: PrivateKey]) throws -> [Sample] {
    guard let rsa = keys[.rsa2048], let curve = keys[.p256] else { throw Samples.Absent() }
    let recipient = try certificate(keys, .rsa2048, signer: .rsa2048)
    let (rsaKey, curveKey) = (try pkcs8(rsa), try pkcs8(curve))
    var samples: [Sample] = []
    for cipher in Cipher.allCases {
        let content = [UInt8](repeating: UInt8(cipher.rawValue.count), count: 37)
        // OpenSSL does not take OAEP without parameters, which means SHA-1.
        for transport in [KeyTransport.pkcs1, .oaep] {
            let made = try Envelope.seal(content, for: recipient, cipher: cipher, keyTransport: transport)
            guard let root = Element(der: made) else { throw Samples.Absent() }
            samples.append(
                Sample(
                    kind: .envelopedData, root: root, field: Fields.envelopedData(root),
                    ours: { CoreReader.envelopedData($0, key: rsaKey, password: []) },
                    theirs: { OpenSSLReader.envelopedData($0, key: rsaKey, password: []) }))
        }
        let password = Array("correct horse".utf8)
        let made = try Envelope.seal(content, password: password, cipher: cipher, iterations: 3)
        guard let root = Element(der: made) else { throw Samples.Absent() }
        samples.append(
            Sample(
                kind: .envelopedData, root: root, field: Fields.envelopedData(root),
                ours: { CoreReader.envelopedData($0, key: curveKey, password: password) },
                theirs: { OpenSSLReader.envelopedData($0, key: curveKey, password: password) }))
    }
    return samples
}

/// PrivateKeyInfo in DER.
func pkcs8(_ key: PrivateKey) throws -> [UInt8] {
    let lines = String(decoding: try key.pem(), as: UTF8.self).split(separator: "\n").dropFirst().dropLast()
    return [UInt8](Data(base64Encoded: lines.joined()) ?? Data())
}

private func privateKeys(_ keys: [KeyKind: PrivateKey]) throws -> [Sample] {
    var samples: [Sample] = []
    for kind in [KeyKind.rsa2048, .rsa3072, .p256, .p384] {
        guard let key = keys[kind], let root = Element(der: try pkcs8(key)), var bare = root[[2]].children?.first else {
            throw Samples.Absent()
        }
        // Alone, an ECPrivateKey has to say which curve it is on.
        if !key.canDecrypt { bare.children?.insert(Element(0xA0, [root[[1, 1]]]), at: 2) }
        for root in [root, bare] {
            samples.append(
                Sample(
                    kind: .privateKey, root: root, field: Fields.privateKey(root), ours: { CoreReader.privateKey($0) },
                    theirs: { OpenSSLReader.privateKey($0) }))
        }
    }
    return samples
}
