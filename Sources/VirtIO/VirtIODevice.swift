import BareMetal

/// A device on virtio's memory-mapped bus (Virtual I/O Device Version 1.1, 4.2), polled.
public struct VirtIODevice {
    private let start: UInt

    /// What kind a device is (section 5).
    public enum Kind: UInt32 {
        case network = 1
        case entropy = 4
    }

    /// The last device of that kind in a row of slots; nil where there is none.
    ///
    /// - Parameters:
    ///   - first: the address of the first slot.
    ///   - distance: from one slot to the next, in bytes.
    public init?(_ kind: Kind, first: UInt, distance: UInt, slots: Int) {
        var found: UInt?
        for slot in 0..<slots {
            let start = first &+ distance &* UInt(slot)
            // "virt", and the version that is no draft.
            guard Register(start).value == 0x7472_6976, Register(start &+ 4).value == 2 else { continue }
            if Register(start &+ 8).value == kind.rawValue { found = start }
        }
        guard let found else { return nil }
        start = found
    }

    private func register(_ offset: UInt) -> Register { Register(start &+ offset) }
    private var status: Register { register(0x70) }

    /// A byte of the device's own configuration.
    public func configuration(byte: Int) -> UInt8 { ByteRegister(start &+ 0x100 &+ UInt(byte)).value }

    /// Resets it and agrees on what it does: VERSION_1, of the features 0 to 31 those of `features`, and no other.
    public func begin(features: UInt32) {
        status.value = 0
        // ACKNOWLEDGE, DRIVER.
        status.value = 3
        register(0x24).value = 1
        register(0x20).value = 1
        register(0x24).value = 0
        register(0x20).value = features
        // FEATURES_OK.
        status.value = 11
    }

    public func announce(_ queue: Queue) {
        register(0x30).value = queue.number
        register(0x38).value = UInt32(Queue.size)
        register(0x80).value = queue.descriptors
        register(0x90).value = queue.available
        register(0xA0).value = queue.used
        register(0x44).value = 1
    }

    /// DRIVER_OK: it takes what it is offered from here on.
    public func run() { status.value = 15 }

    /// Has it look at what it was offered.
    public func notify(_ queue: Queue) { register(0x50).value = queue.number }
}
