/// Bytes that can be read and written in any order and that outlive the power: a file, or a part under a driver.
public protocol Medium: ~Copyable {
    /// Fills `buffer` from `offset` on.
    mutating func read(at offset: Int, into buffer: inout MutableSpan<UInt8>) throws(StorageError)

    /// Writes `bytes` at `offset`; they are safe from a power cut when it returns.
    mutating func write(at offset: Int, _ bytes: Span<UInt8>) throws(StorageError)
}

/// A region of a ``Medium`` under the rules of NOR flash, so that code which breaks them fails on every board and
/// not only on the one with a real part.
public struct NORFlash<M: Medium & ~Copyable>: Storage, ~Copyable {
    public let geometry: StorageGeometry
    private var medium: M
    private let origin: Int

    /// - Parameter origin: where the region begins in the medium, in bytes.
    public init(_ medium: consuming M, origin: Int, geometry: StorageGeometry) {
        self.medium = medium
        self.origin = origin
        self.geometry = geometry
    }

    @inline(never)
    public mutating func read(at offset: Int, into buffer: inout MutableSpan<UInt8>) throws(StorageError) {
        try check(offset, buffer.count)
        try medium.read(at: origin &+ offset, into: &buffer)
    }

    public mutating func program(at offset: Int, _ bytes: Span<UInt8>) throws(StorageError) {
        try check(offset, bytes.count)
        guard offset % geometry.pageSize == 0, bytes.count % geometry.pageSize == 0 else {
            throw .outOfRange
        }
        guard try isErased(at: offset, count: bytes.count) else { throw .notErased }
        try medium.write(at: origin &+ offset, bytes)
    }

    public mutating func erase(sector: Int) throws(StorageError) {
        guard sector >= 0, sector < geometry.sectorCount else { throw .outOfRange }
        let blank = InlineArray<64, UInt8>(repeating: geometry.erasedValue)
        let start = sector &* geometry.sectorSize
        var done = 0
        while done < geometry.sectorSize {
            let part = min(blank.count, geometry.sectorSize &- done)
            try medium.write(at: origin &+ start &+ done, blank.span.extracting(first: part))
            done &+= part
        }
    }

    @inline(never)
    private func check(_ offset: Int, _ count: Int) throws(StorageError) {
        guard offset >= 0, offset <= geometry.size &- count else { throw .outOfRange }
    }

    private mutating func isErased(at offset: Int, count: Int) throws(StorageError) -> Bool {
        var buffer = InlineArray<64, UInt8>(repeating: 0)
        var done = 0
        while done < count {
            let part = min(buffer.count, count &- done)
            var span = buffer.mutableSpan
            var target = span._mutatingExtracting(first: part)
            try medium.read(at: origin &+ offset &+ done, into: &target)
            for index in 0..<part where target[index] != geometry.erasedValue { return false }
            done &+= part
        }
        return true
    }
}
