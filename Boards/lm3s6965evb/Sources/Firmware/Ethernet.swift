import BareMetal
import CBareMetal
import CLwIP
import LwIPNet

/// The Ethernet controller (LM3S6965 datasheet, chapter 15), polled.
///
/// Its receive FIFO gives two bytes of length in front of each frame, and its transmit FIFO takes two: in place of lwIP's
/// padding.
enum Ethernet {
    private static var interruptStatus: Register { Register(0x4004_8000) }
    private static var interruptMask: Register { Register(0x4004_8004) }
    private static var receiveControl: Register { Register(0x4004_8008) }
    private static var transmitControl: Register { Register(0x4004_800C) }
    private static var data: Register { Register(0x4004_8010) }
    private static var address0: Register { Register(0x4004_8014) }
    private static var address1: Register { Register(0x4004_8018) }
    private static var threshold: Register { Register(0x4004_801C) }
    private static var packets: Register { Register(0x4004_8034) }
    private static var transmission: Register { Register(0x4004_8038) }
    private static var portFAlternate: Register { Register(0x4002_5420) }
    private static var portFDigital: Register { Register(0x4002_551C) }

    private static let receiveEnable: UInt32 = 1 << 0
    private static let rejectBadCRC: UInt32 = 1 << 3
    private static let resetFIFO: UInt32 = 1 << 4

    /// A frame in the receive FIFO: 2 bytes of length, the frame, 4 of checksum.
    private static let overhead = 6
    private static let frames = 14...1518

    static func start() {
        // The LEDs of the socket, on PF2 and PF3.
        portFAlternate.value |= 0b1100
        portFDigital.value |= 0b1100
        interruptMask.value = 0
        interruptStatus.value = interruptStatus.value
        receiveControl.value = resetFIFO
        receiveControl.value = rejectBadCRC
        let (low, high) = SystemControl.ethernetAddress
        address0.value = low | high << 24
        address1.value = high >> 8
        // Send only when asked to, not at a fill level.
        threshold.value = 0x3F
        // Full duplex; checksum and padding by the controller.
        transmitControl.value = 1 << 4 | 1 << 2 | 1 << 1 | 1
        receiveControl.value = rejectBadCRC | receiveEnable
    }

    static func receive() -> Frame? {
        // Bounded, so that a flood of frames without buffers cannot hold the caller.
        for _ in 0..<16 where packets.value & 0x3F != 0 {
            let first = data.value
            let length = Int(first & 0xFFFF)
            guard frames ~= length &- overhead else {
                // The FIFO is out of step.
                receiveControl.value = rejectBadCRC | resetFIFO
                receiveControl.value = rejectBadCRC | receiveEnable
                return nil
            }
            // The two bytes of length take the place of the padding.
            let frame = unsafe Frame.take(count: length &- 4, words: (length &+ 3) >> 2, first: first) { data.value }
            if let frame = unsafe frame { return unsafe frame }
        }
        return nil
    }

    static func send(_ frame: Frame) -> Bool {
        // The frame before this one leaves at 10 Mbit/s or more: 1.3 ms.
        guard transmission.wait(turns: 100_000, until: { $0 & 1 == 0 }) else { return false }
        // The length counts neither itself nor the header of the frame.
        unsafe frame.setPadding(UInt16(frame.count &- 16))
        unsafe frame.forEachWord { data.value = $0 }
        transmission.value = 1
        return true
    }
}

@c @implementation func boardEthernetStart() { Ethernet.start() }

@c @implementation func boardEthernetReceive() -> Frame? { unsafe Ethernet.receive() }

@c @implementation func boardEthernetSend(_ frame: Frame) -> Bool { unsafe Ethernet.send(frame) }
