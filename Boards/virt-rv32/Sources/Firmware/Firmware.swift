import BareMetal
import Board
import CBareMetal
import FirmwareMain
import VirtIO

@c @implementation func boardMain() -> Never { enrol(Flash.open, clock: RealTimeClock(), entropy: entropy) }

private func entropy() -> HardwareEntropy<EntropyDevice>? {
    guard let device = EntropyDevice(VirtIODevice(.entropy)) else { return nil }
    return HardwareEntropy(device)
}

extension VirtIODevice {
    /// Of the machine's slots, which QEMU fills from the last.
    init?(_ kind: Kind) { self.init(kind, first: 0x1000_1000, distance: 0x1000, slots: 8) }
}

@c @implementation func boardStart() {}

/// Of the machine timer.
@c @implementation func boardHertz() -> UInt32 { 10_000_000 }

@c @implementation func boardAddress(_ address: UnsafeMutablePointer<UInt8>) {
    for index in 0..<6 { unsafe address[index] = Ethernet.address(byte: index) }
}

@c @implementation func boardPut(_ byte: UInt8) {
    // UART0, a 16550. Dropped when the FIFO stays full for longer than a byte can take.
    guard ByteRegister(0x1000_0005).wait(turns: 20_000, until: { $0 & 1 << 5 != 0 }) else { return }
    ByteRegister(0x1000_0000).value = byte
}
