import BareMetal
import CBareMetal
import FirmwareMain

@c @implementation func boardMain() -> Never { enrol(FlashFile.open) }

@c @implementation func boardStart() { UART.start() }

/// The core, and the bus of its peripherals.
@c @implementation func boardHertz() -> UInt32 { 20_000_000 }

@c @implementation func boardAddress(_ address: UnsafeMutablePointer<UInt8>) {
    let (low, high) = Ethernet.address
    for index in 0..<4 { unsafe address[index] = UInt8(truncatingIfNeeded: low &>> UInt32(8 &* index)) }
    for index in 0..<2 { unsafe address[4 &+ index] = UInt8(truncatingIfNeeded: high &>> UInt32(8 &* index)) }
}
