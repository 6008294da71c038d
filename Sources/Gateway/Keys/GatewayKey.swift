import Agent
import CMS
import DER
import DeviceCrypto

/// A private key of the gateway: in memory and its store.
///
/// The first byte that is kept tells what follows: 01 or 02 ``Agent/SoftwareKey``'s own form, 30 an
/// EncryptedPrivateKeyInfo.
public struct GatewayKey: DeviceKey, ~Copyable {
    /// Settings of all keys, and the reason why one failed. `main` sets it up once.
    nonisolated(unsafe) public static let provider = KeyProvider()

    private var software = SoftwareKey()
    /// The key as an EncryptedPrivateKeyInfo, made when there is randomness for it; empty without a passphrase.
    private var sealed: [UInt8] = []

    public init() {}

    private var provider: KeyProvider { unsafe Self.provider }

    /// Makes a key, or takes the existing one, whose algorithm is what it is.
    public mutating func generate(_ algorithm: KeyAlgorithm, random: inout RandomGenerator) throws(CryptoError) {
        wipe()
        do throws(KeyFailure) {
            try make(algorithm, &random)
        } catch {
            wipe()
            throw provider.failed(error)
        }
    }

    private mutating func make(_ algorithm: KeyAlgorithm, _ random: inout RandomGenerator) throws(KeyFailure) {
        // Before the key, which may take a minute.
        var passphrase = try provider.passphrase()
        defer { passphrase?.wipe() }
        if provider.settings.existingKeyFile.isEmpty {
            do throws(CryptoError) {
                try software.generate(algorithm, random: &random)
            } catch {
                throw .crypto(error)
            }
        } else {
            try provider.readExisting(into: &software, random: &random)
        }
        if passphrase != nil { sealed = try provider.write(&software, passphrase: passphrase, random: &random) }
    }

    public var keptSize: Int { sealed.isEmpty ? software.keptSize : sealed.count }

    public mutating func keep(into bytes: inout MutableSpan<UInt8>) throws(CryptoError) -> Int {
        guard !sealed.isEmpty else { return try software.keep(into: &bytes) }
        guard bytes.count >= sealed.count else { throw .bufferTooSmall }
        for index in sealed.indices { bytes[index] = sealed[index] }
        return sealed.count
    }

    public mutating func load(_ bytes: Span<UInt8>) throws(CryptoError) {
        wipe()
        do throws(KeyFailure) {
            try read(bytes)
        } catch {
            wipe()
            throw provider.failed(error)
        }
    }

    private mutating func read(_ bytes: Span<UInt8>) throws(KeyFailure) {
        guard bytes.count > 0, bytes[0] == Tag.sequence.rawValue else {
            do throws(CryptoError) {
                return try software.load(bytes)
            } catch {
                throw .damaged
            }
        }
        var copy = [UInt8](bytes)
        defer { copy.wipe() }
        var software = SoftwareKey()
        defer { software.wipe() }
        try provider.withRandom { random throws(KeyFailure) in
            try provider.read(&copy, into: &software, random: &random)
        }
        swap(&self.software, &software)
        sealed = [UInt8](bytes)
    }

    public mutating func wipe() {
        software.wipe()
        sealed = []
    }

    /// The key as programs beside the gateway take it, in PEM: `PRIVATE KEY`, or with a passphrase `ENCRYPTED PRIVATE
    /// KEY` (RFC 7468, 10 and 11). The caller wipes it.
    ///
    /// - Throws: ``KeyProvider/failure`` has the reason.
    public mutating func published(random: inout RandomGenerator) throws(CryptoError) -> [UInt8] {
        var text: [UInt8] = []
        do throws(KeyFailure) {
            var passphrase = try provider.passphrase()
            defer { passphrase?.wipe() }
            if passphrase != nil, !sealed.isEmpty {
                PEM.write("ENCRYPTED PRIVATE KEY", sealed.span, to: &text)
            } else {
                var bytes = try provider.write(&software, passphrase: passphrase, random: &random)
                PEM.write(passphrase == nil ? "PRIVATE KEY" : "ENCRYPTED PRIVATE KEY", bytes.span, to: &text)
                bytes.wipe()
            }
        } catch {
            throw provider.failed(error)
        }
        return text
    }

    // MARK: PrivateKey

    public var algorithm: KeyAlgorithm { software.algorithm }

    public var signatureSize: Int { software.signatureSize }

    public var publicExponent: UInt32 { software.publicExponent }

    public mutating func publicKey(into bytes: inout MutableSpan<UInt8>) throws(CryptoError) -> Int {
        try software.publicKey(into: &bytes)
    }

    public mutating func sign(
        _ digest: Digest, into signature: inout MutableSpan<UInt8>, random: inout RandomGenerator
    ) throws(CryptoError) -> Int {
        try software.sign(digest, into: &signature, random: &random)
    }

    public mutating func decrypt(
        _ padding: RSAPadding, _ ciphertext: Span<UInt8>, into plaintext: inout MutableSpan<UInt8>,
        random: inout RandomGenerator
    ) throws(CryptoError) -> Int {
        try software.decrypt(padding, ciphertext, into: &plaintext, random: &random)
    }

    public mutating func unwrapKey(
        _ encryptedKey: Span<UInt8>, into key: inout MutableSpan<UInt8>, random: inout RandomGenerator
    ) throws(CryptoError) {
        try software.unwrapKey(encryptedKey, into: &key, random: &random)
    }
}
