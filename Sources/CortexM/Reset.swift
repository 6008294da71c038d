import BareMetal
import CBareMetal
import CCortexM

/// Nothing but the stack and constants exist until the data is in place.
@c @implementation public func cortexmReset() -> Never {
    Stack.fill()
    Memory.start()
    boardStart()
    SysTick.start()
    boardMain()
}
