import Agent
import Board
import Foundation
import LinuxBoard
import Manifest

/// What the flasher writes into a device's identity partition: the client's own store, with key and certificates in it.
enum IdentityImage {
    /// Makes the image of what the station's client stored.
    ///
    /// - Parameters:
    ///   - folder: the device's, in the work folder.
    ///   - partition: as the device's firmware has it.
    /// - Returns: the whole partition; a secret.
    /// - Throws: ``StorageError``: `.full` when the partition is too small.
    static func make(of folder: Descriptor, for partition: Profile.Partition) throws(StorageError) -> [UInt8] {
        var source = IdentityStore(DirectorySnapshots(try IdentityFolder.open(in: folder)))
        try source.open()
        // The device reads a snapshot whatever it was programmed by; a page of any part divides this.
        var image = IdentityStore(
            NORSnapshots<ImageFlash, 2_048>(ImageFlash(partition), capacity: partition.snapshotCapacity))
        try image.open()
        let records = (0...UInt8.max).compactMap(StoredRecord.init(rawValue:))
        let sizes = records.compactMap { source.size(of: $0) }
        try image.begin(
            bodySize: sizes.reduce(0) { $0 + IdentityStore<DirectorySnapshots<IdentityFolder>>.recordSize($1) })
        for record in records {
            guard let size = source.size(of: record) else { continue }
            var value = [UInt8](repeating: 0, count: size)
            defer { for index in value.indices { value[index] = 0 } }
            var span = value.mutableSpan
            _ = try source.read(record, into: &span)
            try image.append(record, span.span)
        }
        try image.commit()
        return image.storage.storage.bytes
    }
}

/// A flash in memory.
struct ImageFlash: Storage, ~Copyable {
    let geometry: StorageGeometry
    private(set) var bytes: [UInt8]

    init(_ partition: Profile.Partition) {
        geometry = StorageGeometry(
            pageSize: partition.pageSize, sectorSize: partition.sectorSize,
            sectorCount: partition.size / partition.sectorSize, erasedValue: partition.erasedValue)
        bytes = [UInt8](repeating: partition.erasedValue, count: partition.size)
    }

    mutating func read(at offset: Int, into buffer: inout MutableSpan<UInt8>) throws(StorageError) {
        guard offset >= 0, offset <= bytes.count - buffer.count else { throw .outOfRange }
        for index in buffer.indices { buffer[index] = bytes[offset + index] }
    }

    mutating func program(at offset: Int, _ data: Span<UInt8>) throws(StorageError) {
        guard offset >= 0, offset <= bytes.count - data.count, offset % geometry.pageSize == 0,
            data.count % geometry.pageSize == 0
        else { throw .outOfRange }
        for index in data.indices {
            guard bytes[offset + index] == geometry.erasedValue else { throw .notErased }
            bytes[offset + index] = data[index]
        }
    }

    mutating func erase(sector: Int) throws(StorageError) {
        guard sector >= 0, sector < geometry.sectorCount else { throw .outOfRange }
        for index in 0..<geometry.sectorSize { bytes[sector * geometry.sectorSize + index] = geometry.erasedValue }
    }
}
