import Testing

@testable import Board

/// Two chips of 8 sectors of 256 bytes each, so that a sector of both has 512, under the rules of Intel's command set.
private struct SimulatedBank: FlashBus, ~Copyable {
    final class Chips {
        var bytes = [UInt8](repeating: 0xFF, count: 4096)
        /// What a query answers, by index.
        var answers: [Int: UInt32] = [0x10: 0x51, 0x11: 0x52, 0x12: 0x59, 0x13: 1, 0x2C: 1, 0x2D: 7, 0x2F: 1]
        /// The bits of the status that the next operation sets.
        var failure: UInt32 = 0
        /// Reads of the status before an operation is through; nil for one that never is.
        var duration: Int? = 3
        /// Reads of the status that the one chip is through before the other.
        var lag = 0
        var mode: UInt32 = 0xFF
        var status: UInt32 = 0x80_0080
        var turnsLeft = 0
        var commands: [UInt32] = []
        var isDead = false
        fileprivate var isConfirming = false
        fileprivate var isProgramming = false

        func word(_ offset: Int) -> UInt32 { (0..<4).reduce(0) { $0 | UInt32(bytes[offset + $1]) << (8 * $1) } }
    }

    let chips: Chips

    mutating func read(at offset: Int) -> UInt32 {
        precondition(offset % 4 == 0 && (0..<4096).contains(offset))
        if chips.isDead { return .max }
        switch chips.mode {
        case 0xFF: return chips.word(offset)
        case 0x98: return 0x1_0001 * (chips.answers[offset / 4] ?? 0)
        default:
            guard chips.status & 0x80_0080 != 0x80_0080, chips.duration != nil else { return chips.status }
            chips.turnsLeft -= 1
            if chips.turnsLeft <= chips.lag { chips.status |= 0x80 }
            if chips.turnsLeft <= 0 { chips.status |= 0x80_0080 }
            return chips.status
        }
    }

    mutating func write(at offset: Int, _ word: UInt32) {
        if chips.isDead { return }
        if chips.isProgramming {
            for index in 0..<4 { chips.bytes[offset + index] &= UInt8(truncatingIfNeeded: word >> (8 * index)) }
            chips.isProgramming = false
            return begin()
        }
        precondition(word & 0xFFFF == word >> 16, "a command to one chip alone")
        let command = word & 0xFFFF
        chips.commands.append(command)
        if chips.isConfirming {
            chips.isConfirming = false
            precondition(command == 0xD0)
            for index in 0..<512 { chips.bytes[offset / 512 * 512 + index] = 0xFF }
            return begin()
        }
        // Busy chips take no command.
        guard chips.status & 0x80_0080 == 0x80_0080 else { return }
        chips.mode = command
        chips.isProgramming = command == 0x40
        chips.isConfirming = command == 0x20
        if command == 0x50 { chips.status = 0x80_0080 }
    }

    private func begin() {
        chips.mode = 0x70
        chips.status = chips.status & ~0x80_0080 | chips.failure
        chips.failure = 0
        chips.turnsLeft = chips.duration ?? 0
    }
}

