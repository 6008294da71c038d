import BareMetal
import CBareMetal

/// UART0 at 115,200 baud, 8N1, on pins PA0 and PA1 (LM3S6965 datasheet, chapter 12).
enum UART {
    fileprivate static var data: Register { Register(0x4000_C000) }
    fileprivate static var flags: Register { Register(0x4000_C018) }
    private static var integerDivisor: Register { Register(0x4000_C024) }
    private static var fractionalDivisor: Register { Register(0x4000_C028) }
    private static var lineControl: Register { Register(0x4000_C02C) }
    private static var control: Register { Register(0x4000_C030) }
    private static var portAAlternate: Register { Register(0x4000_4420) }
    private static var portADigital: Register { Register(0x4000_451C) }

    /// Sets up the pins and the port.
    static func start() {
        portAAlternate.value |= 0b11
        portADigital.value |= 0b11
        control.value = 0
        // 50 MHz / (16 * 115,200) = 27 + 8/64.
        integerDivisor.value = 27
        fractionalDivisor.value = 8
        lineControl.value = 0x70
        control.value = 0x301
    }
}

@c @implementation func boardPut(_ byte: UInt8) {
    // Dropped when the FIFO stays full for longer than a byte can take.
    guard UART.flags.wait(turns: 20_000, until: { $0 & 1 << 5 == 0 }) else { return }
    UART.data.value = UInt32(byte)
}

@c @implementation func boardTake() -> Int32 {
    // One that came with an error is as good as any: who reads it finds out.
    UART.flags.value & 1 << 4 == 0 ? Int32(UART.data.value & 0xFF) : -1
}
