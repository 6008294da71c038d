/// A frame as Docs/Relay.md has it, made without the code under test.
struct HandmadeFrame {
    let type: UInt8
    let number: UInt8
    var payload: [UInt8] = []
    /// Device's and station's; nil for HELLO and WHO.
    var session: (UInt64, UInt64)?

    static func hello(_ device: UInt64, to station: UInt64, _ serial: [UInt8], version: UInt8 = 1) -> HandmadeFrame {
        HandmadeFrame(type: 0x01, number: 0, payload: [version] + littleEndian(device) + littleEndian(station) + serial)
    }

    static func who(_ station: UInt64) -> HandmadeFrame {
        HandmadeFrame(type: 0x81, number: 0, payload: littleEndian(station))
    }

    /// With both zeros.
    var bytes: [UInt8] {
        let content = [type, number] + payload
        let before = session.map { Self.littleEndian($0.0) + Self.littleEndian($0.1) } ?? []
        let sum = Self.checksum(before + content)
        return [0] + Self.stuffed(content + (0..<4).map { UInt8(truncatingIfNeeded: sum >> (8 * $0)) }) + [0]
    }

    static func littleEndian(_ value: UInt64) -> [UInt8] {
        (0..<8).map { UInt8(truncatingIfNeeded: value >> (8 * $0)) }
    }

    /// CRC-32 as a division of polynomials, highest power first.
    private static func checksum(_ bytes: [UInt8]) -> UInt32 {
        var bits = bytes.flatMap { byte in (0..<8).map { byte >> $0 & 1 == 1 } } + [Bool](repeating: false, count: 32)
        for index in 0..<32 { bits[index].toggle() }
        var remainder: UInt32 = 0
        for bit in bits {
            let carry = remainder >> 31 == 1
            remainder = remainder << 1 | (bit ? 1 : 0)
            if carry { remainder ^= 0x04C1_1DB7 }
        }
        let reflected = (0..<32).reduce(UInt32(0)) { $0 | (remainder >> $1 & 1) << (31 - $1) }
        return ~reflected
    }

    /// Each run up to a zero behind its length plus one.
    private static func stuffed(_ bytes: [UInt8]) -> [UInt8] {
        bytes.split(separator: 0, omittingEmptySubsequences: false).flatMap { [UInt8($0.count + 1)] + $0 }
    }
}
