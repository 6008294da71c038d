import BareMetal
import CBareMetal

/// UART0 at 115,200 baud, 8N1 (Arm DDI 0479, section 4.3).
enum UART {
    fileprivate static var data: Register { Register(0x5020_0000) }
    fileprivate static var state: Register { Register(0x5020_0004) }
    private static var control: Register { Register(0x5020_0008) }
    private static var divisor: Register { Register(0x5020_0010) }

    static func start() {
        // 20 MHz / 115,200.
        divisor.value = 174
        // To send alone.
        control.value = 1
    }
}

@c @implementation func boardPut(_ byte: UInt8) {
    // Dropped when the byte before it does not leave in more than its time.
    guard UART.state.wait(turns: 20_000, until: { $0 & 1 == 0 }) else { return }
    UART.data.value = UInt32(byte)
}
