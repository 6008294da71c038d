import Board
import CLM3S6965

/// Brings the board up, and reports what it took.
func main() -> Never {
    let clock = SysTick()
    let uart = UART()
    var line = Line()
    line.append("asking for an address")
    uart.write(line: line.span)
    Network.start(seed: 1)
    let found = Network.wait(until: clock.uptime + TCP.addressPatience) { Network.address != nil }
    line.clear()
    line.append("report flash=")
    line.append(decimal: Memory.flash)
    line.append(" ram=")
    line.append(decimal: Memory.ram)
    line.append(" stack=")
    line.append(decimal: Stack.deepest)
    line.append(" ms=")
    line.append(decimal: Int(truncatingIfNeeded: clock.uptime))
    uart.write(line: line.span)
    line.clear()
    line.append(found ? "done" : "error no-address: no answer from DHCP: look at the cable and at the DHCP server")
    uart.write(line: line.span)
    Semihosting.exit(found ? ExitCode.success.rawValue : ExitCode.failure.rawValue)
}
