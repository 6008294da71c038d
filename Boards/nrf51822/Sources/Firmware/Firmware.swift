import BareMetal
import Board
import CBareMetal
import FirmwareMain

@c @implementation func boardMain() -> Never {
    enrol(FlashFile.open, clock: Uptime(), entropy: { HardwareEntropy(RandomGenerator()) })
}

@c @implementation func boardStart() { UART.start() }

@c @implementation func boardHertz() -> UInt32 { 16_000_000 }

/// The device's address for radio, which Nordic wrote into its factory information (reference manual, chapter 7).
@c @implementation func boardAddress(_ address: UnsafeMutablePointer<UInt8>) {
    for index in 0..<6 {
        let word = Register(0x1000_00A4 &+ UInt(index & 4)).value
        unsafe address[index] = UInt8(truncatingIfNeeded: word &>> UInt32(truncatingIfNeeded: 8 &* (index & 3)))
    }
}
