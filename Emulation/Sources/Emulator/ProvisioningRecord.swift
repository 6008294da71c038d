import Foundation

/// What a device is told at manufacture: lines `name=value`, as the core's `Agent` documents and reads them.
public struct ProvisioningRecord: Sendable, Equatable {
    /// What a device puts up with from an old server only when it is told to.
    public enum Leniency: String, Sendable, CaseIterable {
        case sha1
        case tripleDES = "3des"
        case singleDES = "des"
        case unmarkedRA = "unmarked-ra"
        case caWithoutKeyUsage = "ca-without-key-usage"
        case passwordEncryption = "password-encryption"
        case noRenewal = "no-renewal"
    }

    public var url: String
    /// SHA-256 or SHA-512 of the CA's certificate, hexadecimal.
    public var fingerprint: String
    public var challenge: String?
    /// As RFC 4514 has it: `CN=sensor 7,O=Example`.
    public var subject: String
    /// `DNS:…,IP:…,URI:…,email:…`.
    public var subjectAltName: String?
    /// `rsa2048` when nil.
    public var key: String?
    public var leniencies: Set<Leniency> = []
    /// Seconds from one question for a pending certificate to the next.
    public var pollInterval: Int?
    /// How many such questions are asked.
    public var pollLimit: Int?
    /// Seconds that one exchange with the CA may take.
    public var timeout: Int?
    /// Whatever else the core's configuration knows, by its name.
    public var others: [String: String] = [:]

    public init(url: String, fingerprint: String, challenge: String?, subject: String) {
        self.url = url
        self.fingerprint = fingerprint
        self.challenge = challenge
        self.subject = subject
    }

    /// The record's lines: name and value.
    var entries: [(name: String, value: String)] {
        let allowed = leniencies.map(\.rawValue).sorted().joined(separator: ",")
        let entries: [(String, String?)] = [
            ("url", url), ("fingerprint", fingerprint), ("challenge", challenge), ("subject", subject),
            ("san", subjectAltName), ("key", key), ("allow", allowed.isEmpty ? nil : allowed),
            ("poll", pollInterval.map(String.init)), ("polls", pollLimit.map(String.init)),
            ("timeout", timeout.map(String.init)),
        ]
        return entries.compactMap { name, value in value.map { (name, $0) } }
            + others.sorted { $0.key < $1.key }.map { ($0.key, $0.value) }
    }

    /// The record's text.
    var text: String { entries.map { "\($0.name)=\($0.value)\n" }.joined() }
}

/// What of a record cannot be written.
public enum ManufactureError: Error, Equatable, CustomStringConvertible {
    /// The value of this name holds a line ending.
    case lineBreak(String)
    /// The text is longer than its region.
    case tooLong(Int)
    case notWritten(String)

    public var description: String {
        switch self {
        case .lineBreak(let name): "the provisioning record's \(name) holds a line ending, which it cannot"
        case .tooLong(let size):
            "the provisioning record has \(size) bytes, of \(FlashRegions.recordTextLimit) that fit"
        case .notWritten(let file): "\(file) cannot be written"
        }
    }
}

extension FlashImage {
    /// A flash as it leaves the factory, as far as anything is written there by anyone.
    ///
    /// - Parameter seed: where the device has a region for it.
    public init(
        record: ProvisioningRecord, seed: [UInt8] = FlashImage.randomSeed(), regions: FlashRegions = .usual
    ) throws {
        for entry in record.entries
        where entry.value.unicodeScalars.contains(where: { "\r\n".unicodeScalars.contains($0) }) {
            throw ManufactureError.lineBreak(entry.name)
        }
        let text = Array(record.text.utf8)
        guard text.count <= FlashRegions.recordTextLimit else { throw ManufactureError.tooLong(text.count) }

        var bytes = [UInt8](repeating: 0xFF, count: regions.identity.upperBound)
        func write(_ content: [UInt8], at offset: Int) {
            bytes.replaceSubrange(offset..<offset + content.count, with: content)
        }
        if let place = regions.seed {
            let seedSector = Array("SEED".utf8) + Self.littleEndian(1) + seed
            write(seedSector + Self.littleEndian(Self.crc32(seedSector)), at: place)
        }
        let header = Array("SCEP".utf8) + Self.littleEndian(UInt32(text.count))
        write(header + text + Self.littleEndian(Self.crc32(text)), at: regions.record)
        self.init(bytes: bytes, regions: regions)
    }

    /// All that is not the factory's: the agent's store.
    public var identityRegion: ArraySlice<UInt8> { bytes.dropFirst(regions.identity.lowerBound) }

    /// From this machine's random generator.
    public static func randomSeed() -> [UInt8] {
        var generator = SystemRandomNumberGenerator()
        return (0..<FlashRegions.seedSize).map { _ in UInt8.random(in: 0...255, using: &generator) }
    }

    private static func littleEndian(_ value: UInt32) -> [UInt8] {
        withUnsafeBytes(of: value.littleEndian) { [UInt8]($0) }
    }

    /// CRC-32 of zip and Ethernet.
    static func crc32(_ bytes: [UInt8]) -> UInt32 {
        ~bytes.reduce(0xFFFF_FFFF) { crc, byte in
            (0..<8).reduce(crc ^ UInt32(byte)) { value, _ in value & 1 == 1 ? value >> 1 ^ 0xEDB8_8320 : value >> 1 }
        }
    }
}

extension Device {
    /// Writes the flash that the device leaves the factory with, and takes away whatever identity it had.
    public func manufacture(_ record: ProvisioningRecord) throws {
        let image = try FlashImage(record: record, regions: board.regions)
        if !board.isMachine, FileManager.default.fileExists(atPath: store.path) {
            try FileManager.default.removeItem(at: store)
        }
        try write(image)
    }

    /// Writes its flash.
    public func write(_ image: FlashImage) throws {
        // It holds the password, and soon a key.
        guard
            FileManager.default.createFile(
                atPath: flash.path, contents: Data(image.bytes), attributes: [.posixPermissions: 0o600]),
            // What no region is in takes no space on this machine's disk.
            truncate(flash.path, board.regions.size) == 0
        else { throw ManufactureError.notWritten(flash.path) }
    }

    /// What its flash holds now, as far as anything is written there, and behind that its identity's file if it has one.
    public func readFlash() throws -> FlashImage {
        guard board.isMachine else {
            let image = try FlashImage(contentsOf: flash)
            guard FileManager.default.fileExists(atPath: identity.path) else { return image }
            return FlashImage(bytes: image.bytes + (try FlashImage(contentsOf: identity)).bytes)
        }
        let file = try FileHandle(forReadingFrom: flash)
        defer { try? file.close() }
        let bytes = try file.read(upToCount: board.regions.identity.upperBound) ?? Data()
        return FlashImage(bytes: [UInt8](bytes), regions: board.regions)
    }
}
