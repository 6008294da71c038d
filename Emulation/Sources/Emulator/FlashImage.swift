import Foundation

/// What a device's flash holds, found by its shape and without our own reader of it, so that a certificate and a key
/// are there only if any reader of DER would find them.
public struct FlashImage: Sendable, Equatable {
    public let bytes: [UInt8]

    public init(contentsOf file: URL) throws {
        bytes = [UInt8](try Data(contentsOf: file))
    }

    public init(bytes: [UInt8]) { self.bytes = bytes }

    /// X.509 version 3 certificates, in the order of the flash.
    public var certificates: [Data] {
        elements { content in
            // Certificate, TBSCertificate, version [0] 2
            content.count > 9 && content[0] == 0x30 && content[1] == 0x82
                && content[4...8].elementsEqual([0xA0, 3, 2, 1, 2])
        }
    }

    /// Private keys: RSAPrivateKey (RFC 8017), PrivateKeyInfo (RFC 5208), ECPrivateKey (RFC 5915).
    public var privateKeys: [Data] {
        elements { content in
            content.starts(with: [2, 1, 0, 2, 0x82]) || content.starts(with: [2, 1, 0, 0x30])
                || content.starts(with: [2, 1, 1, 4, 32]) || content.starts(with: [2, 1, 1, 4, 48])
        }
    }

    /// Every SEQUENCE whose content `matches` and whose length fits, none inside another.
    private func elements(_ matches: ([UInt8]) -> Bool) -> [Data] {
        var found: [Data] = []
        var offset = 0
        while offset + 4 < bytes.count {
            if let header = header(at: offset), offset + header.size + header.length <= bytes.count {
                let content = bytes[offset + header.size..<offset + header.size + header.length]
                if matches(Array(content.prefix(16))) {
                    found.append(Data(bytes[offset..<content.endIndex]))
                    offset = content.endIndex
                    continue
                }
            }
            offset += 1
        }
        return found
    }

    private func header(at offset: Int) -> (size: Int, length: Int)? {
        guard bytes[offset] == 0x30 else { return nil }
        switch bytes[offset + 1] {
        case let length where length < 0x80: return (2, Int(length))
        case 0x81: return (3, Int(bytes[offset + 2]))
        case 0x82: return (4, Int(bytes[offset + 2]) << 8 | Int(bytes[offset + 3]))
        default: return nil
        }
    }
}
