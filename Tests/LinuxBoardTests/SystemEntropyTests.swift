import LinuxBoard
import Testing

@Suite struct SystemEntropyTests {
    /// No byte is left as it was, which would take a chance of one in 2^128 to see here by accident.
    @Test(arguments: [16, 48, 4096]) func allOfASeedIsChance(size: Int) throws {
        func seed(_ before: UInt8) throws -> [UInt8] {
            var seed = [UInt8](repeating: before, count: size)
            var buffer = seed.mutableSpan
            try SystemEntropy().seed(&buffer)
            return seed
        }
        let seeds = try [seed(0), seed(0), seed(0xFF)]
        for start in stride(from: 0, to: size, by: 16) {
            let parts = seeds.map { Array($0[start..<(start + 16)]) }
            #expect(Set(parts + [[UInt8](repeating: 0, count: 16), [UInt8](repeating: 0xFF, count: 16)]).count == 5)
        }
    }
}
