import BareMetal
import CBareMetal
import CLwIP
import LwIPNet

/// The Ethernet controller LAN9118 (SMSC's datasheet, chapter 5), polled.
///
/// Both of its FIFOs leave two bytes of a frame's first word out, in place of lwIP's padding.
enum Ethernet {
    private static func register(_ offset: UInt) -> Register { Register(0x5200_0000 &+ offset) }
    private static var received: Register { register(0x00) }
    private static var transmit: Register { register(0x20) }
    private static var receiveStatus: Register { register(0x40) }
    private static var byteTest: Register { register(0x64) }
    private static var receiveControl: Register { register(0x6C) }
    private static var transmitControl: Register { register(0x70) }
    private static var hardware: Register { register(0x74) }
    private static var receiveFill: Register { register(0x7C) }
    private static var transmitFill: Register { register(0x80) }
    private static var macCommand: Register { register(0xA4) }
    private static var macData: Register { register(0xA8) }

    /// Registers behind the MAC's command register.
    private static let macControl: UInt32 = 1
    private static let macAddressHigh: UInt32 = 2
    private static let macAddressLow: UInt32 = 3
    private static let busy: UInt32 = 1 << 31

    /// Two bytes in front of each frame.
    private static let offset = 2
    /// With the checksum.
    private static let frames = 18...1522

    static func start() {
        // It answers with this when it has woken up.
        _ = byteTest.wait(turns: 100_000, until: { $0 == 0x8765_4321 })
        hardware.value = 1
        _ = hardware.wait(turns: 100_000, until: { $0 & 1 == 0 })
        // Whole frames, and 5 KiB of its memory for those that are sent.
        hardware.value = 1 << 20 | 5 << 16
        receiveControl.value = UInt32(offset) << 8
        // On, and nobody reads what became of a frame.
        transmitControl.value = 1 << 2 | 1 << 1
        // Full duplex; sends and receives.
        macData.value = 1 << 20 | 1 << 3 | 1 << 2
        command(macControl)
    }

    /// The address that it took from its EEPROM at reset.
    static var address: (low: UInt32, high: UInt32) { (read(macAddressLow), read(macAddressHigh)) }

    private static func read(_ index: UInt32) -> UInt32 {
        command(1 << 30 | index)
        return macData.value
    }

    private static func command(_ command: UInt32) {
        macCommand.value = busy | command
        _ = macCommand.wait(turns: 100_000, until: { $0 & busy == 0 })
    }

    static func receive() -> Frame? {
        // Bounded, so that a flood of frames without buffers cannot hold the caller.
        for _ in 0..<16 where receiveFill.value & 0xFF_0000 != 0 {
            let status = receiveStatus.value
            let length = Int(status >> 16 & 0x3FFF)
            let words = (offset &+ length &+ 3) >> 2
            // With an error in it, it is in the FIFO all the same.
            guard status & 1 << 15 == 0, frames ~= length else {
                for _ in 0..<words { _ = received.value }
                continue
            }
            let frame = unsafe Frame.take(count: offset &+ length &- 4, words: words, first: received.value) {
                received.value
            }
            if let frame = unsafe frame { return unsafe frame }
        }
        return nil
    }

    static func send(_ frame: Frame) -> Bool {
        let length = UInt32(unsafe frame.count &- offset)
        // Two words of commands, and the frame.
        guard transmitFill.wait(turns: 100_000, until: { $0 & 0xFFFF >= length &+ 16 }) else { return false }
        // One buffer, the first and the last of the frame.
        transmit.value = UInt32(offset) << 16 | 1 << 13 | 1 << 12 | length
        transmit.value = length
        unsafe frame.forEachWord { transmit.value = $0 }
        return true
    }
}

@c @implementation func boardEthernetStart() { Ethernet.start() }

@c @implementation func boardEthernetReceive() -> Frame? { unsafe Ethernet.receive() }

@c @implementation func boardEthernetSend(_ frame: Frame) -> Bool { unsafe Ethernet.send(frame) }
