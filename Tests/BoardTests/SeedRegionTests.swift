import TestSupport
import Testing

@testable import Board

@Suite struct SeedRegionTests {
    /// A region as the factory leaves it, the secret in `sector`.
    static func factory(sector: Int = 0, counter: UInt32 = 1) -> MemoryMedium.Bytes {
        var record = Array("SEED".utf8) + withUnsafeBytes(of: counter.littleEndian) { [UInt8]($0) } + (0..<64)
        record += withUnsafeBytes(of: crc32(record.span).littleEndian) { [UInt8]($0) }
        let content = MemoryMedium.Bytes([UInt8](repeating: 0xFF, count: 2_048))
        content.bytes.replaceSubrange(sector * 1_024..<sector * 1_024 + 76, with: record)
        return content
    }

    /// One boot.
    static func seed(_ content: MemoryMedium.Bytes, count: Int = 48) throws(EntropyError) -> [UInt8] {
        var region = SeedRegion(NORFlash(MemoryMedium(content: content), origin: 0, geometry: FlashLayout.seed))
        var seed = [UInt8](repeating: 0, count: count)
        var span = seed.mutableSpan
        try region.seed(&span)
        return seed
    }

    @Test func checksumIsThatOfZip() {
        // The check value of CRC-32/ISO-HDLC.
        #expect(crc32(Array("123456789".utf8).span) == 0xCBF4_3926)
    }

    @Test func seedAndSuccessorAreTheDigestsThatAreDocumented() throws {
        let content = Self.factory()
        let record = Array(content.bytes[..<76])
        func digest(_ purpose: UInt8, _ block: UInt8) throws -> [UInt8] {
            try OpenSSL.run(["dgst", "-sha256", "-binary"], input: [purpose, block, 0, 0, 0] + record)
        }
        let seed = try Self.seed(content)
        #expect(try seed == digest(1, 0) + digest(1, 1).prefix(16))
        #expect(content.bytes[..<1_024].allSatisfy { $0 == 0xFF })
        #expect(content.bytes[1_024..<1_032].elementsEqual(Array("SEED".utf8) + [2, 0, 0, 0]))
        #expect(try content.bytes[1_032..<1_096].elementsEqual(digest(0, 0) + digest(0, 1)))
    }

