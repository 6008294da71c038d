import Board
import CBareMetal
import CLwIP

/// One TCP connection over lwIP's raw interface.
public struct TCP: Transport, ~Copyable {
    /// A name that lwIP can look up, and its end.
    private static let nameCapacity = Int(DNS_MAX_NAME_LENGTH)

    public init() {}

    public mutating func connect(host: Span<UInt8>, port: UInt16, deadline: UInt64) throws(TransportError) {
        close()
        guard Network.wait(until: deadline, { Network.address != nil }) else { throw .noAddress }
        var address = try resolve(host, deadline)
        guard let pcb = unsafe tcp_new() else { throw .exhausted }
        unsafe connection = Connection()
        unsafe connection.pcb = unsafe pcb
        unsafe tcp_recv(pcb) { _, pcb, chain, _ in unsafe connection.received(pcb, chain) }
        unsafe tcp_sent(pcb) { _, _, count in
            unsafe connection.unacknowledged &-= Int(count)
            return err_t(ERR_OK.rawValue)
        }
        unsafe tcp_err(pcb) { _, error in unsafe connection.failed(error) }
        let started = unsafe tcp_connect(pcb, &address, port) { _, _, _ in
            unsafe connection.isOpen = true
            return err_t(ERR_OK.rawValue)
        }
        guard started == ERR_OK.rawValue else {
            unsafe tcp_abort(pcb)
            throw started == ERR_MEM.rawValue ? .exhausted : .unreachable
        }
        let isDecided = Network.wait(until: deadline) { unsafe connection.isOpen || connection.failure != nil }
        if let failure = unsafe connection.failure { throw failure == .reset ? .refused : failure }
        guard isDecided else {
            close()
            throw .timedOut
        }
    }

    @inline(never)
    public mutating func send(_ bytes: Span<UInt8>, deadline: UInt64) throws(TransportError) {
        // lwIP refers to the caller's bytes instead of copying them, so they must all be acknowledged, or the
        // connection gone, before this returns.
        var written = 0
        while true {
            if let failure = unsafe connection.failure { throw failure }
            guard let pcb = unsafe connection.pcb else { throw .reset }
            let capacity = min(bytes.count &- written, min(Int(unsafe pcb.pointee.snd_buf), 2 &* Int(TCP_MSS)))
            if capacity > 0, unsafe Int(pcb.pointee.snd_queuelen) < Int(TCP_SND_QUEUELEN) &- 4 {
                let more = written &+ capacity < bytes.count
                let result = unsafe bytes.withUnsafeBufferPointer { all in
                    unsafe tcp_write(
                        pcb, all.baseAddress.map { unsafe $0 + written }, u16_t(capacity),
                        more ? u8_t(TCP_WRITE_FLAG_MORE) : 0)
                }
                if result == ERR_OK.rawValue {
                    written &+= capacity
                    unsafe connection.unacknowledged &+= capacity
                } else if result != ERR_MEM.rawValue {
                    // Not closed in order, which would still send from the caller's bytes.
                    abort()
                    throw .reset
                }
                unsafe tcp_output(pcb)
            }
            let before = unsafe connection.unacknowledged
            if written == bytes.count, before == 0 { return }
            // With nothing under way it is memory that lacks, and no acknowledgement will tell of it.
            let pause = before == 0 ? cpuUptime() &+ 10 : deadline
            let moved = Network.wait(until: pause) {
                unsafe connection.unacknowledged < before || connection.failure != nil
            }
            if !moved, cpuUptime() >= deadline {
                abort()
                throw .timedOut
            }
        }
    }

    public mutating func receive(into buffer: inout MutableSpan<UInt8>, deadline: UInt64) throws(TransportError) -> Int
    {
        let isDecided = Network.wait(until: deadline) {
            unsafe connection.chain != nil || connection.hasEnded || connection.failure != nil
                || connection.pcb == nil
        }
        // What had arrived before the stream broke is still good.
        if unsafe connection.chain != nil { return unsafe connection.take(into: &buffer) }
        if let failure = unsafe connection.failure { throw failure }
        if unsafe connection.hasEnded { return 0 }
        throw isDecided ? .reset : .timedOut
    }

    public mutating func close() {
        unsafe connection.drop()
        guard let pcb = unsafe connection.pcb else { return }
        unsafe detach(pcb)
        if unsafe tcp_close(pcb) != ERR_OK.rawValue { unsafe tcp_abort(pcb) }
        Network.poll()
    }

