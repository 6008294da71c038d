/// The bus that a bank of parallel NOR flash is on, by words of 32 bits, little-endian.
public protocol FlashBus: ~Copyable {
    /// The word `offset` bytes from the beginning of the bank; a multiple of 4.
    mutating func read(at offset: Int) -> UInt32

    mutating func write(at offset: Int, _ word: UInt32)
}

/// A region of a bank of parallel NOR flash: two 16-bit chips side by side with Intel's command set (JEDEC JEP137, command set
/// 0001), which describe themselves by the Common Flash Interface (JESD68).
///
/// What has locks has to be unlocked by the board.
public struct CFIFlash<Bus: FlashBus & ~Copyable>: Storage, ~Copyable {
    public let geometry: StorageGeometry
    private var bus: Bus
    private let origin: Int
    private let polls: Int

    /// Commands, for both chips.
    private enum Command: UInt32 {
        case erase = 0x0020_0020
        case program = 0x0040_0040
        case clearStatus = 0x0050_0050
        case query = 0x0098_0098
        case confirm = 0x00D0_00D0
        case readArray = 0x00FF_00FF
    }

    /// Both chips are through.
    private static var ready: UInt32 { 0x0080_0080 }
    /// Of one chip or the other: it could not erase, could not program, has too low a voltage, or the block is locked.
    private static var failures: UInt32 { 0x003A_003A }

    /// - Parameters:
    ///   - origin: where the region begins in the bank, in bytes; a multiple of the sector's.
    ///   - sectorSize: of both chips together, in bytes.
    ///   - polls: how often the status is read before a chip counts as one that never ends; seconds in all.
    /// - Returns: nil where no such chips answer, or their sectors are others, or the region is not within them.
    public init?(_ bus: consuming Bus, origin: Int, sectorSize: Int, sectorCount: Int, polls: Int = 1 << 25) {
        geometry = StorageGeometry(pageSize: 4, sectorSize: sectorSize, sectorCount: sectorCount, erasedValue: 0xFF)
        self.bus = bus
        self.origin = origin
        self.polls = polls
        // Failures of before are nobody's. Chips that a reset of the processor alone has left at work take no command, and answer to no
        // query either.
        command(.clearStatus, at: 0)
        command(.query, at: 0x55 &* 4)
        let isSuch = isAsExpected()
        command(.readArray, at: 0)
        guard isSuch else { return nil }
    }

    public mutating func read(at offset: Int, into buffer: inout MutableSpan<UInt8>) throws(StorageError) {
        guard offset >= 0, offset <= geometry.size &- buffer.count else { throw .outOfRange }
        var place = origin &+ offset
        var word = bus.read(at: place & ~3) &>> UInt32(truncatingIfNeeded: 8 &* (place & 3))
        for index in buffer.indices {
            if place & 3 == 0 { word = bus.read(at: place) }
            buffer[index] = UInt8(truncatingIfNeeded: word)
            word &>>= 8
            place &+= 1
        }
    }

    public mutating func program(at offset: Int, _ bytes: Span<UInt8>) throws(StorageError) {
        guard offset >= 0, offset <= geometry.size &- bytes.count, offset & 3 == 0, bytes.count & 3 == 0 else {
            throw .outOfRange
        }
        let place = origin &+ offset
        var done = 0
        while done < bytes.count {
            // A chip would leave the bits 0 that are.
            guard bus.read(at: place &+ done) == .max else { throw .notErased }
            done &+= 4
        }
        done = 0
        while done < bytes.count {
            var word: UInt32 = 0
            for index in 0..<4 { word = word &>> 8 | UInt32(bytes[done &+ index]) &<< 24 }
            command(.program, at: place &+ done)
            bus.write(at: place &+ done, word)
            guard wait() else { break }
            done &+= 4
        }
        try finish()
        guard done == bytes.count else { throw .failed }
    }

    public mutating func erase(sector: Int) throws(StorageError) {
        guard sector >= 0, sector < geometry.sectorCount else { throw .outOfRange }
        let place = origin &+ sector &* geometry.sectorSize
        command(.erase, at: place)
        command(.confirm, at: place)
        _ = wait()
        try finish()
    }

    private mutating func command(_ command: Command, at offset: Int) { bus.write(at: offset, command.rawValue) }

    /// Waits until both chips are through.
    ///
    /// - Returns: false when they never were.
    private mutating func wait() -> Bool {
        for _ in 0..<polls where bus.read(at: origin) & Self.ready == Self.ready { return true }
        return false
    }

    /// Ends an operation: the chips can be read again, whatever became of it.
    private mutating func finish() throws(StorageError) {
        // Failures are kept until they are cleared.
        let status = bus.read(at: origin)
        command(.clearStatus, at: origin)
        command(.readArray, at: origin)
        guard status & (Self.ready | Self.failures) == Self.ready else { throw .failed }
    }

    /// Whether the answer to a query is that of such chips.
    private mutating func isAsExpected() -> Bool {
        // "QRY" and the command set 0001, then the regions of sectors that are alike, of which there is one, and how many
        // sectors less one it has, and of how many 256 bytes.
        let fixed: InlineArray<5, UInt8> = [0x51, 0x52, 0x59, 0x01, 0x00]
        for index in 0..<5 {
            guard bus.read(at: 4 &* (0x10 &+ index)) == 0x0001_0001 &* UInt32(fixed[index]) else { return false }
        }
        guard both(0x2C) == 1 else { return false }
        let sectors = both(0x2D) &+ both(0x2E) &<< 8 &+ 1
        let size = (both(0x2F) &+ both(0x30) &<< 8) &* 512
        return size == geometry.sectorSize && size > 0 && origin >= 0 && origin % size == 0
            && origin / size &+ geometry.sectorCount <= sectors
    }

    /// The byte that both chips answer at `index`; -1 where they do not agree.
    private mutating func both(_ index: Int) -> Int {
        let word = bus.read(at: 4 &* index)
        return word & 0xFFFF == word &>> 16 ? Int(word & 0xFF) : -1
    }
}
