import DeviceCrypto
import TestKeys
import TestSupport
import Testing

@Suite struct RandomGeneratorTests {
    /// NIST's CAVP vectors for CTR_DRBG: AES-256 with derivation function, no reseeding, COUNT = 0. The entropy input
    /// and the nonce are one seed here; the second request is the answer.
    @Test func knownAnswer() throws {
        var random = RandomGenerator()
        let seed = [UInt8](
            hex: """
                36401940fa8b1fba91a1661f211d78a0b9389a74e5bccfece8d766af1a6d3b14
                496f25b0f1301b4f501be30380a137eb
                """)
        try random.seed(seed.span, personalization: Span())
        _ = try random.bytes(64)
        let second = try random.bytes(64)
        #expect(
            second
                == [UInt8](
                    hex: """
                        5862eb38bd558dd978a696e6df164782ddd887e7e9a6c9f3f1fbafb78941b535
                        a64912dfd224c6dc7454e5250b3d97165e16260c2faf1cc7735cb75fb4f07e1d
                        """))
    }

    @Test func withoutASeedItFailsClosed() throws {
        var random = RandomGenerator()
        var bytes = [UInt8](repeating: 0xEE, count: 16)
        var span = bytes.mutableSpan
        let unseeded = failure { () throws(CryptoError) in try random.fill(&span) }
        #expect(unseeded == .notSeeded)
        #expect(bytes == [UInt8](repeating: 0, count: 16))
        let seed = [UInt8](repeating: 1, count: 48)
        try random.seed(seed.span, personalization: Span())
        #expect(random.isSeeded == true)
        random.wipe()
        #expect(random.isSeeded == false)
        let wiped = failure { () throws(CryptoError) in _ = try random.bytes(16) }
        #expect(wiped == .notSeeded)
    }

    @Test(arguments: [
        (0, 0, false), (47, 0, false), (48, 0, true), (64, 16, true), (256, 128, true), (257, 0, false),
        (48, 129, false),
    ])
    func sizesOfSeeds(_ seedSize: Int, _ personalizationSize: Int, _ taken: Bool) {
        let seed = [UInt8](repeating: 1, count: seedSize)
        let personalization = [UInt8](repeating: 2, count: personalizationSize)
        var random = RandomGenerator()
        let error = failure { () throws(CryptoError) in
            try random.seed(seed.span, personalization: personalization.span)
        }
        #expect(error == (taken ? nil : .invalidSeed))
        #expect(random.isSeeded == taken)
        guard taken else { return }
        let again = failure { () throws(CryptoError) in
            try random.seed(seed.span, personalization: personalization.span)
        }
        #expect(again == nil, "a seed of that size can also be mixed in")
    }

    @Test func everythingGoesIntoTheState() throws {
        let seed = [UInt8](repeating: 1, count: 48)
        let otherSeed = [UInt8](repeating: 1, count: 47) + [2]
        let name = [UInt8]("serial number 7".utf8)
        var outputs: Set<[UInt8]> = []
        for (seed, personalization, reseeded) in [
            (seed, [], false), (otherSeed, [], false), (seed, name, false), (seed, [], true),
        ] {
            var random = RandomGenerator()
            try random.seed(seed.span, personalization: personalization.span)
            if reseeded { try random.seed(otherSeed.span, personalization: Span()) }
            outputs.insert(try random.bytes(32))
            outputs.insert(try random.bytes(32))
        }
        #expect(outputs.count == 8)
    }

    struct Box: ~Copyable {
        var random: RandomGenerator
    }

    @Test func aMovedGeneratorGoesOnAsBefore() throws {
        var still = try seededRandom()
        var moving = try seededRandom()
        _ = try still.bytes(10)
        _ = try moving.bytes(10)
        var boxes = [try still.bytes(32)]
        var box = Box(random: moving)
        boxes.append(try box.random.bytes(32))
        var back = box.random
        #expect(boxes[0] == boxes[1])
        // More than one request of mbedTLS's.
        #expect(try still.bytes(3000) == back.bytes(3000))
    }
}
