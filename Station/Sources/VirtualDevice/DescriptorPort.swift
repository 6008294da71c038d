import Foundation
import LinuxBoard
import Relay

/// A descriptor as a device's UART.
struct DescriptorPort: SerialPort, ~Copyable {
    let descriptor: Int32
    let clock = SystemClock()

    mutating func read(into buffer: inout MutableSpan<UInt8>, deadline: UInt64) -> Int {
        while true {
            let count = buffer.withUnsafeMutableBytes { Glibc.read(descriptor, $0.baseAddress, $0.count) }
            if count > 0 { return count }
            guard wait(for: POLLIN, deadline) else { return 0 }
        }
    }

    mutating func write(_ bytes: Span<UInt8>, deadline: UInt64) -> Int {
        while true {
            let count = bytes.withUnsafeBytes { Glibc.write(descriptor, $0.baseAddress, $0.count) }
            if count > 0 { return count }
            guard wait(for: POLLOUT, deadline) else { return 0 }
        }
    }

    private func wait(for event: Int32, _ deadline: UInt64) -> Bool {
        let now = clock.uptime
        guard now < deadline else { return false }
        var entry = pollfd(fd: descriptor, events: Int16(event), revents: 0)
        let isReady = poll(&entry, 1, Int32(min(deadline - now, 1_000))) > 0
        // The other end of a pseudo-terminal is not open yet.
        if isReady, entry.revents & Int16(POLLHUP) != 0 { usleep(10_000) }
        return isReady || clock.uptime < deadline
    }
}
