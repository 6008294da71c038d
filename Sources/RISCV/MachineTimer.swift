import BareMetal
import Bytes
import CBareMetal
import CRISCV

/// The machine timer (RISC-V Privileged Architecture, 3.2.1) of a CLINT as SiFive's parts have it.
private enum MachineTimer {
    static var now: UInt64 {
        // Two words cannot be read at once: read again when the low one ran over in between.
        while true {
            let high = Register(0x0200_BFFC).value
            let low = Register(0x0200_BFF8).value
            if Register(0x0200_BFFC).value == high { return widened(high) &<< 32 | widened(low) }
        }
    }

    /// Pends its interrupt from then on.
    static func wake(at time: UInt64) {
        Register(0x0200_4004).value = .max
        Register(0x0200_4000).value = UInt32(truncatingIfNeeded: time)
        Register(0x0200_4004).value = UInt32(truncatingIfNeeded: time &>> 32)
    }
}

@c @implementation public func cpuUptime() -> UInt64 {
    let ticks = boardHertz() / 1000
    let now = MachineTimer.now
    let high = UInt32(truncatingIfNeeded: now &>> 32)
    let low = ticks.dividingFullWidth((high % ticks, UInt32(truncatingIfNeeded: now)))
    return widened(high / ticks) &<< 32 | widened(low.quotient)
}

@c @implementation public func cpuWait() {
    MachineTimer.wake(at: MachineTimer.now &+ widened(boardHertz() / 1000))
    riscvWait()
}
