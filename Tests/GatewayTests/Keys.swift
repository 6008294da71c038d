import DeviceCrypto
import Foundation
import TestKeys
import TestSupport
import Testing

@testable import Gateway
@testable import Output

/// All that works with keys of the gateway, one test after the other: SoftHSM's configuration is the process's.
@Suite(.serialized) struct KeyTests {
    /// The provider of the keys of the test that runs.
    static var provider: KeyProvider { Bound.current.provider }

    fileprivate struct Bound: @unchecked Sendable {
        @TaskLocal static var current = Bound(provider: KeyProvider())

        let provider: KeyProvider
    }
}

extension GatewayKey {
    /// A key of the provider of the test that runs.
    init() { self.init(context: KeyTests.provider) }
}

/// What a test does with a key of the gateway.
func kept(_ key: inout GatewayKey) throws -> [UInt8] {
    var bytes = [UInt8](repeating: 0, count: key.serializedSize)
    var buffer = bytes.mutableSpan
    let count = try key.serialize(into: &buffer)
    #expect(count == key.serializedSize)
    return bytes
}

/// Runs `body` with a provider of keys that has these settings.
func withProvider<Result>(
    _ settings: KeySettings, _ body: (KeyProvider) throws -> Result
) throws -> Result {
    let provider = KeyProvider(settings)
    defer { provider.close() }
    return try KeyTests.Bound.$current.withValue(KeyTests.Bound(provider: provider)) { try body(provider) }
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
