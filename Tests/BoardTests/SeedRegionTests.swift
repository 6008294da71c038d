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

    @Test func theHigherCounterCounts() throws {
        let content = Self.factory(sector: 1, counter: 7)
        let other = Self.factory(sector: 0, counter: 8)
        content.bytes.replaceSubrange(0..<76, with: other.bytes[..<76])
        _ = try Self.seed(content)
        #expect(content.bytes[1_028] == 9)
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
