import Board

/// A bank of flash that is on the processor's own bus.
public struct MemoryBus: FlashBus {
    private let start: UInt

    /// - Parameter start: the address of the bank.
    public init(_ start: UInt) { self.start = start }

    public func read(at offset: Int) -> UInt32 { Register(start &+ UInt(bitPattern: offset)).value }

    public func write(at offset: Int, _ word: UInt32) { Register(start &+ UInt(bitPattern: offset)).value = word }
}
