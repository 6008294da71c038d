import DeviceCrypto
import TestSupport

/// The bytes of hexadecimal text; blanks and line ends between them do not count.
func hex(_ text: String) -> [UInt8] {
    let digits = text.compactMap(\.hexDigitValue)
    precondition(digits.count.isMultiple(of: 2), "an odd number of digits: \(text)")
    return stride(from: 0, to: digits.count, by: 2).map { UInt8(digits[$0] << 4 | digits[$0 + 1]) }
}

extension Digest {
    var array: [UInt8] { (0..<bytes.count).map { bytes[$0] } }
}

/// Room for a result; `body` says how much of it was used.
func output<Failure: Error>(
    _ room: Int, _ body: (inout MutableSpan<UInt8>) throws(Failure) -> Int
) throws(Failure) -> [UInt8] {
    var bytes = [UInt8](repeating: 0xEE, count: room)
    var span = bytes.mutableSpan
    let count = try body(&span)
    return Array(bytes[..<count])
}

/// A generator that gives the same bytes in every run.
func seededGenerator(_ byte: UInt8 = 0x5A) throws(CryptoError) -> RandomGenerator {
    var random = RandomGenerator()
    let seed = [UInt8](repeating: byte, count: 48)
    try random.seed(seed.span, personalization: Span())
    return random
}