@Suite struct CFIFlashTests {
    /// Four sectors from the third on.
    private func withFlash(_ body: (inout CFIFlash<SimulatedBank>, SimulatedBank.Chips) throws -> Void) throws {
        let chips = SimulatedBank.Chips()
        guard var flash = open(chips) else { throw NotOpened() }
        #expect(chips.mode == 0xFF)
        try body(&flash, chips)
        if chips.duration != nil { #expect(chips.mode == 0xFF, "it cannot be read") }
        #expect(chips.bytes[..<1024].allSatisfy { $0 == 0xFF } && chips.bytes[3072...].allSatisfy { $0 == 0xFF })
    }

    private func open(_ chips: SimulatedBank.Chips, origin: Int = 1024, size: Int = 512, count: Int = 4)
        -> CFIFlash<SimulatedBank>?
    {
        CFIFlash(SimulatedBank(chips: chips), origin: origin, sectorSize: size, sectorCount: count, polls: 10)
    }

    private func opens(_ chips: SimulatedBank.Chips, origin: Int = 1024, size: Int = 512, count: Int = 4) -> Bool {
        // What cannot be copied cannot be compared with nil.
        if open(chips, origin: origin, size: size, count: count) != nil { true } else { false }
    }

    private struct NotOpened: Error {}

    @Test func whatWasProgrammedIsRead() throws {
        try withFlash { flash, chips in
            #expect(flash.geometry == StorageGeometry(pageSize: 4, sectorSize: 512, sectorCount: 4, erasedValue: 0xFF))
            let bytes: [UInt8] = [1, 2, 3, 4, 0xFF, 0xFF, 0xFF, 0xFF, 9, 10, 11, 12]
            try flash.program(at: 2036, bytes.span)
            #expect(Array(chips.bytes[3060..<3072]) == bytes)
            for start in 0..<12 {
                for end in start..<13 {
                    #expect(try read(&flash, at: 2036 + start, count: end - start) == Array(bytes[start..<end]))
                }
            }
            #expect(try read(&flash, at: 2033, count: 4) == [0xFF, 0xFF, 0xFF, 1])
        }
    }

    @Test func erasureTakesOneSector() throws {
        try withFlash { flash, _ in
            for sector in 0..<4 { try flash.program(at: sector * 512 + 508, [1, 2, 3, 4].span) }
            try flash.erase(sector: 1)
            for sector in 0..<4 {
                let expected: [UInt8] = sector == 1 ? [0xFF, 0xFF, 0xFF, 0xFF] : [1, 2, 3, 4]
                #expect(try read(&flash, at: sector * 512 + 508, count: 4) == expected)
            }
        }
    }

    /// Each bit on its own, and nothing is programmed where one of the words is not erased.
    @Test func aWordIsProgrammedOnce() throws {
        for bit in 0..<64 {
            try withFlash { flash, chips in
                chips.bytes[1024 + 4 + bit / 8] &= ~(1 << (bit % 8))
                let before = chips.bytes
                #expect(throws: StorageError.notErased) {
                    try flash.program(at: 0, [UInt8](repeating: 0, count: 12).span)
                }
                #expect(chips.bytes == before)
            }
        }
    }

