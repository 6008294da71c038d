import Testing

@testable import Board

@Suite struct ProvisioningRecordTests {
    static func flash(_ text: String, damage: Int? = nil) -> NORFlash<MemoryMedium> {
        func littleEndian(_ value: UInt32) -> [UInt8] { withUnsafeBytes(of: value.littleEndian) { [UInt8]($0) } }
        let bytes = Array(text.utf8)
        let record = Array("SCEP".utf8) + littleEndian(UInt32(bytes.count)) + bytes + littleEndian(crc32(bytes.span))
        let content = MemoryMedium.Bytes(record + [UInt8](repeating: 0xFF, count: 2_048 - record.count))
        if let damage { content.bytes[damage] ^= 0x10 }
        return NORFlash(MemoryMedium(content: content), origin: 0, geometry: FlashLayout.record)
    }

    static func text(_ flash: consuming NORFlash<MemoryMedium>, capacity: Int = 1_536) throws(ProvisioningError)
        -> String
    {
        var buffer = [UInt8](repeating: 0, count: capacity)
        var span = buffer.mutableSpan
        let count = try ProvisioningRecord.read(from: &flash, into: &span)
        return String(decoding: buffer[..<count], as: UTF8.self)
    }

    @Test(arguments: ["", "url=a\n", String(repeating: "x", count: 1_536)]) func textIsRead(text: String) throws {
        #expect(try Self.text(Self.flash(text)) == text)
    }

    @Test func aBlankRegionHasNoRecord() {
        #expect(throws: ProvisioningError.absent) {
            let content = MemoryMedium.Bytes([UInt8](repeating: 0xFF, count: 2_048))
            return try Self.text(NORFlash(MemoryMedium(content: content), origin: 0, geometry: FlashLayout.record))
        }
    }

    @Test(arguments: [0, 3, 4, 5, 6, 7, 8, 12, 13, 16]) func damageIsNoticed(offset: Int) {
        #expect(throws: ProvisioningError.corrupt) { try Self.text(Self.flash("url=a", damage: offset)) }
    }

    /// One byte that is not erased, and a region is not blank.
    @Test(arguments: 0..<8) func aRegionThatIsNotBlankIsDamaged(offset: Int) {
        let content = MemoryMedium.Bytes([UInt8](repeating: 0xFF, count: 2_048))
        content.bytes[offset] = 0xFE
        #expect(throws: ProvisioningError.corrupt) {
            try Self.text(NORFlash(MemoryMedium(content: content), origin: 0, geometry: FlashLayout.record))
        }
    }

    @Test func textsBeyondTheirLimitAreRefused() {
        let long = String(repeating: "x", count: 1_537)
        #expect(throws: ProvisioningError.corrupt) { try Self.text(Self.flash(long), capacity: 2_000) }
        #expect(throws: ProvisioningError.tooLong(5, capacity: 4)) { try Self.text(Self.flash("url=a"), capacity: 4) }
    }
}

func string(_ span: Span<UInt8>) -> String {
    String(decoding: span.indices.map { span[$0] }, as: UTF8.self)
}
