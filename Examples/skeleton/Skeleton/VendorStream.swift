import Board
import CVendor

struct VendorStream: Transport {
    private let clock = VendorClock()

    mutating func connect(host: Span<UInt8>, port: UInt16, deadline: UInt64) throws(TransportError) {
        // A name of DNS has 253 characters at most; C wants a 0 behind it.
        var name = InlineArray<256, CChar>(repeating: 0)
        guard host.count < name.count else { throw .nameUnknown }
        for index in host.indices { name[index] = CChar(truncatingIfNeeded: host[index]) }
        let span = name.span
        try check(
            unsafe span.withUnsafeBufferPointer { name in
                guard let start = name.baseAddress else { return -1 }
                return unsafe vendor_connect(start, port, left(until: deadline))
            }, or: .unreachable)
    }

    mutating func send(_ bytes: Span<UInt8>, deadline: UInt64) throws(TransportError) {
        try check(
            unsafe bytes.withUnsafeBufferPointer { bytes in
                guard let start = bytes.baseAddress else { return 0 }
                return unsafe vendor_send(start, bytes.count, left(until: deadline))
            }, or: .reset)
    }

    mutating func receive(into buffer: inout MutableSpan<UInt8>, deadline: UInt64) throws(TransportError) -> Int {
        let count = unsafe buffer.withUnsafeMutableBufferPointer { buffer in
            guard let start = buffer.baseAddress else { return Int32(0) }
            return unsafe vendor_receive(start, buffer.count, left(until: deadline))
        }
        try check(count, or: .reset)
        return Int(count)
    }

    mutating func close() { vendor_close() }

    private func left(until deadline: UInt64) -> UInt32 {
        let now = clock.uptime
        return deadline > now ? UInt32(truncatingIfNeeded: min(deadline &- now, 0xFFFF_FFFF)) : 0
    }

    private func check(_ status: Int32, or error: TransportError) throws(TransportError) {
        if status < 0 { throw status == -2 ? .timedOut : error }
    }
}
