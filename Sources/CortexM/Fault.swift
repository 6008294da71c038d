import BareMetal
import Board
import CBareMetal
import CCortexM

/// Reports a fault on the console and ends QEMU with a failing code; on a real board it then stands still for a
/// watchdog or a debugger.
@c @implementation public func cortexmFault(_ frame: UnsafePointer<UInt32>?) -> Never {
    var line = Line()
    line.append("fault: exception ")
    line.append(decimal: Int(Register(0xE000_ED04).value & 0x1FF))
    if let frame = unsafe frame {
        line.append(" pc ")
        unsafe line.append(hex: frame[6])
        line.append(" lr ")
        unsafe line.append(hex: frame[5])
    } else {
        line.append(" stack overflow")
    }
    line.append(" cfsr ")
    line.append(hex: Register(0xE000_ED28).value)
    line.append(" hfsr ")
    line.append(hex: Register(0xE000_ED2C).value)
    line.append(" address ")
    line.append(hex: Register(0xE000_ED38).value)
    Console().write(line: line.span)
    Semihosting.exit(.fault)
}
