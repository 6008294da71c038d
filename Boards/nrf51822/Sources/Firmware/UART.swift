import BareMetal
import CBareMetal

/// The port at 115,200 baud, 8N1, on pins P0.24 and P0.25 (nRF51 reference manual, chapter 29).
enum UART {
    private static func register(_ offset: UInt) -> Register { Register(0x4000_2000 &+ offset) }
    fileprivate static var hasReceived: Register { register(0x108) }
    fileprivate static var hasSent: Register { register(0x11C) }
    fileprivate static var received: Register { register(0x518) }
    fileprivate static var sent: Register { register(0x51C) }
    /// Whether a byte was sent before.
    fileprivate nonisolated(unsafe) static var isSending = false

    static func start() {
        register(0x50C).value = 24
        register(0x514).value = 25
        register(0x524).value = 0x01D7_E000
        register(0x500).value = 4
        // Receives and sends.
        register(0x000).value = 1
        register(0x008).value = 1
    }
}

@c @implementation func boardPut(_ byte: UInt8) {
    // Dropped when the byte before it does not leave in more than its time.
    guard unsafe !UART.isSending || UART.hasSent.wait(turns: 20_000, until: { $0 != 0 }) else { return }
    UART.hasSent.value = 0
    UART.sent.value = UInt32(byte)
    unsafe UART.isSending = true
}

@c @implementation func boardTake() -> Int32 {
    guard UART.hasReceived.value != 0 else { return -1 }
    UART.hasReceived.value = 0
    return Int32(UART.received.value & 0xFF)
}
