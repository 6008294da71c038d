import Board

/// NOR flash in memory, of any geometry. Power fails, or the part does, at a chosen operation: a program or an erase.
public struct SimulatedFlash: Storage, Sendable {
    public let geometry: StorageGeometry
    public private(set) var bytes: [UInt8]
    public var operations = Operations()
    /// How often each sector was erased.
    public private(set) var erases: [Int]

    /// A new part, erased throughout.
    public init(_ geometry: StorageGeometry) {
        self.geometry = geometry
        bytes = [UInt8](repeating: geometry.erasedValue, count: geometry.size)
        erases = [Int](repeating: 0, count: geometry.sectorCount)
    }

    /// Changes the bits of one byte that are set in `mask`.
    public mutating func corrupt(_ offset: Int, with mask: UInt8) {
        bytes[offset] ^= mask
    }

    public func read(at offset: Int, into buffer: inout MutableSpan<UInt8>) throws(StorageError) {
        guard !operations.isDead else { throw .powerLost }
        guard offset >= 0, offset + buffer.count <= bytes.count else { throw .outOfRange }
        for index in buffer.indices { buffer[index] = bytes[offset + index] }
    }

    public mutating func program(at offset: Int, _ new: Span<UInt8>) throws(StorageError) {
        guard !operations.isDead else { throw .powerLost }
        guard offset % geometry.pageSize == 0, new.count % geometry.pageSize == 0, offset >= 0,
            offset + new.count <= bytes.count
        else { throw .outOfRange }
        for index in new.indices where bytes[offset + index] != geometry.erasedValue { throw .notErased }
        let outcome = operations.next()
        for index in 0..<outcome.bytes(of: new.count) { bytes[offset + index] = new[index] }
        try outcome.finish()
    }

    public mutating func erase(sector: Int) throws(StorageError) {
        guard !operations.isDead else { throw .powerLost }
        guard (0..<geometry.sectorCount).contains(sector) else { throw .outOfRange }
        let outcome = operations.next()
        erases[sector] += 1
        let start = sector * geometry.sectorSize
        for index in 0..<outcome.bytes(of: geometry.sectorSize) { bytes[start + index] = geometry.erasedValue }
        try outcome.finish()
    }
}

extension Operations.Outcome {
    /// How many of `count` bytes are written.
    func bytes(of count: Int) -> Int {
        switch self {
        case .whole: count
        case .failing(let tear, _), .torn(let tear): tear.bytes(of: count)
        }
    }

    func finish() throws(StorageError) {
        switch self {
        case .whole: break
        case .failing(_, let error): throw error
        case .torn: throw .powerLost
        }
    }
}
