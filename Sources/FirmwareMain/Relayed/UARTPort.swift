import Board
import CBareMetal
import Relay

/// The console's port, polled by the millisecond: a FIFO of 16 bytes is full after 1.4 ms at 115,200 baud.
struct UARTPort: SerialPort, ~Copyable {
    mutating func read(into buffer: inout MutableSpan<UInt8>, deadline: UInt64) -> Int {
        while true {
            boardAlive()
            var count = 0
            while count < buffer.count {
                let byte = boardTake()
                if byte < 0 { break }
                buffer[count] = UInt8(truncatingIfNeeded: byte)
                count &+= 1
            }
            if count > 0 || cpuUptime() >= deadline { return count }
            cpuWait()
        }
    }

    mutating func write(_ bytes: Span<UInt8>, deadline: UInt64) -> Int {
        for index in bytes.indices { boardPut(bytes[index]) }
        return bytes.count
    }
}
