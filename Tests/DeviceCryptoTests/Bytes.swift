import DeviceCrypto
import TestSupport

/// Space for a result; `body` says how much of it was used.
func output<Failure: Error>(
    _ capacity: Int, _ body: (inout MutableSpan<UInt8>) throws(Failure) -> Int
) throws(Failure) -> [UInt8] {
    var bytes = [UInt8](repeating: 0xEE, count: capacity)
    var span = bytes.mutableSpan
    let count = try body(&span)
    return Array(bytes[..<count])
}

/// The error that `body` ends in, or nil.
func failure(_ body: () throws(CryptoError) -> Void) -> CryptoError? {
    do throws(CryptoError) {
        try body()
        return nil
    } catch {
        return error
    }
}

extension RandomGenerator {
    mutating func bytes(_ count: Int) throws(CryptoError) -> [UInt8] {
        var bytes = [UInt8](repeating: 0, count: count)
        var span = bytes.mutableSpan
        try fill(&span)
        return bytes
    }
}

extension DigestAlgorithm: CaseIterable {
    public static var allCases: [DigestAlgorithm] { [.sha1, .sha256, .sha384, .sha512] }

    /// The name in the command line of openssl.
    var openSSL: String {
        switch self {
        case .sha1: "sha1"
        case .sha256: "sha256"
        case .sha384: "sha384"
        case .sha512: "sha512"
        }
    }

    /// The object identifier in DER, for DigestInfo.
    var identifier: [UInt8] {
        switch self {
        case .sha1: [0x06, 5, 0x2B, 0x0E, 0x03, 0x02, 0x1A]
        case .sha256: [0x06, 9, 0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, 0x01]
        case .sha384: [0x06, 9, 0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, 0x02]
        case .sha512: [0x06, 9, 0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, 0x03]
        }
    }
}

func digest(of bytes: [UInt8], _ algorithm: DigestAlgorithm = .sha256) -> Digest {
    Hash.digest(algorithm, of: bytes.span)
}

let message = [UInt8]("Whatever the device has to say".utf8)
