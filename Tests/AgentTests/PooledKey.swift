import Agent
import DeviceCrypto
import TestSupport

/// A device's key as ever, but that RSA keys are openssl's, made once for all tests: a device takes one after the other.
struct PooledKey: DeviceKey, ~Copyable {
    private var key = SoftwareKey()

    init(context: Void) {}

    /// How many RSA keys the device of this task has taken.
    @TaskLocal static var taken = Counter()

    final class Counter: @unchecked Sendable {
        var count = 0
    }

    private static let pool = Result {
        try [
            TestKey.rsa, TestKey(pem: OpenSSL.run(["genrsa", "2048"])), TestKey(pem: OpenSSL.run(["genrsa", "2048"])),
        ]
    }

    mutating func generate(_ algorithm: KeyAlgorithm, random: inout RandomGenerator) throws(CryptoError) {
        guard algorithm == .rsa(bits: 2048) else { return try key.generate(algorithm, random: &random) }
        guard let pool = try? Self.pool.get(),
            var pooled = try? pool[Self.taken.count % pool.count].rsaPrivateKey()
        else { throw .outOfMemory }
        Self.taken.count += 1
        var bytes = [UInt8](repeating: 0, count: pooled.exportSize)
        var buffer = bytes.mutableSpan
        _ = try pooled.export(into: &buffer)
        try key.load(buffer.span)
    }

    var serializedSize: Int { key.serializedSize }
    var algorithm: KeyAlgorithm { key.algorithm }
    var signatureSize: Int { key.signatureSize }
    var publicExponent: UInt32 { key.publicExponent }

    mutating func serialize(into bytes: inout MutableSpan<UInt8>) throws(CryptoError) -> Int {
        try key.serialize(into: &bytes)
    }

    mutating func load(_ bytes: Span<UInt8>) throws(CryptoError) { try key.load(bytes) }

    mutating func wipe() { key.wipe() }

    mutating func publicKey(into bytes: inout MutableSpan<UInt8>) throws(CryptoError) -> Int {
        try key.publicKey(into: &bytes)
    }

    mutating func sign(
        _ digest: Digest, into signature: inout MutableSpan<UInt8>, random: inout RandomGenerator
    ) throws(CryptoError) -> Int {
        try key.sign(digest, into: &signature, random: &random)
    }

    mutating func decrypt(
        _ padding: RSAPadding, _ ciphertext: Span<UInt8>, into plaintext: inout MutableSpan<UInt8>,
        random: inout RandomGenerator
    ) throws(CryptoError) -> Int {
        try key.decrypt(padding, ciphertext, into: &plaintext, random: &random)
    }

    mutating func unwrapKey(
        _ encryptedKey: Span<UInt8>, into content: inout MutableSpan<UInt8>, random: inout RandomGenerator
    ) throws(CryptoError) {
        try key.unwrapKey(encryptedKey, into: &content, random: &random)
    }
}