    private func abort() {
        unsafe connection.drop()
        guard let pcb = unsafe connection.pcb else { return }
        unsafe detach(pcb)
        unsafe tcp_abort(pcb)
    }

    private func detach(_ pcb: UnsafeMutablePointer<tcp_pcb>) {
        unsafe tcp_recv(pcb, nil)
        unsafe tcp_sent(pcb, nil)
        unsafe tcp_err(pcb, nil)
        unsafe connection.pcb = nil
    }

    private func resolve(_ host: Span<UInt8>, _ deadline: UInt64) throws(TransportError) -> ip_addr_t {
        guard host.count > 0, host.count < Self.nameCapacity else { throw .nameUnknown }
        unsafe lookup = Lookup()
        var name = InlineArray<254, CChar>(repeating: 0)
        for index in host.indices {
            guard host[index] != 0 else { throw .nameUnknown }
            name[index] = CChar(bitPattern: host[index])
        }
        var address = ip_addr_t()
        let started = unsafe name.span.withUnsafeBufferPointer { name in
            unsafe dns_gethostbyname(
                name.baseAddress, &address,
                { _, found, _ in
                    unsafe lookup.isDone = true
                    if let found = unsafe found { unsafe lookup.address = unsafe found.pointee }
                }, nil)
        }
        if started == ERR_OK.rawValue { return address }
        guard started == ERR_INPROGRESS.rawValue else {
            throw started == ERR_MEM.rawValue ? .exhausted : .nameUnknown
        }
        guard Network.wait(until: deadline, { unsafe lookup.isDone }), let found = unsafe lookup.address else {
            throw .nameUnknown
        }
        return found
    }
}

/// What lwIP's callbacks have reported of the connection. lwIP is polled, so they run inside ``Network/poll()``.
nonisolated(unsafe) private var connection = Connection()

@safe private struct Connection {
    var pcb: UnsafeMutablePointer<tcp_pcb>?
    /// What has arrived and was not taken: lwIP's own buffers.
    var chain: UnsafeMutablePointer<pbuf>?
    /// Bytes of the chain's first buffer that were taken.
    var taken = 0
    var unacknowledged = 0
    var isOpen = false
    var hasEnded = false
    var failure: TransportError?

    mutating func received(_ pcb: UnsafeMutablePointer<tcp_pcb>?, _ new: UnsafeMutablePointer<pbuf>?) -> err_t {
        guard let new = unsafe new else {
            hasEnded = true
            return err_t(ERR_OK.rawValue)
        }
        if let chain = unsafe chain {
            unsafe pbuf_cat(chain, new)
        } else {
            unsafe chain = unsafe new
            taken = 0
        }
        return err_t(ERR_OK.rawValue)
    }

    mutating func failed(_ error: err_t) {
        // lwIP has freed the control block already.
        unsafe pcb = nil
        failure = error == ERR_ABRT.rawValue ? .timedOut : .reset
    }

    mutating func take(into buffer: inout MutableSpan<UInt8>) -> Int {
        guard let first = unsafe chain else { return 0 }
        let count = min(buffer.count, Int(unsafe first.pointee.tot_len) &- taken)
        unsafe buffer.withUnsafeMutableBufferPointer { target in
            _ = unsafe pbuf_copy_partial(first, target.baseAddress, u16_t(count), u16_t(taken))
        }
        taken &+= count
        // Whole buffers that were read go back to the pool, so that the far side can go on.
        while let front = unsafe chain, taken >= Int(unsafe front.pointee.len) {
            taken &-= Int(unsafe front.pointee.len)
            let next = unsafe front.pointee.next
            if let next = unsafe next { unsafe pbuf_ref(next) }
            unsafe pbuf_free(front)
            unsafe chain = unsafe next
            if unsafe next == nil { break }
        }
        if let pcb = unsafe pcb { unsafe tcp_recved(pcb, u16_t(count)) }
        return count
    }

    mutating func drop() {
        if let chain = unsafe chain { unsafe pbuf_free(chain) }
        unsafe chain = nil
        taken = 0
    }
}

nonisolated(unsafe) private var lookup = Lookup()

private struct Lookup {
    var isDone = false
    var address: ip_addr_t?
}
