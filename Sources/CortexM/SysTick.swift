import BareMetal
import Bytes
import CBareMetal
import CCortexM

/// The core's own timer (Armv7-M Architecture Reference Manual, B3.3), which counts milliseconds.
enum SysTick {
    private static var control: Register { Register(0xE000_E010) }
    private static var reload: Register { Register(0xE000_E014) }
    private static var current: Register { Register(0xE000_E018) }

    static func start() {
        reload.value = boardHertz() / 1000 &- 1
        current.value = 0
        control.value = 0b111
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

@c @implementation public func cortexmTick() {
    let low = ticks(0)
    low.value &+= 1
    if low.value == 0 { ticks(1).value &+= 1 }
}

@c @implementation public func cpuUptime() -> UInt64 {
    // Two words cannot be read at once: read again when the interrupt came in between.
    while true {
        let high = ticks(1).value
        let low = ticks(0).value
        if ticks(1).value == high { return widened(high) &<< 32 | widened(low) }
    }
}

@c @implementation public func cpuWait() { cortexmWait() }
