import Relay
import TestSupport
import Testing

@Suite struct COBSTests {
    /// The examples of Wikipedia's article "Consistent Overhead Byte Stuffing", without the zero at the end: what is encoded, and
    /// as what. Those that take more than one code are only decoded here.
    static let vectors: [([UInt8], [UInt8])] = [
        ([0x00], [0x01, 0x01]),
        ([0x00, 0x00], [0x01, 0x01, 0x01]),
        ([0x00, 0x11, 0x00], [0x01, 0x02, 0x11, 0x01]),
        ([0x11, 0x22, 0x00, 0x33], [0x03, 0x11, 0x22, 0x02, 0x33]),
        ([0x11, 0x22, 0x33, 0x44], [0x05, 0x11, 0x22, 0x33, 0x44]),
        ([0x11, 0x00, 0x00, 0x00], [0x02, 0x11, 0x01, 0x01, 0x01]),
        (Array(0x01...0xFE), [0xFF] + Array(0x01...0xFE)),
        (Array(0x00...0xFE), [0x01, 0xFF] + Array(0x01...0xFE)),
        (Array(0x01...0xFF), [0xFF] + Array(0x01...0xFE) + [0x02, 0xFF]),
        (Array(0x02...0xFF) + [0x00], [0xFF] + Array(0x02...0xFF) + [0x01, 0x01]),
        (Array(0x03...0xFF) + [0x00, 0x01], [0xFE] + Array(0x03...0xFF) + [0x02, 0x01]),
        ([], [0x01]),
    ]

    /// - Returns: nil if the frame is not whole.
    static func decode(_ bytes: [UInt8]) -> [UInt8]? {
        var decoder = COBS.Decoder()
        var decoded: [UInt8] = []
        for byte in bytes {
            switch decoder.decode(byte) {
            case .nothing: break
            case .byte(let byte): decoded.append(byte)
            case .end(let isWhole): return isWhole ? decoded : nil
            }
        }
        return nil
    }

    static func encode(_ bytes: [UInt8]) -> [UInt8] {
        var encoded = [0] + bytes
        var span = encoded.mutableSpan
        COBS.encode(&span)
        return encoded
    }

    @Test(arguments: vectors) func publishedVectors(plain: [UInt8], encoded: [UInt8]) {
        if plain.count <= COBS.capacity { #expect(Self.encode(plain) == encoded) }
        #expect(Self.decode(encoded + [0]) == plain)
    }

    @Test func everyLengthComesBackWithoutAZero() {
        var random = SeededGenerator(seed: 1)
        for count in 0...COBS.capacity {
            for zeros: UInt64 in [1, 2, 5, 300] {
                let plain = random.bytes(count).map { random.oneIn(zeros) ? 0 : $0 }
                let encoded = Self.encode(plain)
                #expect(!encoded.contains(0))
                #expect(Self.decode(encoded + [0]) == plain)
            }
        }
    }

    @Test func whatIsCutOffIsNotWhole() {
        let encoded = Self.encode([1, 2, 0, 3, 4, 5])
        // Behind a whole block nothing says that there were more.
        for count in 0..<encoded.count where count != 3 {
            #expect(Self.decode(encoded[..<count] + [0]) == nil, "\(count)")
        }
        #expect(Self.decode([0]) == nil)
    }

    @Test func aDecoderBeginsAnewBehindAZero() {
        var decoder = COBS.Decoder()
        for byte: UInt8 in [0xFF, 1, 2] { _ = decoder.decode(byte) }
        #expect(decoder.decode(0) == .end(isWhole: false))
        #expect(decoder.decode(0) == .end(isWhole: false))
        #expect([2, 7, 0].map { decoder.decode($0) } == [.nothing, .byte(7), .end(isWhole: true)])
    }
}
