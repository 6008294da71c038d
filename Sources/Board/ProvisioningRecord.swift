import Bytes

/// What the factory writes for the firmware to read:
///
/// | bytes | what |
/// |---|---|
/// | 4 | `SCEP` |
/// | 4 | length of the text, little-endian |
/// | length | the text: a configuration as `Agent/Configuration` reads it |
/// | 4 | CRC-32 of the text, little-endian |
public enum ProvisioningRecord {
    private static var length: Int { 4 }
    private static var text: Int { 8 }

    /// The longest text, in bytes.
    public static var textLimit: Int { 1_536 }

    /// Reads the record at the start of `storage`.
    ///
    /// - Parameter buffer: takes the text at its front; ``textLimit`` bytes are enough.
    /// - Returns: the length of the text.
    public static func read<S: Storage & ~Copyable>(
        from storage: inout S, into buffer: inout MutableSpan<UInt8>
    ) throws(ProvisioningError) -> Int {
        var header = InlineArray<8, UInt8>(repeating: 0)
        var headerSpan = header.mutableSpan
        try read(at: 0, of: &storage, into: &headerSpan)
        var isBlank = true
        for index in 0..<8 where headerSpan[index] != storage.geometry.erasedValue { isBlank = false }
        guard !isBlank else { throw .absent }
        let length = littleEndian(headerSpan.span, at: Self.length)
        // "SCEP", little-endian.
        guard littleEndian(headerSpan.span, at: 0) == 0x5045_4353, length <= UInt32(textLimit) else { throw .corrupt }
        let count = Int(length)
        guard count <= buffer.count else {
            throw .tooLong(UInt16(clamping: count), capacity: UInt16(clamping: buffer.count))
        }
        var text = buffer._mutatingExtracting(first: count)
        try read(at: Self.text, of: &storage, into: &text)
        let sum = crc32(text.span)
        var checksum = InlineArray<4, UInt8>(repeating: 0)
        var checksumSpan = checksum.mutableSpan
        try read(at: Self.text &+ count, of: &storage, into: &checksumSpan)
        guard littleEndian(checksumSpan.span, at: 0) == sum else { throw .corrupt }
        return count
    }

    /// Writes what the factory writes.
    ///
    /// - Parameters:
    ///   - configuration: the text, of ``textLimit`` bytes at most.
    ///   - record: takes 12 bytes more than the text has, at its front.
    public static func write(_ configuration: Span<UInt8>, into record: inout MutableSpan<UInt8>) {
        storeLittleEndian(0x5045_4353, at: 0, in: &record)
        storeLittleEndian(UInt32(truncatingIfNeeded: configuration.count), at: length, in: &record)
        for index in configuration.indices { record[text &+ index] = configuration[index] }
        storeLittleEndian(crc32(configuration), at: text &+ configuration.count, in: &record)
    }

    private static func read<S: Storage & ~Copyable>(
        at offset: Int, of storage: inout S, into bytes: inout MutableSpan<UInt8>
    ) throws(ProvisioningError) {
        do throws(StorageError) {
            try storage.read(at: offset, into: &bytes)
        } catch {
            throw .storage(error)
        }
    }
}

/// Why there is no provisioning record to go by.
public enum ProvisioningError: Error, Equatable, Sendable {
    /// The region is blank: the device did not pass through manufacture.
    case absent
    /// What is there is no record, or a damaged one.
    case corrupt
    /// The text, of so many bytes, does not fit into the buffer.
    case tooLong(UInt16, capacity: UInt16)
    case storage(StorageError)
}
