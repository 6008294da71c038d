import Board
import CLM3S6965
import Relay

/// UART0, polled: its FIFO holds 16 bytes, which at 115,200 baud are there after 1.4 ms.
struct UARTPort: SerialPort, ~Copyable {
    init() {
        UART.start()
    }

    mutating func read(into buffer: inout MutableSpan<UInt8>, deadline: UInt64) -> Int {
        while true {
            var count = 0
            while count < buffer.count, let byte = UART.take() {
                buffer[count] = byte
                count &+= 1
            }
            if count > 0 || SysTick.uptime >= deadline { return count }
            lm3s_wait_for_interrupt()
        }
    }

    mutating func write(_ bytes: Span<UInt8>, deadline: UInt64) -> Int {
        for index in bytes.indices { UART.put(bytes[index]) }
        return bytes.count
    }
}
