import CSCEP
import DeviceCrypto

/// A key in the caller's secure element. How a content key is unwrapped is ``DeviceCrypto/PrivateKey``'s, which does not tell
/// whether the padding was right.
struct ElementKey: PrivateKey, ~Copyable {
    private let keys: UnsafePointer<scep_keys>?
    private(set) var algorithm = KeyAlgorithm.p256
    private var reference = InlineArray<64, UInt8>(repeating: 0)
    /// 0: there is no key.
    private(set) var referenceSize = 0

    init(_ keys: UnsafePointer<scep_keys>?) { self.keys = keys }

    /// Whether there is an element.
    var isAvailable: Bool { keys != nil }

    mutating func generate(_ algorithm: KeyAlgorithm) throws(CryptoError) {
        wipe()
        guard let keys, let function = keys.pointee.generate else { throw .unsupported }
        var size = reference.count
        var space = reference.mutableSpan
        let status = space.withUnsafeMutableBufferPointer { bytes in
            function(keys.pointee.context, algorithm.keyType, bytes.baseAddress, &size)
        }
        guard status == 0, 1...reference.count ~= size else { throw .failed }
        self.algorithm = algorithm
        referenceSize = size
    }

    /// - Parameter bytes: space for 64.
    func copyReference(to bytes: inout MutableSpan<UInt8>) {
        for index in 0..<referenceSize { bytes[index] = reference[index] }
    }

    mutating func set(_ algorithm: KeyAlgorithm, reference bytes: Span<UInt8>) {
        self.algorithm = algorithm
        referenceSize = bytes.count
        for index in bytes.indices { reference[index] = bytes[index] }
    }

    mutating func wipe() {
        referenceSize = 0
        var bytes = reference.mutableSpan
        DeviceCrypto.wipe(&bytes)
    }

    // MARK: PrivateKey

    var signatureSize: Int { algorithm.signatureSize }

    var publicExponent: UInt32 {
        if case .rsa = algorithm { return 65_537 }
        return 0
    }

    private var publicKeySize: Int {
        switch algorithm {
        case .rsa(let bits): bits / 8
        case .p256: 65
        case .p384: 97
        }
    }

    mutating func publicKey(into bytes: inout MutableSpan<UInt8>) throws(CryptoError) -> Int {
        guard referenceSize > 0, let keys, let function = keys.pointee.public_key else {
            throw .invalidKey
        }
        let capacity = bytes.count
        guard capacity >= publicKeySize else { throw .bufferTooSmall }
        var size = capacity
        let status = bytes.withUnsafeMutableBufferPointer { bytes in
            reference.span.withUnsafeBufferPointer { reference in
                function(keys.pointee.context, reference.baseAddress, referenceSize, bytes.baseAddress, &size)
            }
        }
        guard status == 0, size == publicKeySize else { throw .failed }
        return size
    }

    mutating func sign(
        _ digest: Digest, into signature: inout MutableSpan<UInt8>, random: inout RandomGenerator
    ) throws(CryptoError) -> Int {
        guard referenceSize > 0, let keys, let function = keys.pointee.sign else {
            throw .invalidKey
        }
        let capacity = signature.count
        var size = capacity
        let status = signature.withUnsafeMutableBufferPointer { signature in
            reference.span.withUnsafeBufferPointer { reference in
                digest.bytes.withUnsafeBufferPointer { bytes in
                    function(
                        keys.pointee.context, reference.baseAddress, referenceSize, digest.algorithm.code,
                        bytes.baseAddress, bytes.count, signature.baseAddress, &size)
                }
            }
        }
        guard status == 0, size > 0, size <= capacity else { throw .failed }
        return size
    }

    mutating func decrypt(
        _ padding: RSAPadding, _ ciphertext: Span<UInt8>, into plaintext: inout MutableSpan<UInt8>,
        random: inout RandomGenerator
    ) throws(CryptoError) -> Int {
        guard referenceSize > 0, let keys else { throw .invalidKey }
        guard let function = keys.pointee.decrypt, case .rsa = algorithm else { throw .unsupported }
        let isOAEP: Int32
        switch padding {
        case .pkcs1v15: isOAEP = 0
        case .oaep(.sha256): isOAEP = 1
        default: throw .unsupported
        }
        let capacity = plaintext.count
        var size = capacity
        let status = plaintext.withUnsafeMutableBufferPointer { plaintext in
            reference.span.withUnsafeBufferPointer { reference in
                ciphertext.withUnsafeBufferPointer { ciphertext in
                    function(
                        keys.pointee.context, reference.baseAddress, referenceSize, isOAEP, ciphertext.baseAddress,
                        ciphertext.count, plaintext.baseAddress, &size)
                }
            }
        }
        guard status == 0, size >= 0, size <= capacity else { throw .decryptionFailed }
        return size
    }
}

extension KeyAlgorithm {
    var keyType: scep_key_type {
        switch self {
        case .rsa(3072): SCEP_RSA_3072
        case .rsa(4096): SCEP_RSA_4096
        case .rsa: SCEP_RSA_2048
        case .p256: SCEP_P256
        case .p384: SCEP_P384
        }
    }

    init?(keyType code: UInt8) {
        switch code {
        case 0: self = .rsa(bits: 2048)
        case 1: self = .rsa(bits: 3072)
        case 2: self = .rsa(bits: 4096)
        case 3: self = .p256
        case 4: self = .p384
        default: return nil
        }
    }
}

extension DigestAlgorithm {
    var code: scep_digest {
        switch self {
        case .sha1: SCEP_SHA1
        case .sha256: SCEP_SHA256
        case .sha384: SCEP_SHA384
        case .sha512: SCEP_SHA512
        }
    }

    init?(_ code: scep_digest) {
        switch code {
        case SCEP_SHA1: self = .sha1
        case SCEP_SHA256: self = .sha256
        case SCEP_SHA384: self = .sha384
        case SCEP_SHA512: self = .sha512
        default: return nil
        }
    }
}
