/// Consistent Overhead Byte Stuffing (Cheshire and Baker, IEEE/ACM Transactions on Networking, 1999): bytes without a zero
/// among them, so that a zero can stand between frames.
public enum COBS {
    /// How many bytes ``encode(_:)`` takes: those that need one byte more, and not two.
    public static var capacity: Int { 254 }

    /// Encodes in place.
    ///
    /// - Parameter bytes: the first is free, and those to encode stand behind it, at most ``capacity``.
    public static func encode(_ bytes: inout MutableSpan<UInt8>) {
        precondition(1...(capacity &+ 1) ~= bytes.count)
        // Each zero, and the free byte, becomes the distance to the next one.
        var place = 0
        for index in 1..<bytes.count where bytes[index] == 0 {
            bytes[place] = UInt8(truncatingIfNeeded: index &- place)
            place = index
        }
        bytes[place] = UInt8(truncatingIfNeeded: bytes.count &- place)
    }

    /// Decodes a stream of frames of any length, a byte at a time.
    public struct Decoder: Sendable {
        public enum Output: Equatable, Sendable {
            case nothing
            case byte(UInt8)
            /// A zero ended the frame; in one that is not whole some are missing.
            case end(isWhole: Bool)
        }

        /// Bytes up to the next code.
        private var left: UInt8 = 0
        /// Whether the block before that code stands for a zero too, unless the frame ends there.
        private var owesZero = false
        private var isEmpty = true

        public init() {}

        public mutating func decode(_ byte: UInt8) -> Output {
            guard byte != 0 else {
                let isWhole = left == 0 && !isEmpty
                self = Decoder()
                return .end(isWhole: isWhole)
            }
            guard left == 0 else {
                left &-= 1
                return .byte(byte)
            }
            let output: Output = owesZero ? .byte(0) : .nothing
            left = byte &- 1
            owesZero = byte != 0xFF
            isEmpty = false
            return output
        }
    }
}
