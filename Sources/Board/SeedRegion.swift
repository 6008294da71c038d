import Bytes
import DeviceCrypto

/// Entropy for parts without a random generator: 64 random bytes that the factory wrote, advanced before each use.
///
/// Two sectors, of which the one with the higher counter counts. Each begins with:
///
/// | bytes | what |
/// |---|---|
/// | 4 | `SEED` |
/// | 4 | counter, little-endian |
/// | 64 | the secret |
/// | 4 | CRC-32 of all of the above, little-endian |
///
/// The secret's successor is written to the other sector and read back, and the secret itself erased, before a byte
/// that was derived from it is given out. So a power cut at any moment leaves a secret that was never used, and
/// whoever reads the flash later learns nothing of what was given out before.
///
/// It is as good as the factory's secret and as the flash is private: nothing new comes in.
public struct SeedRegion<S: Storage & ~Copyable>: EntropySource, ~Copyable {
    private static var counter: Int { 4 }
    private static var secret: Range<Int> { 8..<72 }
    private static var checksum: Int { 72 }

    private var storage: S

    /// - Parameter storage: two sectors or more; 76 is a multiple of its page size.
    public init(_ storage: consuming S) {
        self.storage = storage
    }

    /// Writes what the factory writes into the first sector; the second stays erased.
    ///
    /// - Parameters:
    ///   - secret: 64 random bytes.
    ///   - record: takes 76 bytes at its front.
    public static func writeFirstRecord(_ secret: Span<UInt8>, into record: inout MutableSpan<UInt8>) {
        storeLittleEndian(0x4445_4553, at: 0, in: &record)
        storeLittleEndian(1, at: Self.counter, in: &record)
        for index in secret.indices { record[Self.secret.lowerBound &+ index] = secret[index] }
        storeLittleEndian(crc32(record.span.extracting(first: checksum)), at: checksum, in: &record)
    }

    /// Any number of bytes, in one step from one secret.
    public mutating func seed(_ seed: inout MutableSpan<UInt8>) throws(EntropyError) {
        var record = InlineArray<76, UInt8>(repeating: 0)
        var successor = InlineArray<76, UInt8>(repeating: 0)
        var buffer = record.mutableSpan
        var next = successor.mutableSpan
        defer {
            wipe(&buffer)
            wipe(&next)
        }
        let sector = try readCurrent(into: &buffer)
        let counter = littleEndian(buffer.span, at: Self.counter)
        // A secret for each of 2^32 - 1 boots is more than the flash can be written.
        guard counter < .max else { throw .failed }
        Self.advance(from: buffer.span, counter: counter &+ 1, into: &next)
        do throws(StorageError) {
            try replace(sector, by: next.span)
        } catch {
            throw .failed
        }
        Self.derive(1, from: buffer.span, into: &seed)
    }

    /// Reads the record that counts.
    ///
    /// - Returns: its sector.
    private mutating func readCurrent(into record: inout MutableSpan<UInt8>) throws(EntropyError) -> Int {
        var found: (sector: Int, counter: UInt32)?
        for sector in 0..<2 {
            try read(sector, into: &record)
            guard Self.isWhole(record.span) else { continue }
            let counter = littleEndian(record.span, at: Self.counter)
            if let other = found, other.counter >= counter { continue }
            found = (sector, counter)
        }
        guard let found else { throw .notProvisioned }
        if found.sector == 0 { try read(0, into: &record) }
        return found.sector
    }

    private mutating func read(_ sector: Int, into record: inout MutableSpan<UInt8>) throws(EntropyError) {
        do throws(StorageError) {
            try storage.read(at: sector &* storage.geometry.sectorSize, into: &record)
        } catch {
            throw .failed
        }
    }

    /// Writes `record` beside the one in `sector`, makes sure of it, and erases that one.
    private mutating func replace(_ sector: Int, by record: Span<UInt8>) throws(StorageError) {
        let other = 1 &- sector
        let offset = other &* storage.geometry.sectorSize
        try storage.erase(sector: other)
        try storage.program(at: offset, record)
        var written = InlineArray<76, UInt8>(repeating: 0)
        var buffer = written.mutableSpan
        defer { wipe(&buffer) }
        try storage.read(at: offset, into: &buffer)
        guard constantTimeEqual(buffer.span, record) else { throw .corrupt }
        try storage.erase(sector: sector)
    }

    private static func isWhole(_ record: Span<UInt8>) -> Bool {
        // "SEED", little-endian.
        littleEndian(record, at: 0) == 0x4445_4553
            && littleEndian(record, at: checksum) == crc32(record.extracting(first: checksum))
    }

    private static func advance(from record: Span<UInt8>, counter: UInt32, into next: inout MutableSpan<UInt8>) {
        storeLittleEndian(0x4445_4553, at: 0, in: &next)
        storeLittleEndian(counter, at: Self.counter, in: &next)
        var buffer = next._mutatingExtracting(secret)
        derive(0, from: record, into: &buffer)
        storeLittleEndian(crc32(next.span.extracting(first: checksum)), at: checksum, in: &next)
    }

    /// Fills `bytes` with SHA-256 of: purpose, number of the block (4 bytes, little-endian), the whole record.
    private static func derive(_ purpose: UInt8, from record: Span<UInt8>, into bytes: inout MutableSpan<UInt8>) {
        var done = 0
        var block: UInt32 = 0
        while done < bytes.count {
            var hash = Hash(.sha256)
            var prefix: InlineArray<5, UInt8> = [purpose, 0, 0, 0, 0]
            for index in 0..<4 {
                prefix[index &+ 1] = UInt8(truncatingIfNeeded: block &>> UInt32(truncatingIfNeeded: 8 &* index))
            }
            hash.update(prefix.span)
            hash.update(record)
            var digest = Digest(.sha256)
            hash.finish(into: &digest)
            let part = min(bytes.count &- done, 32)
            for index in 0..<part { bytes[done &+ index] = digest.bytes[index] }
            digest.wipe()
            done &+= part
            block &+= 1
        }
    }
}
