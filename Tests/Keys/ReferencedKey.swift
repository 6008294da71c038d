import DeviceCrypto
import Synchronization
import TestSupport

/// A private key as a secure element has it: this holds a reference and the public key, and openssl signs and decrypts.
///
/// The secret never is in the memory of whoever holds this; what works with it works with `publicKey`, `sign` and
/// `decrypt` alone.
public struct ReferencedKey: PrivateKey, ~Copyable {
    /// What a token knows a key by.
    public private(set) var reference: UInt32 = 0

    private static let token = Mutex<[Slot]>([])

    private struct Slot {
        let pem: [UInt8]
        let algorithm: KeyAlgorithm
        let publicKey: [UInt8]
    }

    /// A place for a key.
    public init() {}

    /// Has a key made in the token.
    public mutating func generate(_ algorithm: KeyAlgorithm) throws {
        switch algorithm {
        case .rsa(let bits):
            let pem = try OpenSSL.run(["genrsa", "\(bits)"])
            // "Modulus=" and hexadecimal digits.
            let text = String(decoding: try OpenSSL.run(["rsa", "-noout", "-modulus"], input: pem), as: UTF8.self)
            put(Slot(pem: pem, algorithm: algorithm, publicKey: [UInt8](hex: String(text.dropFirst(8)))))
        case .p256, .p384:
            let curve = algorithm == .p256 ? "P-256" : "P-384"
            let pem = try OpenSSL.run(["genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:\(curve)"])
            let der = try OpenSSL.run(["pkey", "-pubout", "-outform", "DER"], input: pem)
            put(Slot(pem: pem, algorithm: algorithm, publicKey: der.suffix(algorithm == .p256 ? 65 : 97)))
        }
    }

    private mutating func put(_ slot: Slot) {
        reference = Self.token.withLock { slots in
            slots.append(slot)
            return UInt32(slots.count)
        }
    }

    /// A key that the token has.
    public mutating func find(_ reference: UInt32) -> Bool {
        let isThere = Self.token.withLock { 1...UInt32($0.count + 1) ~= reference + 1 && reference > 0 }
        self.reference = isThere ? reference : 0
        return isThere
    }

    /// Forgets the reference; the token keeps the key.
    public mutating func forget() {
        reference = 0
    }

    private var slot: Slot? {
        guard reference > 0 else { return nil }
        return Self.token.withLock { $0[Int(reference) - 1] }
    }

    // MARK: PrivateKey

    public var algorithm: KeyAlgorithm { slot?.algorithm ?? .p256 }

    public var signatureSize: Int {
        switch algorithm {
        case .rsa(let bits): bits / 8
        case .p256: 72
        case .p384: 104
        }
    }

    public var publicExponent: UInt32 {
        if case .rsa = algorithm { 65537 } else { 0 }
    }

    public mutating func publicKey(into bytes: inout MutableSpan<UInt8>) throws(CryptoError) -> Int {
        guard let slot else { throw .invalidKey }
        return try put(slot.publicKey, into: &bytes)
    }

    public mutating func sign(
        _ digest: Digest, into signature: inout MutableSpan<UInt8>, random: inout RandomGenerator
    ) throws(CryptoError) -> Int {
        let name =
            switch digest.algorithm {
            case .sha1: "sha1"
            case .sha256: "sha256"
            case .sha384: "sha384"
            case .sha512: "sha512"
            }
        return try put(
            run(["-sign", "-pkeyopt", "digest:\(name)"], digest.bytes.array, failure: .failed), into: &signature)
    }

    public mutating func decrypt(
        _ padding: RSAPadding, _ ciphertext: Span<UInt8>, into plaintext: inout MutableSpan<UInt8>,
        random: inout RandomGenerator
    ) throws(CryptoError) -> Int {
        guard case .rsa = algorithm else { throw .unsupported }
        guard padding == .pkcs1v15 else { throw .unsupported }
        let plain = try run(["-decrypt"], ciphertext.array, failure: .decryptionFailed)
        guard plain.count <= plaintext.count else { throw .decryptionFailed }
        return try put(plain, into: &plaintext)
    }

    private func run(_ arguments: [String], _ input: [UInt8], failure: CryptoError) throws(CryptoError) -> [UInt8] {
        guard let slot else { throw .invalidKey }
        let result = Result {
            try withTemporaryDirectory { directory in
                try OpenSSL.run(
                    [
                        "pkeyutl", "-inkey", directory.write(slot.pem, to: "key"), "-in",
                        directory.write(input, to: "in"),
                    ] + arguments)
            }
        }
        guard case .success(let output) = result else { throw failure }
        return output
    }

    private func put(_ result: [UInt8], into bytes: inout MutableSpan<UInt8>) throws(CryptoError) -> Int {
        guard result.count <= bytes.count else { throw .bufferTooSmall }
        for index in result.indices { bytes[index] = result[index] }
        return result.count
    }

    /// The public key in PEM, for openssl to work with.
    public func publicPEM() throws -> [UInt8] {
        guard let slot else { throw CryptoError.invalidKey }
        return try OpenSSL.run(["pkey", "-pubout"], input: slot.pem)
    }

    /// The secret parts as openssl prints them: what must be found nowhere.
    public func secrets() throws -> [[UInt8]] {
        guard let slot else { throw CryptoError.invalidKey }
        let text = String(decoding: try OpenSSL.run(["pkey", "-noout", "-text"], input: slot.pem), as: UTF8.self)
        var secrets: [[UInt8]] = []
        var isSecret = false
        var digits = ""
        for line in text.split(separator: "\n").map(String.init) + ["end:"] {
            if line.hasPrefix("    ") {
                if isSecret { digits += line }
            } else {
                let bytes = [UInt8](hex: digits)
                if bytes.count >= 16 { secrets.append(Array(bytes.drop { $0 == 0 })) }
                digits = ""
                isSecret = ["priv", "prime", "expo", "coef"].contains { line.hasPrefix($0) }
            }
        }
        return secrets
    }
}
