import Foundation
import LibCrypto

/// What a device's flash holds, found by its shape wherever it lies and without the device's own reader of it.
public struct FlashImage: Sendable, Equatable {
    public let bytes: [UInt8]
    /// Where it should be.
    public let regions: FlashRegions

    public init(contentsOf file: URL) throws {
        self.init(bytes: [UInt8](try Data(contentsOf: file)))
    }

    public init(bytes: [UInt8], regions: FlashRegions = .usual) {
        self.bytes = bytes
        self.regions = regions
    }

    /// X.509 version 3 certificates in DER, in the order of the flash.
    public var certificates: [Data] {
        var found: [Data] = []
        var offset = 0
        while let start = bytes[offset...].firstIndex(of: 0x30), start + 13 <= bytes.count {
            offset = start + 1
            // Certificate, TBSCertificate, version [0] 2: both lengths take two bytes in any real certificate.
            guard bytes[start + 1] == 0x82, bytes[start + 4] == 0x30, bytes[start + 5] == 0x82,
                bytes[start + 8..<start + 13].elementsEqual([0xA0, 3, 2, 1, 2])
            else { continue }
            let end = start + 4 + Int(bytes[start + 2]) << 8 + Int(bytes[start + 3])
            guard end <= bytes.count else { continue }
            found.append(Data(bytes[start..<end]))
            offset = end
        }
        return found
    }

    /// Private keys in the compact form that DeviceCrypto exports, in the order of the flash.
    public var privateKeys: [StoredKey] {
        // Most of it begins none, and a slice takes time.
        bytes.indices.compactMap { 1...2 ~= bytes[$0] ? StoredKey(bytes[$0...]) : nil }
    }
}

/// A private key in a flash.
public enum StoredKey: Sendable, Hashable {
    /// The product of its primes, big-endian, and the public exponent, big-endian.
    case rsa(modulus: [UInt8], exponent: [UInt8])
    case p256(scalar: [UInt8])
    case p384(scalar: [UInt8])

    /// Nil unless `bytes` begin with a key and the checksum that follows it.
    init?(_ bytes: ArraySlice<UInt8>) {
        let start = bytes.startIndex
        guard bytes.count > 2 else { return nil }
        func part(_ offset: Int, _ count: Int) -> [UInt8] { Array(bytes[start + offset..<start + offset + count]) }
        func isChecked(_ count: Int) -> Bool {
            guard bytes.count >= count + 8, let digest = try? Digest.sha256.hash(part(0, count)) else { return false }
            return digest.prefix(8).elementsEqual(part(count, 8))
        }
        switch (bytes[start], bytes[start + 1]) {
        case (1, 0x08...0x10):
            let half = (Int(bytes[start + 1]) << 8 | Int(bytes[start + 2])) / 16
            guard isChecked(7 + 2 * half) else { return nil }
            self = .rsa(modulus: product(part(7, half), part(7 + half, half)), exponent: part(3, 4))
        case (2, 1) where isChecked(2 + 3 * 32): self = .p256(scalar: part(2, 32))
        case (2, 2) where isChecked(2 + 3 * 48): self = .p384(scalar: part(2, 48))
        default: return nil
        }
    }
}

extension StoredKey {
    /// The key as `openssl` reads it, DER: RSAPublicKey (RFC 8017), or ECPrivateKey without its public key (RFC 5915),
    /// which `openssl` then works out itself.
    public var der: Data {
        switch self {
        case .rsa(let modulus, let exponent): Data(element(0x30, integer(modulus) + integer(exponent)))
        case .p256(let scalar): Data(ecPrivateKey(scalar, curve: [0x2A, 0x86, 0x48, 0xCE, 0x3D, 3, 1, 7]))
        case .p384(let scalar): Data(ecPrivateKey(scalar, curve: [0x2B, 0x81, 4, 0, 34]))
        }
    }

    private func ecPrivateKey(_ scalar: [UInt8], curve: [UInt8]) -> [UInt8] {
        element(0x30, element(2, [1]) + element(4, scalar) + element(0xA0, element(6, curve)))
    }

    private func integer(_ number: [UInt8]) -> [UInt8] {
        let digits = Array(number.drop { $0 == 0 })
        return element(2, digits.first.map { $0 & 0x80 != 0 } == false ? digits : [0] + digits)
    }

    private func element(_ tag: UInt8, _ content: [UInt8]) -> [UInt8] {
        let count = content.count
        let length =
            switch count {
            case ..<0x80: [UInt8(count)]
            case ..<0x100: [0x81, UInt8(count)]
            default: [0x82, UInt8(count >> 8), UInt8(count & 0xFF)]
            }
        return [tag] + length + content
    }
}

/// The product of two numbers, big-endian, without leading zeros.
private func product(_ left: [UInt8], _ right: [UInt8]) -> [UInt8] {
    var result = [UInt8](repeating: 0, count: left.count + right.count)
    for (i, a) in left.enumerated().reversed() {
        var carry = 0
        for (j, b) in right.enumerated().reversed() {
            let sum = Int(result[i + j + 1]) + Int(a) * Int(b) + carry
            result[i + j + 1] = UInt8(sum & 0xFF)
            carry = sum >> 8
        }
        result[i] = UInt8(carry)
    }
    return Array(result.drop { $0 == 0 })
}
