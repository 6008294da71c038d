import Board
import CBareMetal
import CLwIP

/// The one network interface: lwIP over the board's Ethernet. Nothing happens in it unless somebody calls ``poll()``.
public enum Network {
    nonisolated(unsafe) private static var interface = unsafe netif()
    nonisolated(unsafe) private static var lease = dhcp()
    nonisolated(unsafe) fileprivate static var random: UInt32 = 1

    /// Starts lwIP and asks for an address.
    ///
    /// - Parameter seed: unpredictable, for port numbers and transaction identifiers.
    public static func start(seed: UInt32) {
        unsafe random = seed | 1
        lwip_init()
        unsafe withUnsafeMutablePointer(to: &interface) { interface in
            unsafe netif_add(interface, nil, nil, nil, nil, { unsafe Network.attach($0) }, ethernet_input)
            unsafe netif_set_default(interface)
            unsafe netif_set_up(interface)
            unsafe withUnsafeMutablePointer(to: &lease) { unsafe dhcp_set_struct(interface, $0) }
            unsafe dhcp_start(interface)
        }
    }

    /// The board's IPv4 address in network byte order; nil without a lease.
    static var address: UInt32? {
        unsafe withUnsafeMutablePointer(to: &interface) { interface in
            unsafe dhcp_supplied_address(interface) != 0 ? interface.pointee.ip_addr.addr : nil
        }
    }

    /// Hands over the frames that have arrived and lets lwIP's timers run.
    ///
    /// - Returns: whether there was a frame.
    @discardableResult
    static func poll() -> Bool {
        var busy = false
        // Bounded, so that a flood of frames cannot hold up a deadline.
        for _ in 0..<8 {
            guard let frame = unsafe boardEthernetReceive() else { break }
            busy = true
            unsafe withUnsafeMutablePointer(to: &interface) { interface in
                if unsafe ethernet_input(frame, interface) != ERR_OK.rawValue { unsafe pbuf_free(frame) }
            }
        }
        sys_check_timeouts()
        return busy
    }

    /// Polls until `condition` holds or the deadline, in milliseconds since start-up, has passed.
    ///
    /// - Returns: whether the condition came to hold.
    @inline(never)
    static func wait(until deadline: UInt64, _ condition: () -> Bool) -> Bool {
        while true {
            boardAlive()
            let busy = poll()
            if condition() { return true }
            if cpuUptime() >= deadline { return false }
            if !busy { cpuWait() }
        }
    }

    private static func attach(_ interface: UnsafeMutablePointer<netif>?) -> err_t {
        guard let interface = unsafe interface else { return err_t(ERR_ARG.rawValue) }
        unsafe interface.pointee.name = (0x65, 0x6E)
        unsafe withUnsafeMutableBytes(of: &interface.pointee.hwaddr) { bytes in
            if let address = bytes.baseAddress { unsafe boardAddress(address.assumingMemoryBound(to: UInt8.self)) }
        }
        unsafe interface.pointee.hwaddr_len = 6
        unsafe interface.pointee.mtu = 1500
        unsafe interface.pointee.flags =
            u8_t(NETIF_FLAG_BROADCAST) | u8_t(NETIF_FLAG_ETHARP) | u8_t(NETIF_FLAG_ETHERNET) | u8_t(NETIF_FLAG_LINK_UP)
        unsafe interface.pointee.output = unsafe etharp_output
        unsafe interface.pointee.linkoutput = { _, frame in
            guard let frame = unsafe frame else { return err_t(ERR_ARG.rawValue) }
            return err_t(unsafe boardEthernetSend(frame) ? ERR_OK.rawValue : ERR_TIMEOUT.rawValue)
        }
        boardEthernetStart()
        return err_t(ERR_OK.rawValue)
    }
}

/// lwIP's clock, in milliseconds.
@c(sys_now) public func networkClock() -> UInt32 { UInt32(truncatingIfNeeded: cpuUptime()) }

/// lwIP's random numbers: xorshift over the seed. They make blind injection harder; nothing rests on them, since
/// every reply is authenticated.
@c @implementation public func networkRandom() -> UInt32 {
    var state = unsafe Network.random
    state ^= state << 13
    state ^= state >> 17
    state ^= state << 5
    unsafe Network.random = state
    return state
}
