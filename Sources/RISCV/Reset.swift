import BareMetal
import CBareMetal
import CRISCV

@c @implementation public func riscvReset() -> Never {
    Stack.fill()
    Memory.start()
    boardStart()
    boardMain()
}
