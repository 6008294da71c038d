import Board

/// NOR flash in memory whose power fails at a chosen operation. What is cut stays dead, so that no code can carry on
/// past the cut; ``boot()`` gives the power back.
struct SimulatedFlash: Storage {
    /// How much of the operation that is cut still happens, of its bytes.
    enum Tear: CaseIterable {
        case before, firstByte, half, allButOne
    }

    let geometry: StorageGeometry
    private(set) var bytes: [UInt8]
    /// Program and erase operations so far.
    private(set) var operations = 0
    private(set) var erases: [Int]
    private var cut: (operation: Int, tear: Tear)?
    private var isDead = false

    init(_ geometry: StorageGeometry) {
        self.geometry = geometry
        bytes = [UInt8](repeating: geometry.erasedValue, count: geometry.size)
        erases = [Int](repeating: 0, count: geometry.sectorCount)
    }

    mutating func cutPower(at operation: Int, _ tear: Tear) {
        cut = (operation, tear)
        operations = 0
    }

    mutating func boot() {
        cut = nil
        isDead = false
    }

    mutating func corrupt(_ offset: Int, with mask: UInt8) {
        bytes[offset] ^= mask
    }

    func read(at offset: Int, into buffer: inout MutableSpan<UInt8>) throws(StorageError) {
        guard !isDead else { throw .powerLost }
        guard offset >= 0, offset + buffer.count <= bytes.count else { throw .outOfRange }
        for index in buffer.indices { buffer[index] = bytes[offset + index] }
    }

    mutating func program(at offset: Int, _ new: Span<UInt8>) throws(StorageError) {
        guard offset % geometry.pageSize == 0, new.count % geometry.pageSize == 0, offset >= 0,
            offset + new.count <= bytes.count
        else { throw .outOfRange }
        for index in new.indices where bytes[offset + index] != geometry.erasedValue { throw .notErased }
        let count = try begin(new.count)
        for index in 0..<count { bytes[offset + index] = new[index] }
        if isDead { throw .powerLost }
    }

    mutating func erase(sector: Int) throws(StorageError) {
        guard (0..<geometry.sectorCount).contains(sector) else { throw .outOfRange }
        let count = try begin(geometry.sectorSize)
        erases[sector] += 1
        for index in 0..<count { bytes[sector * geometry.sectorSize + index] = geometry.erasedValue }
        if isDead { throw .powerLost }
    }

    /// - Returns: how many of the operation's bytes happen.
    private mutating func begin(_ count: Int) throws(StorageError) -> Int {
        guard !isDead else { throw .powerLost }
        operations += 1
        guard let cut, cut.operation == operations else { return count }
        isDead = true
        switch cut.tear {
        case .before: return 0
        case .firstByte: return min(1, count)
        case .half: return count / 2
        case .allButOne: return count - 1
        }
    }
}
