import BareMetal
import CBareMetal
import CLwIP
import LwIPNet
import VirtIO

/// The virtio network device (Virtual I/O Device Version 1.1, 5.1), polled.
///
/// Frames lie in buffers of their own, 14 bytes in: behind two bytes that nobody sees and the device's header of 12. The last two bytes
/// before a frame stand for lwIP's padding, whose place is a word boundary.
enum Ethernet {
    private static let bufferSize: UInt = 1536
    private static let hidden: UInt = 2
    private static let header = 12
    /// With the header.
    private static let longest = 1526

    private nonisolated(unsafe) static var device: VirtIODevice?
    private nonisolated(unsafe) static var received = Queue(number: 0, memory: 0, bufferSize: bufferSize)
    private nonisolated(unsafe) static var sent = Queue(number: 1, memory: 0, bufferSize: bufferSize)
    private nonisolated(unsafe) static var isSending = false

    static func address(byte: Int) -> UInt8 { VirtIODevice(.network)?.configuration(byte: byte) ?? 0 }

    static func start() {
        guard let device = VirtIODevice(.network) else { return }
        unsafe Self.device = device
        let start = unsafe withUnsafeMutablePointer(to: &memory) { UInt(bitPattern: $0) }
        unsafe received = Queue(number: 0, memory: start, bufferSize: bufferSize)
        unsafe sent = Queue(number: 1, memory: start &+ 6288, bufferSize: bufferSize)
        // MAC.
        device.begin(features: 1 << 5)
        unsafe device.announce(received)
        unsafe device.announce(sent)
        device.run()
        for index in 0..<Queue.size { offer(index, to: device) }
    }

    private static func offer(_ index: Int, to device: VirtIODevice) {
        unsafe received.offer(index, from: hidden, count: UInt32(longest), isWritten: true)
        unsafe device.notify(received)
    }

    static func receive() -> Frame? {
        guard let device = unsafe device else { return nil }
        // Bounded, so that a flood of frames without buffers cannot hold the caller.
        for _ in 0..<16 {
            guard let (index, count) = unsafe received.take() else { return nil }
            var place = unsafe received.buffer(index) &+ UInt(header)
            // A frame has 14 bytes at least; with padding, and in whole words.
            let frame: Frame? =
                header &+ 14...longest ~= count
                ? unsafe Frame.take(count: count &- 10, words: (count &- 7) >> 2, first: Register(place).value) {
                    place &+= 4
                    return Register(place).value
                } : nil
            offer(index, to: device)
            if let frame = unsafe frame { return unsafe frame }
        }
        return nil
    }

    static func send(_ frame: Frame) -> Bool {
        guard let device = unsafe device else { return false }
        // The frame before this one; the device takes it as it is told of it.
        var turns = 100_000
        while unsafe isSending, unsafe sent.take() == nil {
            turns &-= 1
            if turns == 0 { return false }
        }
        var place = unsafe sent.buffer(0) &+ UInt(header)
        unsafe frame.setPadding(0)
        unsafe frame.forEachWord {
            Register(place).value = $0
            place &+= 4
        }
        unsafe sent.offer(0, from: hidden, count: UInt32(frame.count &+ 10), isWritten: false)
        unsafe device.notify(sent)
        unsafe isSending = true
        return true
    }
}

/// Of two queues.
nonisolated(unsafe) private var memory = InlineArray<3_144, UInt32>(repeating: 0)

@c @implementation func boardEthernetStart() { Ethernet.start() }

@c @implementation func boardEthernetReceive() -> Frame? { unsafe Ethernet.receive() }

@c @implementation func boardEthernetSend(_ frame: Frame) -> Bool { unsafe Ethernet.send(frame) }
