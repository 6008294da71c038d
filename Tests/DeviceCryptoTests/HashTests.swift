import DeviceCrypto
import TestSupport
import Testing

@Suite struct HashTests {
    /// FIPS 180-4's examples for "abc".
    @Test(arguments: [
        (DigestAlgorithm.sha1, "A9993E364706816ABA3E25717850C26C9CD0D89D"),
        (.sha256, "BA7816BF8F01CFEA414140DE5DAE2223B00361A396177A9CB410FF61F20015AD"),
        (
            .sha384,
            """
            CB00753F45A35E8BB5A03D699AC65007272C32AB0EDED1631A8B605A43FF5BED
            8086072BA1E7CC2358BAECA134C825A7
            """
        ),
        (
            .sha512,
            """
            DDAF35A193617ABACC417349AE20413112E6FA4E89A97EA20A9EEEE64B55D39A
            2192992A274FC1A836BA3C23A3FEEBBD454D4423643CE80E2A9AC94FA54CA49F
            """
        ),
    ])
    func knownAnswer(_ algorithm: DigestAlgorithm, _ expected: String) {
        let digest = Hash.digest(algorithm, of: Array("abc".utf8).span)
        #expect(digest.bytes.array == [UInt8](hex: expected))
        #expect(digest.algorithm == algorithm)
        #expect(algorithm.size == digest.bytes.count)
    }

    /// Around the ends of blocks, against openssl; in one piece, byte by byte, and in two pieces.
    @Test(arguments: DigestAlgorithm.allCases, [0, 1, 55, 56, 63, 64, 65, 111, 112, 127, 128, 129, 1000])
    func everyLength(_ algorithm: DigestAlgorithm, _ count: Int) throws {
        var generator = SeededGenerator(seed: UInt64(count))
        let bytes = generator.bytes(count)
        let expected = try OpenSSL.run(["dgst", "-\(algorithm.openSSL)", "-binary"], input: bytes)
        #expect(Hash.digest(algorithm, of: bytes.span).bytes.array == expected)
        var hash = Hash(algorithm)
        for index in bytes.indices { hash.update(bytes.span.extracting(index..<index + 1)) }
        #expect(hash.finish().bytes.array == expected)
        hash.update(bytes.span.extracting(first: count / 3))
        hash.update(bytes.span.extracting(droppingFirst: count / 3))
        #expect(hash.finish().bytes.array == expected, "finish begins anew")
    }

    @Test func aDigestTakesItsOwnSizeAlone() {
        for algorithm in DigestAlgorithm.allCases {
            for size in [0, 19, 20, 21, 31, 32, 33, 47, 48, 49, 63, 64, 65] {
                let digest = Digest(algorithm, bytes: [UInt8](repeating: 7, count: size).span)
                #expect((digest != nil) == (size == algorithm.size))
            }
        }
    }

    @Test func equalityLooksAtEveryByteAndAtTheAlgorithm() throws {
        let bytes = [UInt8](repeating: 0xA5, count: 64)
        let digest = try #require(made(.sha512, bytes))
        #expect(digest == made(.sha512, bytes))
        for index in bytes.indices {
            var other = bytes
            other[index] ^= 1
            #expect(digest != made(.sha512, other))
        }
        let zero = [UInt8](repeating: 0, count: 20)
        #expect(made(.sha1, zero) != made(.sha256, zero + [UInt8](repeating: 0, count: 12)))
    }

    private func made(_ algorithm: DigestAlgorithm, _ bytes: [UInt8]) -> Digest? {
        Digest(algorithm, bytes: bytes.span)
    }
}

@Suite struct DeviceCryptoMemoryTests {
    @Test func constantTimeEqualLooksAtEveryByte() {
        let bytes: [UInt8] = Array(0...99)
        #expect(equal(bytes, bytes))
        #expect(equal([], []))
        #expect(!equal(bytes, Array(bytes.dropLast())))
        for index in bytes.indices {
            var other = bytes
            other[index] ^= 0x80
            #expect(!equal(bytes, other))
        }
    }

    private func equal(_ left: [UInt8], _ right: [UInt8]) -> Bool {
        constantTimeEqual(left.span, right.span)
    }

    @Test func wipeLeavesTheBytesAroundAlone() {
        var bytes = [UInt8](repeating: 0xEE, count: 40)
        var span = bytes.mutableSpan
        var part = span._mutatingExtracting(10..<30)
        wipe(&part)
        #expect(
            bytes == [UInt8](repeating: 0xEE, count: 10) + [UInt8](repeating: 0, count: 20)
                + [UInt8](repeating: 0xEE, count: 10))
        var none = MutableSpan<UInt8>()
        wipe(&none)
    }

    @Test func anArenaIsThereOnBoardsAlone() {
        #expect(!Arena.isAvailable)
        #expect(Arena.peak == nil)
    }
}
