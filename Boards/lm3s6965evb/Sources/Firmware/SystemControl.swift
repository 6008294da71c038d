import BareMetal
import CBareMetal

/// System control and clocks (LM3S6965 datasheet, chapter 5).
enum SystemControl {
    private static var rawInterruptStatus: Register { Register(0x400F_E050) }
    private static var runModeClock: Register { Register(0x400F_E060) }
    private static var gateControl1: Register { Register(0x400F_E104) }
    private static var gateControl2: Register { Register(0x400F_E108) }
    private static var userRegister0: Register { Register(0x400F_E1E0) }
    private static var userRegister1: Register { Register(0x400F_E1E4) }

    /// Runs the core at 50 MHz from the 8 MHz crystal through the PLL (section 5.2.4.2), and gives UART0, ports A
    /// and F, and the Ethernet controller and PHY their clocks.
    static func start() {
        let bypass: UInt32 = 1 << 11
        let useDivider: UInt32 = 1 << 22
        let powerDown: UInt32 = 1 << 13
        var clock = (runModeClock.value | bypass) & ~useDivider
        runModeClock.value = clock
        // XTAL = 8 MHz, OSCSRC = main oscillator, which is switched on.
        clock = clock & ~(0xF << 6 | 0x3 << 4 | 1 | powerDown) | 0xE << 6
        runModeClock.value = clock
        // SYSDIV = 3: 200 MHz / 4.
        clock = clock & ~(0xF << 23) | 3 << 23 | useDivider
        runModeClock.value = clock
        // A PLL that does not lock leaves the core on the crystal: slow, and the UART unreadable, but running.
        if rawInterruptStatus.wait(turns: 32_768, until: { $0 & 1 << 6 != 0 }) {
            runModeClock.value = clock & ~bypass
        }
        gateControl1.value |= 1 << 0
        gateControl2.value |= 1 << 30 | 1 << 28 | 1 << 5 | 1 << 0
        // Three cycles pass before a peripheral answers; a read takes longer.
        _ = gateControl2.value
        _ = gateControl2.value
    }

    /// The Ethernet address that the maker wrote into the user registers (section 6.3.2): three bytes in each.
    static var ethernetAddress: (low: UInt32, high: UInt32) {
        (userRegister0.value & 0xFF_FFFF, userRegister1.value & 0xFF_FFFF)
    }
}

@c @implementation func boardStart() {
    SystemControl.start()
    UART.start()
}

@c @implementation func boardHertz() -> UInt32 { 50_000_000 }

@c @implementation func boardAddress(_ address: UnsafeMutablePointer<UInt8>) {
    let (low, high) = SystemControl.ethernetAddress
    for index in 0..<3 {
        unsafe address[index] = UInt8(truncatingIfNeeded: low &>> UInt32(8 &* index))
        unsafe address[3 &+ index] = UInt8(truncatingIfNeeded: high &>> UInt32(8 &* index))
    }
}
