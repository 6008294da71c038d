import Board
import Bytes
import CLM3S6965

/// Time since start-up, from the core's own timer (Armv7-M Architecture Reference Manual, B3.3).
struct SysTick: Clock, ~Copyable {
    private static var control: Register { Register(0xE000_E010) }
    private static var reload: Register { Register(0xE000_E014) }
    private static var current: Register { Register(0xE000_E018) }

    /// Starts the interrupt that counts milliseconds.
    init() {
        Self.reload.value = SystemControl.hertz / 1000 - 1
        Self.current.value = 0
        Self.control.value = 0b111
    }

    var uptime: UInt64 { Self.uptime }

    /// The board has no clock that runs without power.
    var time: Int64? { nil }

    func sleep(milliseconds: UInt64) {
        let end = uptime &+ milliseconds
        while uptime < end { lm3s_wait_for_interrupt() }
    }

    static var uptime: UInt64 {
        // Two words cannot be read at once: read again when the interrupt came in between.
        while true {
            let high = ticks(1).value
            let low = ticks(0).value
            if ticks(1).value == high { return widened(high) &<< 32 | widened(low) }
        }
    }
}

/// Milliseconds, low word first. The interrupt changes them under the main program, so that every access must be
/// volatile.
nonisolated(unsafe) private var milliseconds: InlineArray<2, UInt32> = [0, 0]

private func ticks(_ word: UInt) -> Register {
    unsafe withUnsafeMutablePointer(to: &milliseconds) { pointer in
        Register(UInt(bitPattern: pointer) &+ 4 &* word)
    }
}

@c func sysTickHandler() {
    let low = ticks(0)
    low.value &+= 1
    if low.value == 0 { ticks(1).value &+= 1 }
}