    @Test(arguments: [0, 1]) func noSeedIsGivenTwice(sector: Int) throws {
        let content = Self.factory(sector: sector)
        var seen: Set<[UInt8]> = []
        for _ in 0..<20 { #expect(seen.insert(try Self.seed(content)).inserted) }
    }

    /// Counters that differ in each of their bytes, the higher one in either sector.
    @Test(arguments: [(7, 8), (0xFF, 0x100), (0xFFFF, 0x1_0000), (0xFF_FFFF, 0x100_0000)] as [(UInt32, UInt32)])
    func theHigherCounterCounts(lower: UInt32, higher: UInt32) throws {
        for sector in 0..<2 {
            let content = Self.factory(sector: 1 - sector, counter: lower)
            let other = Self.factory(sector: sector, counter: higher)
            let place = sector * 1_024
            content.bytes.replaceSubrange(place..<(place + 76), with: other.bytes[place..<(place + 76)])
            _ = try Self.seed(content)
            let written = (1 - sector) * 1_024 + 4
            let expected = withUnsafeBytes(of: (higher + 1).littleEndian) { [UInt8]($0) }
            #expect(Array(content.bytes[written..<(written + 4)]) == expected)
        }
    }

    /// The number of a block takes all of its bytes.
    @Test func longSeeds() throws {
        let content = Self.factory()
        let record = Array(content.bytes[..<76])
        let seed = try Self.seed(content, count: 257 * 32)
        for block in [0, 1, 127, 128, 255, 256] {
            let checked = try OpenSSL.run(
                ["dgst", "-sha256", "-binary"], input: [1, UInt8(block & 0xFF), UInt8(block >> 8), 0, 0] + record)
            #expect(Array(seed[(block * 32)..<(block * 32 + 32)]) == checked, "block \(block)")
        }
    }

    /// No seed is given out of a secret whose successor does not stand there.
    @Test(arguments: [0, 5, 8, 71, 75]) func aSuccessorThatIsNotWrittenIsNoticed(offset: Int) throws {
        let content = Self.factory()
        let secret = Array(content.bytes[..<76])
        content.stuck = 1_024 + offset
        content.bytes[1_024 + offset] = 0x5B
        #expect(throws: EntropyError.failed) { try Self.seed(content) }
        #expect(Array(content.bytes[..<76]) == secret)
    }

    /// Another record, with a checksum that is right.
    @Test func anotherMarkIsNoSecret() {
        let content = Self.factory()
        content.bytes[0] = UInt8(ascii: "s")
        let checksum = crc32(Array(content.bytes[..<72]).span)
        content.bytes.replaceSubrange(72..<76, with: withUnsafeBytes(of: checksum.littleEndian) { [UInt8]($0) })
        #expect(throws: EntropyError.notProvisioned) { try Self.seed(content) }
    }

    /// Neither the secret nor its successor is left on the stack; the seed is the caller's.
    @Test func secretsAreWiped() throws {
        var random = SeededGenerator(seed: 12)
        let content = Self.factory()
        var record = Array("SEED".utf8) + [1, 0, 0, 0] + random.bytes(64)
        record += withUnsafeBytes(of: crc32(record.span).littleEndian) { [UInt8]($0) }
        content.bytes.replaceSubrange(0..<76, with: record)
        var seed = [UInt8](repeating: 0, count: 40)
        let left = try Remains {
            var region = SeedRegion(NORFlash(MemoryMedium(content: content), origin: 0, geometry: FlashLayout.seed))
            var span = seed.mutableSpan
            try region.seed(&span)
        }
        let successor = Array(content.bytes[1_032..<1_096])
        #expect(left.holds(["secret": Array(record[8..<72]), "successor": successor, "seed": seed]) == [])
    }

    /// The table of ``FlashLayout``.
    @Test func layout() {
        #expect(FlashLayout.size == 65_536 && FlashLayout.all.size == 65_536)
        #expect(FlashLayout.seedOrigin == 0 && FlashLayout.seed.size == 2_048)
        #expect(FlashLayout.recordOrigin == 0x0800 && FlashLayout.record.size == 2_048)
        #expect(FlashLayout.identityOrigin == 0x1000 && FlashLayout.identity.size == 61_440)
    }

    /// Power is cut at every write, and the next boot must find a secret that nothing was given out of.
    @Test func aPowerCutNeitherLosesNorRepeatsASeed() throws {
        let whole = Self.factory()
        let used = try Self.seed(whole)
        let afterwards = try Self.seed(whole)
        var cuts = 0
        while true {
            let content = Self.factory()
            content.writesLeft = cuts
            if (try? Self.seed(content)) != nil { break }
            content.writesLeft = .max
            let next = try Self.seed(content)
            #expect(next == used || next == afterwards, "cut at write \(cuts)")
            #expect(try Self.seed(content) != next)
            cuts += 1
        }
        #expect(cuts == 33)
    }

    @Test func aBlankRegionIsNotProvisioned() {
        let content = MemoryMedium.Bytes([UInt8](repeating: 0xFF, count: 2_048))
        #expect(throws: EntropyError.notProvisioned) { try Self.seed(content) }
    }

    @Test(arguments: [0, 4, 8, 71, 72, 75]) func aDamagedSecretIsNotUsed(offset: Int) {
        let content = Self.factory()
        content.bytes[offset] ^= 1
        #expect(throws: EntropyError.notProvisioned) { try Self.seed(content) }
    }

    @Test func aCounterAtItsEndFails() {
        #expect(throws: EntropyError.failed) { try Self.seed(Self.factory(counter: .max)) }
    }
}
