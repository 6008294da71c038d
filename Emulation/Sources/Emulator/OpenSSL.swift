import Foundation

/// Debian's `openssl` program, which checks what a device came home with.
public struct OpenSSL: Sendable {
    /// Its scratch folder.
    let folder: URL

    /// - Parameter folder: exists, and may be written to.
    public init(folder: URL) { self.folder = folder }

    /// Runs `openssl` and returns what it wrote.
    func run(_ arguments: [String]) async throws -> String {
        let program = Program(
            executable: "/usr/bin/openssl", arguments: arguments, folder: folder, origin: "apt-get install openssl")
        let run = try await program.run(timeLimit: .hang) { try await $0.end() }
        let text = run.lines.map(\.text).joined(separator: "\n")
        guard run.ending == .exited(0) else {
            throw OpenSSLError(command: arguments.joined(separator: " "), complaint: text)
        }
        return text
    }

    /// What a person wants to know of a certificate.
    public func describe(certificate: Data) async throws -> CertificateDescription {
        try await with(certificate) { file in
            let read = ["x509", "-inform", "DER", "-in", file, "-noout", "-nameopt", "utf8,sep_comma_plus_space,sname"]
            let fields = try await run(read + ["-subject", "-issuer", "-serial", "-startdate", "-enddate"])
            let fingerprint = try await run(read + ["-sha256", "-fingerprint"])
            let text = try await run(read + ["-text"])
            return CertificateDescription(fields: fields, fingerprint: fingerprint, text: text)
        }
    }

    /// Whether `openssl verify` takes the certificate for one of this CA's, through `intermediates`.
    ///
    /// - Parameter time: when it has to be valid.
    /// - Throws: ``OpenSSLError`` with its reason when it does not.
    public func verify(
        certificate: Data, root: Data, intermediates: [Data] = [], at time: Date = Date()
    ) async throws {
        let files = try [certificate, root].map { try write(Self.pem($0)) }
        let chain = try write(Data(intermediates.map(Self.pem).joined()))
        defer { (files + [chain]).forEach { try? FileManager.default.removeItem(at: $0) } }
        let untrusted = intermediates.isEmpty ? [] : ["-untrusted", chain.path]
        let options = ["-CAfile", files[1].path, "-attime", "\(Int(time.timeIntervalSince1970))"]
        _ = try await run(["verify"] + options + untrusted + [files[0].path])
    }

    /// Whether a certificate names itself as its issuer.
    public func isSelfSigned(certificate: Data) async throws -> Bool {
        let description = try await describe(certificate: certificate)
        return description.subject == description.issuer
    }

    /// The public key of a certificate, in PEM.
    public func publicKey(certificate: Data) async throws -> String {
        try await with(certificate) {
            try await run(["x509", "-inform", "DER", "-in", $0, "-noout", "-pubkey"])
        }
    }

    /// The certificate in a file in PEM, DER.
    public func certificate(in file: URL) async throws -> Data {
        let target = folder.appending(path: "openssl-\(UUID().uuidString)")
        defer { try? FileManager.default.removeItem(at: target) }
        _ = try await run(["x509", "-in", file.path, "-outform", "DER", "-out", target.path])
        return try Data(contentsOf: target)
    }

    /// The public key of a private key in a file in PEM, in PEM.
    public func publicKey(ofKeyIn file: URL) async throws -> String {
        try await run(["pkey", "-in", file.path, "-pubout"])
    }

    /// The public key of a key in a flash, in PEM.
    public func publicKey(of key: StoredKey) async throws -> String {
        let read =
            switch key {
            case .rsa: ["rsa", "-RSAPublicKey_in", "-inform", "DER", "-pubout"]
            case .p256, .p384: ["ec", "-inform", "DER", "-pubout"]
            }
        let text = try await with(key.der) { try await run(read + ["-in", $0]) }
        // What it says of what it does goes the same way.
        guard let start = text.range(of: "-----BEGIN") else {
            throw OpenSSLError(command: read[0], complaint: text)
        }
        return String(text[start.lowerBound...])
    }

    private func with<Value>(_ data: Data, _ body: (String) async throws -> Value) async throws
        -> Value
    {
        let file = try write(data)
        defer { try? FileManager.default.removeItem(at: file) }
        return try await body(file.path)
    }

    private func write(_ data: Data) throws -> URL {
        let file = folder.appending(path: "openssl-\(UUID().uuidString)")
        // Keys pass through here.
        guard
            FileManager.default.createFile(
                atPath: file.path, contents: data, attributes: [.posixPermissions: 0o600])
        else { throw CocoaError(.fileWriteUnknown, userInfo: [NSFilePathErrorKey: file.path]) }
        return file
    }

    private static func pem(_ certificate: Data) -> Data {
        let base64 = certificate.base64EncodedString(options: [.lineLength64Characters, .endLineWithLineFeed])
        return Data("-----BEGIN CERTIFICATE-----\n\(base64)\n-----END CERTIFICATE-----\n".utf8)
    }
}

/// `openssl` did not take what it was given.
public struct OpenSSLError: Error, CustomStringConvertible {
    let command: String
    let complaint: String
    public var description: String { "openssl \(command) failed: \(complaint)" }
}

/// A certificate as a person reads it.
public struct CertificateDescription: Sendable, Equatable {
    public let subject: String
    public let issuer: String
    public let serial: String
    public let notBefore: String
    public let notAfter: String
    /// `RSA 2048 bit`.
    public let key: String
    /// Empty when there is none.
    public let subjectAltName: String
    /// SHA-256, hexadecimal pairs with colons.
    public let fingerprint: String

    init(fields: String, fingerprint: String, text: String) {
        func value(_ name: String, in text: String) -> String {
            let line = text.split(separator: "\n").first { $0.hasPrefix(name) }
            return line.map { String($0.dropFirst(name.count)) } ?? ""
        }
        subject = value("subject=", in: fields)
        issuer = value("issuer=", in: fields)
        serial = value("serial=", in: fields)
        notBefore = value("notBefore=", in: fields)
        notAfter = value("notAfter=", in: fields)
        self.fingerprint = fingerprint.split(separator: "=").last.map(String.init) ?? ""

        let lines = text.split(separator: "\n").map { $0.trimmingCharacters(in: .whitespaces) }
        let algorithm = value("Public Key Algorithm: ", in: lines.joined(separator: "\n"))
        let size = value("Public-Key: (", in: lines.joined(separator: "\n")).replacingOccurrences(of: ")", with: "")
        let names = ["rsaEncryption": "RSA", "id-ecPublicKey": "EC"]
        key = "\(names[algorithm] ?? algorithm) \(size)"
        let alternative = lines.firstIndex { $0.hasPrefix("X509v3 Subject Alternative Name:") }
        subjectAltName = alternative.flatMap { lines.dropFirst($0 + 1).first } ?? ""
    }
}