    @Test(arguments: [(-4, 4), (2048, 4), (2044, 8), (1, 4), (2, 4), (0, 3), (4, 5), (Int.max - 3, 4), (0, 2052)])
    func programmingKeepsToTheRegionAndToWords(offset: Int, count: Int) throws {
        try withFlash { flash, _ in
            #expect(throws: StorageError.outOfRange) {
                try flash.program(at: offset, [UInt8](repeating: 0, count: count).span)
            }
        }
    }

    @Test(arguments: [(-1, 1), (2048, 1), (2047, 2), (Int.max, 1), (0, 2049)])
    func readingKeepsToTheRegion(offset: Int, count: Int) throws {
        try withFlash { flash, _ in
            #expect(throws: StorageError.outOfRange) { try read(&flash, at: offset, count: count) }
        }
    }

    @Test(arguments: [-1, 4, Int.max])
    func erasureKeepsToTheRegion(sector: Int) throws {
        try withFlash { flash, _ in
            #expect(throws: StorageError.outOfRange) { try flash.erase(sector: sector) }
        }
    }

    /// Could not erase, could not program, too low a voltage, a locked sector: of the one chip and of the other. The next
    /// operation begins with a status that is clear.
    @Test(arguments: [1, 3, 4, 5], [0, 16])
    func failureOfEitherChipIsAnError(bit: UInt32, chip: UInt32) throws {
        try withFlash { flash, chips in
            chips.failure = 1 << (bit + chip)
            #expect(throws: StorageError.failed) { try flash.erase(sector: 0) }
            #expect(chips.mode == 0xFF)
            try flash.erase(sector: 0)
            chips.failure = 1 << (bit + chip)
            #expect(throws: StorageError.failed) { try flash.program(at: 0, [1, 2, 3, 4].span) }
            #expect(chips.mode == 0xFF)
            try flash.program(at: 4, [1, 2, 3, 4].span)
        }
    }

    @Test func failureOfAnEarlierWordIsAnError() throws {
        try withFlash { flash, chips in
            chips.failure = 1 << 4
            #expect(throws: StorageError.failed) {
                try flash.program(at: 0, [UInt8](repeating: 5, count: 64).span)
            }
        }
    }

    @Test func chipThatNeverEndsIsAnError() throws {
        try withFlash { flash, chips in
            chips.duration = nil
            #expect(throws: StorageError.failed) { try flash.erase(sector: 0) }
            #expect(!opens(chips), "the chips are still at it")
        }
        try withFlash { flash, chips in
            chips.duration = nil
            #expect(throws: StorageError.failed) { try flash.program(at: 0, [1, 2, 3, 4, 5, 6, 7, 8].span) }
            #expect(chips.commands.count { $0 == 0x40 } == 1, "it goes on with the next word")
        }
    }

    /// What took too long is not taken for done, though the chips are through when they are asked for failures.
    @Test func wordThatIsTooLateIsAnError() throws {
        try withFlash { flash, chips in
            chips.duration = 11
            #expect(throws: StorageError.failed) { try flash.program(at: 0, [1, 2, 3, 4, 5, 6, 7, 8].span) }
        }
    }

    @Test func bothChipsAreWaitedFor() throws {
        try withFlash { flash, chips in
            chips.lag = 2
            try flash.erase(sector: 0)
            try flash.program(at: 0, [1, 2, 3, 4, 5, 6, 7, 8].span)
            #expect(try read(&flash, at: 0, count: 8) == [1, 2, 3, 4, 5, 6, 7, 8])
        }
    }

    /// Chips that are still at what was under way when the processor was reset, and later not.
    @Test func chipsAtWorkAreNotOpened() throws {
        let chips = SimulatedBank.Chips()
        chips.status = 0x20
        chips.mode = 0x70
        chips.turnsLeft = .max
        #expect(!opens(chips))
        chips.status = 0x80_0080
        guard var flash = open(chips) else { throw NotOpened() }
        try flash.erase(sector: 0)
    }

    /// What failed before this firmware began does not count.
    @Test func failureOfBeforeIsCleared() throws {
        let chips = SimulatedBank.Chips()
        chips.status |= 0x20
        guard var flash = open(chips) else { throw NotOpened() }
        try flash.erase(sector: 0)
    }

    /// A part that says anything else of itself, or nothing.
    @Test(arguments: [
        (0x10, 0x50), (0x11, 0), (0x12, 0x51), (0x13, 2), (0x14, 1), (0x2C, 2), (0x2C, 0), (0x2D, 4), (0x2F, 2),
        (0x2F, 0),
        (0x30, 1),
    ])
    func otherPartIsNotOpened(index: Int, answer: UInt32) {
        let chips = SimulatedBank.Chips()
        chips.answers[index] = answer
        #expect(!opens(chips))
        #expect(chips.mode == 0xFF)
    }

    @Test func missingPartIsNotOpened() {
        let chips = SimulatedBank.Chips()
        chips.isDead = true
        #expect(!opens(chips))
    }

    @Test(arguments: [
        (0, 512, 9), (512, 512, 8), (256, 512, 1), (-512, 512, 1), (0, 256, 1), (0, 1024, 1), (4096, 512, 1),
    ])
    func regionIsWithinThePart(origin: Int, size: Int, count: Int) {
        #expect(!opens(SimulatedBank.Chips(), origin: origin, size: size, count: count))
    }

    @Test func allOfThePartIsARegion() {
        #expect(opens(SimulatedBank.Chips(), origin: 0, count: 8))
        #expect(opens(SimulatedBank.Chips(), origin: 3584, count: 1))
    }
}
