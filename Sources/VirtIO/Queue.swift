import BareMetal
import CBareMetal

/// A split virtqueue (Virtual I/O Device Version 1.1, 2.6) with its buffers, of which each has the descriptor of its number.
public struct Queue {
    public static let size = 4
    let number: UInt32
    private let start: UInt
    private let bufferSize: UInt
    private var offered: UInt32 = 0
    private var taken: UInt32 = 0

    /// Bytes of memory for a queue with buffers of that size.
    public static func memory(bufferSize: Int) -> Int { 15 &+ 128 &+ size &* bufferSize }

    /// - Parameters:
    ///   - memory: its address; zeros, of which there are ``memory(bufferSize:)``, for as long as the device runs.
    ///   - bufferSize: in bytes; a multiple of 4.
    public init(number: UInt32, memory: UInt, bufferSize: UInt) {
        self.number = number
        // Descriptors are aligned to 16 bytes.
        start = (memory &+ 15) & ~15
        self.bufferSize = bufferSize
    }

    var descriptors: UInt32 { UInt32(truncatingIfNeeded: start) }
    var available: UInt32 { descriptors &+ 64 }
    var used: UInt32 { descriptors &+ 80 }

    /// Its address.
    public func buffer(_ index: Int) -> UInt { start &+ 128 &+ bufferSize &* UInt(index) }

    private func word(_ offset: UInt) -> Register { Register(start &+ offset) }

    /// Gives the device `count` bytes of a buffer, from `offset` on.
    public mutating func offer(_ index: Int, from offset: UInt = 0, count: UInt32, isWritten: Bool) {
        let descriptor = 16 &* UInt(index)
        word(descriptor).value = UInt32(truncatingIfNeeded: buffer(index) &+ offset)
        word(descriptor &+ 8).value = count
        word(descriptor &+ 12).value = isWritten ? 2 : 0
        // Two entries of the ring in a word, behind the word with their count.
        let slot = offered & 3
        let entry = word(68 &+ UInt(slot & 2) &* 2)
        let shift = 16 &* (slot & 1)
        entry.value = entry.value & ~(0xFFFF &<< shift) | UInt32(truncatingIfNeeded: index) &<< shift
        offered &+= 1
        memoryFence()
        word(64).value = offered &<< 16
        memoryFence()
    }

    /// The next buffer that the device is through with, and how many bytes it says that it wrote; nil when there is none.
    public mutating func take() -> (index: Int, count: Int)? {
        guard word(80).value &>> 16 != taken & 0xFFFF else { return nil }
        memoryFence()
        let entry = 84 &+ 8 &* UInt(taken & 3)
        taken &+= 1
        return (Int(truncatingIfNeeded: word(entry).value & 3), Int(truncatingIfNeeded: word(entry &+ 4).value))
    }
}
