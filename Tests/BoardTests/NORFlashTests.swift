import Testing

@testable import Board

@Suite struct NORFlashTests {
    static let geometry = StorageGeometry(pageSize: 4, sectorSize: 128, sectorCount: 3, erasedValue: 0xFF)

    /// A region of 384 bytes with 16 bytes of others before and behind it.
    func withFlash(_ body: (inout NORFlash<MemoryMedium>, MemoryMedium.Bytes) throws -> Void) rethrows {
        let content = MemoryMedium.Bytes([UInt8](repeating: 0x55, count: 416))
        for index in 16..<400 { content.bytes[index] = 0xFF }
        var flash = NORFlash(MemoryMedium(content: content), origin: 16, geometry: Self.geometry)
        try body(&flash, content)
        #expect(content.bytes[..<16].allSatisfy { $0 == 0x55 })
        #expect(content.bytes[400...].allSatisfy { $0 == 0x55 })
    }

    @Test func whatWasProgrammedIsRead() throws {
        try withFlash { flash, content in
            let bytes: [UInt8] = [1, 2, 3, 4, 0xFF, 6, 7, 8]
            try flash.program(at: 376, bytes.span)
            #expect(try read(&flash, at: 375, count: 9) == [0xFF] + bytes)
            #expect(Array(content.bytes[392..<400]) == bytes)
        }
    }

    @Test func erasureTakesOneSector() throws {
        try withFlash { flash, _ in
            for sector in 0..<3 { try flash.program(at: sector * 128 + 124, [1, 2, 3, 4].span) }
            try flash.erase(sector: 1)
            #expect(try read(&flash, at: 124, count: 4) == [1, 2, 3, 4])
            #expect(try read(&flash, at: 128, count: 128).allSatisfy { $0 == 0xFF })
            #expect(try read(&flash, at: 380, count: 4) == [1, 2, 3, 4])
        }
    }

    /// A sector that is no multiple of what is written at once.
    @Test func erasureEndsWithTheSector() throws {
        let geometry = StorageGeometry(pageSize: 4, sectorSize: 96, sectorCount: 2, erasedValue: 0xFF)
        let content = MemoryMedium.Bytes([UInt8](repeating: 0x55, count: 192))
        var flash = NORFlash(MemoryMedium(content: content), origin: 0, geometry: geometry)
        try flash.erase(sector: 0)
        #expect(content.bytes == [UInt8](repeating: 0xFF, count: 96) + [UInt8](repeating: 0x55, count: 96))
    }

    /// Every byte that is to be programmed is looked at, and none behind.
    @Test func everyByteHasToBeErased() throws {
        let zeros = [UInt8](repeating: 0, count: 68)
        for offset in 0..<72 {
            try withFlash { flash, content in
                content.bytes[16 + offset] = 0xFE
                if offset < 68 {
                    #expect(throws: StorageError.notErased, "\(offset)") { try flash.program(at: 0, zeros.span) }
                } else {
                    try flash.program(at: 0, zeros.span)
                }
            }
        }
    }

    @Test(arguments: [(0, 4), (4, 8), (8, 4)])
    func aPageIsProgrammedOnce(offset: Int, count: Int) throws {
        try withFlash { flash, _ in
            try flash.program(at: 4, [0, 0, 0, 0, 0xFF, 0xFF, 0xFF, 0x7F].span)
            let zeros = [UInt8](repeating: 0, count: count)
            if offset == 0 {
                try flash.program(at: offset, zeros.span)
            } else {
                #expect(throws: StorageError.notErased) { try flash.program(at: offset, zeros.span) }
            }
        }
    }

    @Test(arguments: [(-4, 4), (384, 4), (380, 8), (1, 4), (2, 4), (0, 3), (4, 5), (Int.max - 3, 4), (0, 388)])
    func programmingKeepsToTheRegionAndToPages(offset: Int, count: Int) {
        withFlash { flash, _ in
            let bytes = [UInt8](repeating: 0, count: count)
            #expect(throws: StorageError.outOfRange) { try flash.program(at: offset, bytes.span) }
        }
    }

    @Test(arguments: [(-1, 1), (384, 1), (383, 2), (Int.max, 1), (0, 385)])
    func readingKeepsToTheRegion(offset: Int, count: Int) {
        withFlash { flash, _ in
            #expect(throws: StorageError.outOfRange) { try read(&flash, at: offset, count: count) }
        }
    }

    @Test(arguments: [-1, 3, Int.max])
    func erasureKeepsToTheRegion(sector: Int) {
        withFlash { flash, _ in
            #expect(throws: StorageError.outOfRange) { try flash.erase(sector: sector) }
        }
    }
}
