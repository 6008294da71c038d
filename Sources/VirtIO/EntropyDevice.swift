import BareMetal
import Board
import CBareMetal

/// The entropy device (Virtual I/O Device Version 1.1, 5.4).
public struct EntropyDevice: RandomPart, ~Copyable {
    private static let bufferSize = 64
    private let device: VirtIODevice
    private var queue: Queue

    /// Resets the device, which is the caller's alone; nil where there is none.
    public init?(_ device: VirtIODevice?) {
        guard let device else { return nil }
        self.device = device
        let memory = unsafe withUnsafeMutablePointer(to: &queueMemory) { UInt(bitPattern: $0) }
        device.begin(features: 0)
        // What a queue of before has left in it, once the device uses it no more.
        for word in 0..<UInt(queueWords) { Register(memory &+ 4 &* word).value = 0 }
        queue = Queue(number: 0, memory: memory, bufferSize: UInt(Self.bufferSize))
        device.announce(queue)
        device.run()
    }

    /// It has ten seconds for each answer, which may be shorter than was asked for.
    public mutating func fill(_ bytes: inout MutableSpan<UInt8>) -> Bool {
        var done = 0
        while done < bytes.count {
            let wanted = min(Self.bufferSize, bytes.count &- done)
            queue.offer(0, count: UInt32(truncatingIfNeeded: wanted), isWritten: true)
            device.notify(queue)
            guard let count = answer(), 1...wanted ~= count else { return false }
            let buffer = queue.buffer(0)
            for index in 0..<count {
                let byte = ByteRegister(buffer &+ UInt(index))
                bytes[done &+ index] = byte.value
                byte.value = 0
            }
            done &+= count
        }
        return true
    }

    /// How many bytes it has written; nil when it is silent.
    private mutating func answer() -> Int? {
        let end = cpuUptime() &+ 10_000
        while true {
            if let (_, count) = queue.take() { return count }
            if cpuUptime() >= end { return nil }
            cpuWait()
        }
    }
}

/// For ``Queue/memory(bufferSize:)``.
private let queueWords = 100
nonisolated(unsafe) private var queueMemory = InlineArray<100, UInt32>(repeating: 0)
