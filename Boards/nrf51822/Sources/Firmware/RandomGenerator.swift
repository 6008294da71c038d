import BareMetal
import Board
import CBareMetal

/// The random number generator RNG (nRF51 reference manual, chapter 20), which makes a byte in 0.7 ms at most.
struct RandomGenerator: RandomPart {
    private var start: Register { Register(0x4000_D000) }
    private var stop: Register { Register(0x4000_D004) }
    private var isReady: Register { Register(0x4000_D100) }
    private var value: Register { Register(0x4000_D508) }

    /// It has ten seconds for all of them.
    func fill(_ bytes: inout MutableSpan<UInt8>) -> Bool {
        start.value = 1
        defer { stop.value = 1 }
        let end = cpuUptime() &+ 10_000
        for index in bytes.indices {
            isReady.value = 0
            while isReady.value == 0 {
                guard cpuUptime() < end else { return false }
            }
            bytes[index] = UInt8(truncatingIfNeeded: value.value)
        }
        return true
    }
}
