/// Finds the keys that AES works with (FIPS 197, 5.2) without knowing them: each word of a key schedule follows from those
/// in front of it.
enum AESKeySchedule {
    private static let substitution: [UInt8] = {
        var box = [UInt8](repeating: 0x63, count: 256)
        // All powers of 3, and of its inverse.
        var (power, inverse): (UInt8, UInt8) = (1, 1)
        repeat {
            power ^= power << 1 ^ (power & 0x80 != 0 ? 0x1B : 0)
            for shift in [1, 2, 4] as [UInt8] { inverse ^= inverse << shift }
            if inverse & 0x80 != 0 { inverse ^= 0x09 }
            box[Int(power)] = (1...4).reduce(inverse ^ 0x63) { $0 ^ (inverse << $1 | inverse >> (8 - $1)) }
        } while power != 1
        return box
    }()

    /// How many there are in `memory`, at multiples of four bytes.
    static func count(in memory: UnsafeRawBufferPointer) -> Int {
        let box = substitution
        func word(_ place: Int) -> UInt32 { memory.loadUnaligned(fromByteOffset: place * 4, as: UInt32.self) }
        /// SubWord(RotWord(word)), as the words stand in memory.
        func mixed(_ word: UInt32) -> UInt32 {
            let rotated = word >> 8 | word << 24
            return (0..<4).reduce(0) { $0 | UInt32(box[Int(rotated >> ($1 * 8) & 0xFF)]) << ($1 * 8) }
        }
        var count = 0
        for place in 0..<max(memory.count / 4 - 10, 0) {
            let first = word(place)
            guard first != 0 else { continue }
            for size in [4, 6, 8] {
                // The first word of the second round, whose constant is 1, and the next.
                let next = word(place + size)
                let last = word(place + size - 1)
                guard UInt8(truncatingIfNeeded: next ^ first ^ 1) == box[Int(last >> 8 & 0xFF)],
                    next ^ first ^ 1 == mixed(last), word(place + size + 1) == next ^ word(place + 1)
                else { continue }
                count += 1
            }
        }
        return count
    }
}
