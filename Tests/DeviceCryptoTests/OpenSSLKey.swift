import DeviceCrypto
import Foundation
import TestKeys
import TestSupport

/// A key pair in a file, which openssl works with.
final class OpenSSLKey: Sendable {
    /// The private key in DER: PKCS#1 for RSA, SEC 1 for EC.
    let privateKey: [UInt8]
    /// The SubjectPublicKeyInfo in DER.
    let publicKey: [UInt8]

    static let rsa2048 = Result { try OpenSSLKey(rsaBits: 2048) }
    static let rsa3072 = Result { try OpenSSLKey(rsaBits: 3072) }
    static let rsa4096 = Result { try OpenSSLKey(rsaBits: 4096) }

    init(rsaBits: Int) throws {
        let pem = try OpenSSL.run(["genrsa", "-traditional", "\(rsaBits)"])
        privateKey = try OpenSSL.run(["rsa", "-traditional", "-outform", "DER"], input: pem)
        publicKey = try OpenSSL.run(["rsa", "-pubout", "-outform", "DER"], input: pem)
    }

    init(curve: Curve) throws {
        let name = curve == .p256 ? "prime256v1" : "secp384r1"
        let pem = try OpenSSL.run(["ecparam", "-genkey", "-name", name, "-noout"])
        privateKey = try OpenSSL.run(["ec", "-outform", "DER"], input: pem)
        publicKey = try OpenSSL.run(["ec", "-pubout", "-outform", "DER"], input: pem)
    }

    /// A public key of ours; there is no private one.
    init(publicKey: [UInt8]) {
        privateKey = []
        self.publicKey = publicKey
    }

    /// The integers of an RSAPrivateKey: version, modulus, publicExponent, privateExponent, prime1, prime2 and more.
    var integers: [[UInt8]] { elements(in: elements(in: privateKey)[0].content).map(\.content) }

    var modulus: [UInt8] { Array(integers[1].drop { $0 == 0 }) }

    /// Runs `openssl` with a file for the private key, one for the public key and one for `input`.
    private func run(
        _ input: [UInt8], signature: [UInt8] = [], _ arguments: (_ path: (String) -> String) -> [String]
    ) throws -> [UInt8] {
        try withTemporaryDirectory { directory in
            let files = ["private": privateKey, "public": publicKey, "input": input, "signature": signature]
            for (name, bytes) in files {
                try Data(bytes).write(to: directory.appendingPathComponent(name))
            }
            return try OpenSSL.run(arguments { directory.appendingPathComponent($0).path })
        }
    }

    /// - Parameter options: as openssl's `-sigopt`.
    func sign(_ message: [UInt8], _ algorithm: DigestAlgorithm, _ options: [String] = []) throws -> [UInt8] {
        try run(message) {
            ["dgst", "-\(algorithm.openSSL)", "-keyform", "DER", "-sign", $0("private")]
                + options.flatMap { ["-sigopt", $0] } + [$0("input")]
        }
    }

    /// Throws unless openssl takes the signature.
    func verify(_ message: [UInt8], _ algorithm: DigestAlgorithm, _ signature: [UInt8]) throws {
        _ = try run(message, signature: signature) {
            [
                "dgst", "-\(algorithm.openSSL)", "-keyform", "DER", "-verify", $0("public"), "-signature",
                $0("signature"), $0("input"),
            ]
        }
    }

    func encrypt(_ plaintext: [UInt8], _ options: [String]) throws -> [UInt8] {
        try run(plaintext) {
            ["pkeyutl", "-encrypt", "-keyform", "DER", "-pubin", "-inkey", $0("public"), "-in", $0("input")]
                + options.flatMap { ["-pkeyopt", $0] }
        }
    }

    func decrypt(_ ciphertext: [UInt8]) throws -> [UInt8] {
        try run(ciphertext) {
            ["pkeyutl", "-decrypt", "-keyform", "DER", "-inkey", $0("private"), "-in", $0("input")]
        }
    }

    /// The RSA operation alone, on a whole block: what a signature of that block is.
    func signBlock(_ block: [UInt8]) throws -> [UInt8] {
        try run(block) {
            [
                "pkeyutl", "-decrypt", "-keyform", "DER", "-inkey", $0("private"), "-in", $0("input"), "-pkeyopt",
                "rsa_padding_mode:none",
            ]
        }
    }
}

extension RSAPrivateKey {
    /// The key of openssl's, as a host would import it from a file.
    init(_ key: OpenSSLKey) throws(CryptoError) {
        try self.init(integers: key.integers)
    }

    init(integers: [[UInt8]]) throws(CryptoError) {
        let (n, e, d, p, q) = (integers[1], integers[2], integers[3], integers[4], integers[5])
        try self.init(
            modulus: n.span, publicExponent: e.span, privateExponent: d.span, prime1: p.span, prime2: q.span)
    }

    var modulus: [UInt8] {
        mutating get throws(CryptoError) {
            try output(512) { (buffer) throws(CryptoError) in try publicKey(into: &buffer) }
        }
    }

    var exported: [UInt8] {
        mutating get throws(CryptoError) {
            try output(600) { (buffer) throws(CryptoError) in try export(into: &buffer) }
        }
    }

    mutating func signature(_ algorithm: DigestAlgorithm = .sha256) throws(CryptoError) -> [UInt8] {
        var random = try seededRandom()
        let digest = digest(of: message, algorithm)
        return try output(512) { (buffer) throws(CryptoError) in try sign(digest, into: &buffer, random: &random) }
    }

    mutating func plaintext(_ padding: RSAPadding, _ ciphertext: [UInt8]) throws(CryptoError) -> [UInt8] {
        var random = try seededRandom()
        return try output(512) { (buffer) throws(CryptoError) in
            try decrypt(padding, ciphertext.span, into: &buffer, random: &random)
        }
    }

    mutating func contentKey(_ size: Int, _ ciphertext: [UInt8]) throws(CryptoError) -> [UInt8] {
        var random = try seededRandom()
        return try output(size) { (buffer) throws(CryptoError) in
            try unwrapKey(ciphertext.span, into: &buffer, random: &random)
            return size
        }
    }
}
