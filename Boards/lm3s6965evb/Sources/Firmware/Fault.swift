import Board
import CLM3S6965

/// Reports a fault on the UART and ends QEMU with a failing code; on a real board it then stands still for a
/// watchdog or a debugger.
///
/// - Parameter frame: the eight words that the exception stacked (R0 to R3, R12, LR, PC, xPSR), or nil when the
///   stack was not there to take them.
@c(lm3s_fault_report) func reportFault(_ frame: UnsafePointer<UInt32>?) -> Never {
    UART.start()
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
    for index in line.span.indices { UART.put(line.span[index]) }
    UART.put(0x0D)
    UART.put(0x0A)
    Semihosting.exit(.fault)
}
