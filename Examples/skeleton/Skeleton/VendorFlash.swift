import Board
import CVendor

/// A partition of the flash. Whoever calls keeps to pages and sectors, and a mistake of the firmware's is noticed here.
struct VendorFlash: Storage {
    let geometry: StorageGeometry
    private let origin: Int

    /// - Parameter origin: of the partition, at the beginning of a sector.
    init(origin: Int, sectorCount: Int) {
        self.origin = origin
        geometry = StorageGeometry(pageSize: 8, sectorSize: 4096, sectorCount: sectorCount, erasedValue: 0xFF)
    }

    func read(at offset: Int, into buffer: inout MutableSpan<UInt8>) throws(StorageError) {
        let address = try address(offset, buffer.count, unit: 1)
        try check(
            unsafe buffer.withUnsafeMutableBufferPointer { buffer in
                guard let start = buffer.baseAddress else { return 0 }
                return unsafe vendor_flash_read(address, start, buffer.count)
            })
    }

    func program(at offset: Int, _ bytes: Span<UInt8>) throws(StorageError) {
        let address = try address(offset, bytes.count, unit: geometry.pageSize)
        try check(
            unsafe bytes.withUnsafeBufferPointer { bytes in
                guard let start = bytes.baseAddress else { return 0 }
                return unsafe vendor_flash_program(address, start, bytes.count)
            })
    }

    func erase(sector: Int) throws(StorageError) {
        guard 0..<geometry.sectorCount ~= sector else { throw .outOfRange }
        try check(vendor_flash_erase(address(sector &* geometry.sectorSize, 0, unit: 1)))
    }

    private func address(_ offset: Int, _ count: Int, unit: Int) throws(StorageError) -> UInt32 {
        guard 0...geometry.size ~= offset, count <= geometry.size &- offset, offset % unit == 0, count % unit == 0
        else {
            throw .outOfRange
        }
        return UInt32(truncatingIfNeeded: origin &+ offset)
    }

    private func check(_ status: Int32) throws(StorageError) {
        if status < 0 { throw .failed }
    }
}
