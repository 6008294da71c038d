import BareMetal
import CRISCV

/// A split virtqueue (Virtual I/O Device Version 1.1, 2.6) with its buffers, of which each has the descriptor of its number.
struct Queue {
    static let size = 4
    let number: UInt32
    private var offered: UInt32 = 0
    private var taken: UInt32 = 0

    init(number: UInt32) { self.number = number }

    // In bytes from the queue's beginning; buffers have 1,536.
    var descriptors: UInt32 { UInt32(truncatingIfNeeded: start) }
    var available: UInt32 { descriptors &+ 64 }
    var used: UInt32 { descriptors &+ 80 }
    func buffer(_ index: Int) -> UInt { start &+ 128 &+ 1536 &* UInt(index) }

    private var start: UInt {
        unsafe withUnsafeMutablePointer(to: &memory) { memory in
            // Descriptors are aligned to 16 bytes.
            (UInt(bitPattern: memory) &+ 15) & ~15 &+ 6400 &* UInt(number)
        }
    }

    private func word(_ offset: UInt) -> Register { Register(start &+ offset) }

    /// Gives the device a buffer, from its third byte on.
    mutating func offer(_ index: Int, count: UInt32, isWritten: Bool) {
        let descriptor = 16 &* UInt(index)
        word(descriptor).value = UInt32(truncatingIfNeeded: buffer(index)) &+ 2
        word(descriptor &+ 8).value = count
        word(descriptor &+ 12).value = isWritten ? 2 : 0
        // Two entries of the ring in a word, behind the word with their count.
        let slot = offered & 3
        let entry = word(68 &+ UInt(slot & 2) &* 2)
        let shift = 16 &* (slot & 1)
        entry.value = entry.value & ~(0xFFFF &<< shift) | UInt32(truncatingIfNeeded: index) &<< shift
        offered &+= 1
        riscvFence()
        word(64).value = offered &<< 16
        riscvFence()
    }

    /// The next buffer that the device is through with, and how many bytes it wrote; nil when there is none.
    mutating func take() -> (index: Int, count: Int)? {
        guard word(80).value &>> 16 != taken & 0xFFFF else { return nil }
        riscvFence()
        let entry = 84 &+ 8 &* UInt(taken & 3)
        taken &+= 1
        return (Int(truncatingIfNeeded: word(entry).value & 3), Int(truncatingIfNeeded: word(entry &+ 4).value))
    }
}

nonisolated(unsafe) private var memory = InlineArray<3_204, UInt32>(repeating: 0)
