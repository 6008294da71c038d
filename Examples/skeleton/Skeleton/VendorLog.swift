import Agent
import Board
import CVendor

/// Steps and events are lines of text.
struct VendorLog: AgentLog {
    mutating func write(line: Span<UInt8>) {
        unsafe line.withUnsafeBytes { line in
            guard let start = unsafe line.assumingMemoryBound(to: CChar.self).baseAddress else { return }
            unsafe vendor_print(start, line.count)
        }
    }
}
