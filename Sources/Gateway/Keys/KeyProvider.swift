import Agent
import Board
import Bytes
import CMS
import DER
import DeviceCrypto
import LinuxBoard
import Output
import PKIX

/// What the keys of a run have in common: the settings, the token, and the reason why the last one failed, since a
/// ``DeviceKey`` fails with few words.
@safe final class KeyProvider {
    var settings = KeySettings()
    /// Why a key could not be made, kept, read or used, the last time that this happened.
    var failure: KeyFailure?
    private var token: Token?

    init(_ settings: KeySettings = KeySettings()) { self.settings = settings }

    /// Takes note of the reason.
    func failed(_ failure: KeyFailure) -> CryptoError {
        self.failure = failure
        return failure.cryptoError
    }

    /// Randomness from the system, for what has none given: reading blinds what it computes. The caller wipes it.
    static func makeRandom() throws(KeyFailure) -> RandomGenerator {
        do throws(AgentError) {
            return try systemRandom()
        } catch {
            throw .crypto(.notSeeded)
        }
    }

    // MARK: Tokens

    /// The token, whose module is loaded now if it was not before.
    func openToken() throws(KeyFailure) -> Token {
        if let token { return token }
        guard let settings = settings.token else { throw .tokenMissing }
        let token = try Token(settings)
        self.token = token
        return token
    }

    /// Logs out of the token and lets its module go. The next key that needs it opens it again.
    func close() {
        token?.close()
        token = nil
    }

    /// Forgets all secrets.
    func end() {
        close()
        settings.wipe()
    }

    /// Destroys keys on the token that this gateway has made and nothing refers to any more, so that they do not fill
    /// it over the years. Call it after a change was stored.
    ///
    /// - Parameter kept: all keys in the store, as ``GatewayKey/serialize(into:)`` wrote them.
    /// - Returns: how many objects were destroyed; 0 without a token.
    /// - Throws: ``KeyFailure``: `damaged`, with nothing destroyed, if one of `kept` cannot be read.
    func destroyOrphans(keeping kept: [[UInt8]]) throws(KeyFailure) -> Int {
        guard settings.token != nil else { return 0 }
        var identifiers: [[UInt8]] = []
        for bytes in kept where bytes.first == TokenReference.kind {
            guard let reference = TokenReference(bytes.span) else { throw .damaged }
            identifiers.append(reference.identifier)
        }
        return try openToken().destroyOrphans(keeping: identifiers)
    }

    // MARK: Keys as files have them

    /// Sees that a key can be had: that the token lets the gateway in, or that the existing key can be read.
    func check() throws(KeyFailure) {
        if settings.token != nil {
            try openToken().logIn()
        } else if settings.existingKey != nil {
            var random = try Self.makeRandom()
            defer { random.wipe() }
            var key = SoftwareKey()
            defer { key.wipe() }
            try readExisting(into: &key, random: &random)
        }
    }

    /// Reads the existing key.
    func readExisting(into key: inout SoftwareKey, random: inout RandomGenerator) throws(KeyFailure) {
        guard var text = settings.existingKey else { throw .noKey }
        defer { text.wipe() }
        guard PEM.isIn(text.span) else { return try read(&text, into: &key, random: &random) }
        var blocks: [PEM.Block]
        do throws(PEM.Failure) {
            blocks = try PEM.blocks(text.span)
        } catch {
            throw .badPEM(error)
        }
        defer { for index in blocks.indices { blocks[index].bytes.wipe() } }
        var found: Int?
        for index in blocks.indices where blocks[index].isPrivateKey {
            guard found == nil else { throw .severalKeys }
            found = index
        }
        guard let found else { throw .noKey }
        guard !blocks[found].hasHeaders else { throw .legacyEncryption }
        try read(&blocks[found].bytes, into: &key, random: &random)
    }

    /// Reads a key in any of its forms, encrypted or not; what was encrypted is decrypted where it stands.
    func read(
        _ bytes: inout [UInt8], into key: inout SoftwareKey, random: inout RandomGenerator
    ) throws(KeyFailure) {
        var place = 0..<bytes.count
        if EncryptedPrivateKeyInfo.isAt(bytes.span) {
            let info: EncryptedPrivateKeyInfo
            do throws(DERError) {
                info = try EncryptedPrivateKeyInfo(bytes.span)
            } catch {
                throw .badKey(error)
            }
            guard !settings.passphrase.isEmpty else { throw .passphraseMissing }
            do throws(CryptoError) {
                var buffer = bytes.mutableSpan
                let passphrase = settings.passphrase
                place = try info.decrypt(&buffer, password: passphrase.span)
            } catch {
                throw error == .decryptionFailed ? .wrongPassphrase : .crypto(error)
            }
        }
        do throws(DERError) {
            try key.load(PrivateKeyInfo(bytes.span.extracting(place)), random: &random)
        } catch {
            throw .badKey(error)
        }
    }

    /// A key in PKCS #8, encrypted when there is a passphrase.
    func write(
        _ key: inout SoftwareKey, random: inout RandomGenerator
    ) throws(KeyFailure) -> [UInt8] {
        var buffer = [UInt8](repeating: 0, count: Self.greatestEncoding)
        defer { buffer.wipe() }
        let range: Range<Int>
        do throws(DERError) {
            var buffer = buffer.mutableSpan
            range = try Self.write(&key, settings, into: &buffer, &random)
        } catch {
            throw error.kind.cryptoError.map { .crypto($0) } ?? .badKey(error)
        }
        return [UInt8](buffer.span.extracting(range))
    }

    /// More than an RSA key of 4096 bits takes, encrypted.
    private static var greatestEncoding: Int { 4096 }

    private static func write(
        _ key: inout SoftwareKey, _ settings: KeySettings, into buffer: inout MutableSpan<UInt8>,
        _ random: inout RandomGenerator
    ) throws(DERError) -> Range<Int> {
        var writer = DERWriter(&buffer, end: buffer.count)
        if !settings.passphrase.isEmpty {
            let end = try writer.beginEnvelope()
            try key.write(to: &writer)
            try writer.encryptPrivateKeyInfo(
                from: end, password: settings.passphrase.span, iterations: settings.iterations, random: &random)
        } else {
            try key.write(to: &writer)
        }
        return writer.front..<writer.end
    }
}

extension PEM.Block {
    /// Whether it is a private key in a form that somebody writes.
    fileprivate var isPrivateKey: Bool {
        isLabelled("PRIVATE KEY") || isLabelled("ENCRYPTED PRIVATE KEY") || isLabelled("RSA PRIVATE KEY")
            || isLabelled("EC PRIVATE KEY")
    }
}
