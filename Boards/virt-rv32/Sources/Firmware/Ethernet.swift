import BareMetal
import CBareMetal
import CLwIP
import CRISCV
import LwIPNet

/// The virtio network device on its memory-mapped bus (Virtual I/O Device Version 1.1, 4.2 and 5.1), polled.
///
/// Frames lie in buffers of their own, 14 bytes in: behind two bytes that nobody sees and the device's header of 12. The last two bytes
/// before a frame stand for lwIP's padding, whose place is a word boundary.
enum Ethernet {
    /// QEMU fills its slots from the last.
    private static func register(_ offset: UInt) -> Register { Register(0x1000_8000 &+ offset) }
    private static let status: UInt = 0x70
    private nonisolated(unsafe) static var received = Queue(number: 0)
    private nonisolated(unsafe) static var sent = Queue(number: 1)
    private nonisolated(unsafe) static var isSending = false
    private static let notify: UInt = 0x50

    static func address(byte: Int) -> UInt8 { ByteRegister(0x1000_8100 &+ UInt(byte)).value }

    static func start() {
        register(status).value = 0
        // ACKNOWLEDGE, DRIVER.
        register(status).value = 3
        // VERSION_1 and MAC, and nothing else.
        register(0x24).value = 1
        register(0x20).value = 1
        register(0x24).value = 0
        register(0x20).value = 1 << 5
        register(status).value = 11
        unsafe announce(received)
        unsafe announce(sent)
        register(status).value = 15
        for index in 0..<Queue.size { unsafe received.offer(index, count: 1526, isWritten: true) }
        register(notify).value = 0
    }

    private static func announce(_ queue: Queue) {
        register(0x30).value = queue.number
        register(0x38).value = UInt32(Queue.size)
        register(0x80).value = queue.descriptors
        register(0x90).value = queue.available
        register(0xA0).value = queue.used
        register(0x44).value = 1
    }

    static func receive() -> Frame? {
        // Bounded, so that a flood of frames without buffers cannot hold the caller.
        for _ in 0..<16 {
            guard let (index, count) = unsafe received.take() else { return nil }
            var place = unsafe received.buffer(index) &+ 12
            // With the header; a frame has 14 bytes at least.
            let frame: Frame? =
                26...1526 ~= count
                ? unsafe Frame.take(count: count &- 10, words: (count &- 7) >> 2, first: Register(place).value) {
                    place &+= 4
                    return Register(place).value
                } : nil
            unsafe received.offer(index, count: 1526, isWritten: true)
            register(notify).value = 0
            if let frame = unsafe frame { return unsafe frame }
        }
        return nil
    }

    static func send(_ frame: Frame) -> Bool {
        // The frame before this one; the device takes it as it is told of it.
        var turns = 100_000
        while unsafe isSending, unsafe sent.take() == nil {
            turns &-= 1
            if turns == 0 { return false }
        }
        var place = unsafe sent.buffer(0) &+ 12
        unsafe frame.setPadding(0)
        unsafe frame.forEachWord {
            Register(place).value = $0
            place &+= 4
        }
        unsafe sent.offer(0, count: UInt32(frame.count &+ 10), isWritten: false)
        register(notify).value = 1
        unsafe isSending = true
        return true
    }
}

@c @implementation func boardEthernetStart() { Ethernet.start() }

@c @implementation func boardEthernetReceive() -> Frame? { unsafe Ethernet.receive() }

@c @implementation func boardEthernetSend(_ frame: Frame) -> Bool { unsafe Ethernet.send(frame) }
