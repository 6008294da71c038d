import DeviceCrypto
import TestSupport
import Testing

@testable import Board

/// A generator that makes of the number of a byte what a function says, and after so many bytes nothing more.
private struct SimulatedPart: RandomPart, ~Copyable {
    var limit = Int.max
    let byte: (Int) -> UInt8
    private var count = 0

    init(limit: Int = .max, _ byte: @escaping (Int) -> UInt8) {
        self.limit = limit
        self.byte = byte
    }

    mutating func fill(_ bytes: inout MutableSpan<UInt8>) -> Bool {
        for index in bytes.indices {
            guard count < limit else { return false }
            bytes[index] = byte(count)
            count += 1
        }
        return true
    }
}

@Suite struct HardwareEntropyTests {
    /// Chance, the same each time.
    private static let bytes: [UInt8] = {
        var state: UInt64 = 0x9E37_79B9_7F4A_7C15
        return (0..<8192).map { _ in
            state ^= state << 13
            state ^= state >> 7
            state ^= state << 17
            return UInt8(truncatingIfNeeded: state >> 32)
        }
    }()

    private func seed(_ part: consuming SimulatedPart, count: Int = 64) throws(EntropyError) -> [UInt8] {
        var source = HardwareEntropy(part)
        var seed = [UInt8](repeating: 0, count: count)
        var span = seed.mutableSpan
        try source.seed(&span)
        return seed
    }

    /// Each 64 bytes are the digest of the next 1,024 of the generator's, by OpenSSL.
    @Test(arguments: [48, 64, 65, 128, 256])
    func seedIsMadeOfAllThatWasDrawn(count: Int) throws {
        var expected: [UInt8] = []
        for start in stride(from: 0, to: 4096, by: 1024) {
            expected += try OpenSSL.run(
                ["dgst", "-sha512", "-binary"], input: Array(Self.bytes[start..<start + 1024]))
        }
        #expect(try seed(SimulatedPart { Self.bytes[$0] }, count: count) == Array(expected[..<count]))
    }

    /// A byte of it that is another changes the seed, wherever it is.
    @Test(arguments: [0, 1, 511, 512, 1023])
    func everyByteCounts(place: Int) throws {
        let usual = try seed(SimulatedPart { Self.bytes[$0] })
        #expect(try seed(SimulatedPart { Self.bytes[$0] ^ ($0 == place ? 0x10 : 0) }) != usual)
    }

    @Test(arguments: [0, 1, 63, 64, 1000, 1023])
    func generatorThatFallsSilentIsAnError(limit: Int) {
        #expect(throws: EntropyError.failed) { try seed(SimulatedPart(limit: limit) { Self.bytes[$0] }) }
        #expect(throws: EntropyError.failed) {
            try seed(SimulatedPart(limit: 1024 + limit) { Self.bytes[$0] }, count: 65)
        }
    }

    /// Stuck at any byte, from the beginning or from later on.
    @Test(arguments: [0x00, 0x01, 0x55, 0xFF], [0, 500, 1003])
    func generatorThatIsStuckIsAnError(byte: UInt8, start: Int) {
        #expect(throws: EntropyError.failed) { try seed(SimulatedPart { $0 < start ? Self.bytes[$0] : byte }) }
    }

    /// Twenty of the same come by chance where a byte has one bit, and are taken; twenty-one are not.
    @Test func repetitionsHaveALimit() throws {
        for start in [1, 100, 990] {
            let end = start + 20
            let byte = Self.bytes[start - 1] ^ 1
            let part = { (length: Int) in
                SimulatedPart {
                    (start..<start + length).contains($0) ? byte : $0 == end || $0 == end + 1 ? ~byte : Self.bytes[$0]
                }
            }
            _ = try seed(part(20))
            #expect(throws: EntropyError.failed) { try seed(part(21)) }
        }
    }

    /// The first of 512 bytes may come 310 times among them, though never twice in a row.
    @Test func proportionHasALimit() throws {
        func part(_ occurrences: Int, from start: Int) -> SimulatedPart {
            // Every second and third byte of a window that the sample begins; all others are no 0.
            SimulatedPart { index in
                guard (start..<start + 512).contains(index) else { return Self.bytes[index] | 1 }
                let place = index - start
                let before = place / 3 * 2 + min(place % 3, 2)
                return place % 3 != 2 && before < occurrences ? 0 : Self.bytes[index] | 1
            }
        }
        for start in [0, 512] {
            _ = try seed(part(310, from: start))
            #expect(throws: EntropyError.failed) { try seed(part(311, from: start)) }
        }
    }

    /// A generator that gives the same block again, as one does whose state is set back.
    @Test func blockThatComesAgainIsAnError() {
        #expect(throws: EntropyError.failed) { try seed(SimulatedPart { Self.bytes[$0 % 64] }) }
        #expect(throws: EntropyError.failed) {
            try seed(SimulatedPart { Self.bytes[$0 < 512 ? $0 : $0 < 576 ? $0 - 64 : $0] })
        }
    }
}
