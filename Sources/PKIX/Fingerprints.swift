import Bytes
import DeviceCrypto

/// The CA certificates that a device was told to trust: their SHA-256 or SHA-512 digests (RFC 8894, 2.2).
public struct Fingerprints: ~Escapable {
    private let text: Span<UInt8>

    /// - Parameter text: hexadecimal, with or without colons; 32 or 64 bytes each; several are separated by commas.
    ///   Nil if it is anything else.
    @_lifetime(copy text)
    @inline(never)
    public init?(_ text: Span<UInt8>) {
        self.text = text
        var position = 0
        repeat {
            guard let (_, next) = Self.read(text, from: position) else { return nil }
            position = next
        } while position <= text.count
    }

    /// Whether one of them is that of `certificate`, the whole certificate in DER.
    public func contains(_ certificate: Span<UInt8>) -> Bool {
        var position = 0
        while let digest = next(&position) {
            if Hash.digest(digest.algorithm, of: certificate) == digest { return true }
        }
        return false
    }

    /// The fingerprint at `position` of the text, which begins at 0 and moves to the next; nil after the last.
    public func next(_ position: inout Int) -> Digest? {
        guard let (digest, end) = Self.read(text, from: position) else { return nil }
        position = end
        return digest
    }

    /// - Returns: a fingerprint and where the next one starts.
    private static func read(_ text: Span<UInt8>, from start: Int) -> (Digest, Int)? {
        var bytes = InlineArray<64, UInt8>(repeating: 0)
        var digits = 0
        var position = start
        while position < text.count, text[position] != UInt8(ascii: ",") {
            let byte = text[position]
            position &+= 1
            if byte == UInt8(ascii: ":"), digits > 0, digits % 2 == 0 { continue }
            guard let value = byte.hexadecimalValue, digits < 128 else { return nil }
            bytes[digits / 2] = bytes[digits / 2] &<< 4 | value
            digits &+= 1
        }
        let algorithm: DigestAlgorithm
        switch digits {
        case 64: algorithm = .sha256
        case 128: algorithm = .sha512
        default: return nil
        }
        guard let digest = Digest(algorithm, bytes: bytes.span.extracting(first: algorithm.size)) else { return nil }
        return (digest, position &+ 1)
    }
}
