import Agent
import Board
import Bytes
import CSCEP

/// The caller's flash.
struct PlatformFlash: Storage {
    private let flash: scep_flash

    /// - Parameter flash: nil: there is none, and nothing of it is used.
    init(_ flash: UnsafePointer<scep_flash>?) { self.flash = flash?.pointee ?? scep_flash() }

    var geometry: StorageGeometry { Self.geometry(flash) }

    /// Numbers of 32 bits in the sizes of the machine: what does not fit there is no part's.
    private static func geometry(_ flash: scep_flash) -> StorageGeometry {
        StorageGeometry(
            pageSize: Int(clamping: flash.page_size), sectorSize: Int(clamping: flash.sector_size),
            sectorCount: Int(clamping: flash.sector_count), erasedValue: flash.erased_value)
    }

    /// What of it is no flash's; nil if it can be used.
    static func mistake(_ flash: UnsafePointer<scep_flash>) -> StaticString? {
        let value = flash.pointee
        if value.read == nil || value.program == nil || value.erase == nil {
            return "usage: flash has read, program and erase"
        }
        let page = value.page_size
        guard 1...256 ~= page, page & (page &- 1) == 0 else { return "usage: page_size is a power of two, 1 to 256" }
        guard value.sector_count >= 2, geometry(value).isSound else {
            return "usage: sector_size is a multiple of page_size, and there are two sectors or more, 2 GiB at most"
        }
        return nil
    }

    private func check(_ offset: Int, _ count: Int) throws(StorageError) {
        guard offset >= 0, count >= 0, offset <= geometry.size, count <= geometry.size &- offset else {
            throw .outOfRange
        }
    }

    mutating func read(at offset: Int, into buffer: inout MutableSpan<UInt8>) throws(StorageError) {
        try check(offset, buffer.count)
        let status = buffer.withUnsafeMutableBufferPointer { bytes in
            flash.read(
                flash.context, UInt32(truncatingIfNeeded: offset), bytes.baseAddress, bytes.count)
        }
        guard status == 0 else { throw .failed }
    }

    mutating func program(at offset: Int, _ bytes: Span<UInt8>) throws(StorageError) {
        try check(offset, bytes.count)
        let status = bytes.withUnsafeBufferPointer { bytes in
            flash.program(
                flash.context, UInt32(truncatingIfNeeded: offset), bytes.baseAddress, bytes.count)
        }
        guard status == 0 else { throw .failed }
    }

    mutating func erase(sector: Int) throws(StorageError) {
        guard sector >= 0, sector < geometry.sectorCount else { throw .outOfRange }
        guard flash.erase(flash.context, UInt32(truncatingIfNeeded: sector)) == 0 else {
            throw .failed
        }
    }
}

/// The caller's snapshots, or the caller's flash with snapshots in it.
struct PlatformSnapshots: SnapshotStorage, ~Copyable {
    private var own: CallersSnapshots
    private var inFlash: NORSnapshots<PlatformFlash, 256>

    init(_ flash: UnsafePointer<scep_flash>) {
        own = CallersSnapshots(nil)
        inFlash = NORSnapshots(PlatformFlash(flash), capacity: Instance.Client.snapshotCapacity)
    }

    init(_ own: UnsafePointer<scep_snapshots>) {
        self.own = CallersSnapshots(own)
        inFlash = NORSnapshots(PlatformFlash(nil), capacity: 0)
    }

    mutating func open() throws(StorageError) -> Int? {
        own.isAvailable ? try own.open() : try inFlash.open()
    }

    mutating func read(at offset: Int, into buffer: inout MutableSpan<UInt8>) throws(StorageError) {
        own.isAvailable ? try own.read(at: offset, into: &buffer) : try inFlash.read(at: offset, into: &buffer)
    }

    mutating func begin(size: Int) throws(StorageError) {
        own.isAvailable ? try own.begin(size: size) : try inFlash.begin(size: size)
    }

    mutating func append(_ bytes: Span<UInt8>) throws(StorageError) {
        own.isAvailable ? try own.append(bytes) : try inFlash.append(bytes)
    }

    mutating func commit() throws(StorageError) { own.isAvailable ? try own.commit() : try inFlash.commit() }
}
