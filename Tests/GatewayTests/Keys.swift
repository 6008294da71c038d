import DeviceCrypto
import Foundation
import TestSupport
import Testing

@testable import Gateway

/// All that works with keys of the gateway, one test after the other, since they share one provider.
@Suite(.serialized) struct KeyTests {}

/// What a test does with a key of the gateway.
func kept(_ key: inout GatewayKey) throws -> [UInt8] {
    var bytes = [UInt8](repeating: 0, count: key.serializedSize)
    var buffer = bytes.mutableSpan
    let count = try key.serialize(into: &buffer)
    #expect(count == key.serializedSize)
    return bytes
}

/// Runs `body` with settings, and forgets them.
func withProvider<Result>(
    _ settings: KeySettings, _ body: (KeyProvider) throws -> Result
) throws -> Result {
    let provider = GatewayKey.provider
    provider.settings = settings
    provider.failure = nil
    defer { provider.settings = KeySettings() }
    return try body(provider)
}

/// The public key in DER, as openssl knows it.
func publicKey(_ pem: [UInt8], password: String = "none") throws -> [UInt8] {
    try OpenSSL.run(["pkey", "-pubout", "-outform", "DER", "-passin", "pass:\(password)"], input: pem)
}

/// Whether a signature that the key makes is one of the public key's.
func signs(_ key: inout GatewayKey, as publicPEM: [UInt8], _ digest: DigestAlgorithm = .sha256) throws -> Bool {
    var random = try seededRandom()
    let message = Array("what is signed".utf8)
    var signature = [UInt8](repeating: 0, count: key.signatureSize)
    let hash = Hash.digest(digest, of: message.span)
    var buffer = signature.mutableSpan
    let count = try key.sign(hash, into: &buffer, random: &random)
    let name =
        switch digest {
        case .sha1: "sha1"
        case .sha256: "sha256"
        case .sha384: "sha384"
        case .sha512: "sha512"
        }
    return try withTemporaryDirectory { directory in
        let verdict = try? OpenSSL.run(
            [
                "dgst", "-\(name)", "-verify", directory.write(publicPEM, to: "public"), "-signature",
                directory.write(Array(signature.prefix(count)), to: "signature"),
            ], input: message)
        return verdict != nil
    }
}

extension URL {
    /// Writes a file and gives it a mode; returns its path as settings have it.
    func writePrivate(_ bytes: [UInt8], to name: String, mode: Int = 0o600) throws -> [UInt8] {
        let path = try write(bytes, to: name)
        try FileManager.default.setAttributes([.posixPermissions: mode], ofItemAtPath: path)
        return Array(path.utf8)
    }
}
