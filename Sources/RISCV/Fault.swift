import BareMetal
import Board
import CBareMetal
import CRISCV

/// Reports a fault on the console and ends QEMU with a failing code; on a real board it then stands still for a
/// watchdog or a debugger.
@c @implementation public func riscvFault(
    _ cause: UInt32, _ place: UInt32, _ value: UInt32, _ stack: UInt32, _ caller: UInt32
) -> Never {
    var line = Line()
    line.append("fault: cause ")
    line.append(decimal: Int(truncatingIfNeeded: cause))
    line.append(" pc ")
    line.append(hex: place)
    line.append(" ra ")
    line.append(hex: caller)
    line.append(" address ")
    line.append(hex: value)
    if stack < UInt32(truncatingIfNeeded: linker_stack_bottom()) { line.append(" stack overflow") }
    Console().write(line: line.span)
    Semihosting.exit(.fault)
}
