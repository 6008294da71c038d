import BareMetal
import CBareMetal

/// Nothing but the stack and constants exist until the data is in place.
@c @implementation public func cpuReset() -> Never {
    Stack.fill()
    Memory.start()
    boardStart()
    SysTick.start()
    boardMain()
}
