import Agent
import CMS
import DER
import DeviceCrypto
import Output

/// A private key of the gateway: in memory and its store, or on a token.
///
/// The first byte that is kept tells what follows: 01 or 02 ``Agent/SoftwareKey``'s own form, 10 a reference to a token's
/// key, 30 an EncryptedPrivateKeyInfo.
struct GatewayKey: DeviceKey, ~Copyable {
    private let provider: KeyProvider
    private var software = SoftwareKey()
    private var token: TokenKey
    /// The key as an EncryptedPrivateKeyInfo, made when there is randomness for it; empty without a passphrase.
    private var sealed: [UInt8] = []

    init(context provider: KeyProvider) {
        self.provider = provider
        token = TokenKey(provider)
    }

    /// Makes a key, or takes the existing one, whose algorithm is what it is; all of it at once.
    mutating func generatePart(
        _ algorithm: KeyAlgorithm, random: inout RandomGenerator
    ) throws(CryptoError) -> Bool {
        wipe()
        do throws(KeyFailure) {
            try make(algorithm, &random)
        } catch {
            wipe()
            throw provider.failed(error)
        }
        return true
    }

    private mutating func make(_ algorithm: KeyAlgorithm, _ random: inout RandomGenerator) throws(KeyFailure) {
        if let settings = provider.settings.token {
            let token = try provider.openToken()
            self.token.reference =
                settings.existingLabel.isEmpty
                ? try token.generate(algorithm, random: &random) : try token.find(label: settings.existingLabel)
            return
        }
        if provider.settings.existingKey == nil {
            do throws(CryptoError) {
                try software.generate(algorithm, random: &random)
            } catch {
                throw .crypto(error)
            }
        } else {
            try provider.readExisting(into: &software, random: &random)
        }
        if !provider.settings.passphrase.isEmpty { sealed = try provider.write(&software, random: &random) }
    }

    /// Whether the key is on a token.
    var isOnToken: Bool { token.reference != nil }

    var serializedSize: Int {
        if let reference = token.reference { return reference.bytes.count }
        return sealed.isEmpty ? software.serializedSize : sealed.count
    }

    mutating func serialize(into bytes: inout MutableSpan<UInt8>) throws(CryptoError) -> Int {
        guard isOnToken || !sealed.isEmpty else { return try software.serialize(into: &bytes) }
        let kept = token.reference?.bytes ?? sealed
        guard bytes.count >= kept.count else { throw .bufferTooSmall }
        for index in kept.indices { bytes[index] = kept[index] }
        return kept.count
    }

    mutating func load(_ bytes: Span<UInt8>) throws(CryptoError) {
        wipe()
        do throws(KeyFailure) {
            try read(bytes)
        } catch {
            wipe()
            throw provider.failed(error)
        }
    }

    /// Whether what ``serialize(into:)`` wrote takes the passphrase to be read.
    static func isEncrypted(_ bytes: Span<UInt8>) -> Bool { bytes.count > 0 && bytes[0] == Tag.sequence.rawValue }

    /// Whether what ``serialize(into:)`` wrote refers to a token's key.
    static func isOnToken(_ bytes: Span<UInt8>) -> Bool { bytes.count > 0 && bytes[0] == TokenReference.kind }

    private mutating func read(_ bytes: Span<UInt8>) throws(KeyFailure) {
        if Self.isOnToken(bytes) {
            guard let reference = TokenReference(bytes) else { throw .damaged }
            try provider.openToken().check(reference)
            token.reference = reference
            return
        }
        guard Self.isEncrypted(bytes) else {
            do throws(CryptoError) {
                return try software.load(bytes)
            } catch {
                throw .damaged
            }
        }
        var copy = [UInt8](bytes)
        defer { copy.wipe() }
        var random = try KeyProvider.makeRandom()
        defer { random.wipe() }
        try provider.read(&copy, into: &software, random: &random)
        sealed = [UInt8](bytes)
    }

    mutating func wipe() {
        software.wipe()
        token.reference = nil
        sealed = []
    }

    /// The key as programs beside the gateway take it, in PEM: `PRIVATE KEY`, or with a passphrase `ENCRYPTED PRIVATE
    /// KEY` (RFC 7468, 10 and 11). Of a token's key its PKCS #11 URI (RFC 7512), without a PIN, and a line's end. The
    /// caller wipes it.
    ///
    /// - Throws: ``KeyProvider/failure`` has the reason.
    mutating func published(random: inout RandomGenerator) throws(CryptoError) -> [UInt8] {
        if let reference = token.reference, let settings = provider.settings.token {
            return reference.uri(token: settings.label) + [0x0A]
        }
        var text: [UInt8] = []
        do throws(KeyFailure) {
            let isSealed = !provider.settings.passphrase.isEmpty
            if isSealed, !sealed.isEmpty {
                PEM.write("ENCRYPTED PRIVATE KEY", sealed.span, to: &text)
            } else {
                var bytes = try provider.write(&software, random: &random)
                PEM.write(isSealed ? "ENCRYPTED PRIVATE KEY" : "PRIVATE KEY", bytes.span, to: &text)
                bytes.wipe()
            }
        } catch {
            throw provider.failed(error)
        }
        return text
    }

    // MARK: PrivateKey

    var algorithm: KeyAlgorithm { isOnToken ? token.algorithm : software.algorithm }

    var signatureSize: Int { isOnToken ? token.signatureSize : software.signatureSize }

    var publicExponent: UInt32 { isOnToken ? token.publicExponent : software.publicExponent }

    mutating func publicKey(into bytes: inout MutableSpan<UInt8>) throws(CryptoError) -> Int {
        isOnToken
            ? try token.publicKey(into: &bytes)
            : try software.publicKey(into: &bytes)
    }

    mutating func sign(
        _ digest: Digest, into signature: inout MutableSpan<UInt8>, random: inout RandomGenerator
    ) throws(CryptoError) -> Int {
        isOnToken
            ? try token.sign(digest, into: &signature, random: &random)
            : try software.sign(digest, into: &signature, random: &random)
    }

    mutating func decrypt(
        _ padding: RSAPadding, _ ciphertext: Span<UInt8>, into plaintext: inout MutableSpan<UInt8>,
        random: inout RandomGenerator
    ) throws(CryptoError) -> Int {
        isOnToken
            ? try token.decrypt(padding, ciphertext, into: &plaintext, random: &random)
            : try software.decrypt(padding, ciphertext, into: &plaintext, random: &random)
    }

    mutating func unwrapKey(
        _ encryptedKey: Span<UInt8>, into key: inout MutableSpan<UInt8>, random: inout RandomGenerator
    ) throws(CryptoError) {
        isOnToken
            ? try token.unwrapKey(encryptedKey, into: &key, random: &random)
            : try software.unwrapKey(encryptedKey, into: &key, random: &random)
    }
}
