import CLwIP

/// The Ethernet controller (LM3S6965 datasheet, chapter 15), polled.
///
/// Its receive FIFO gives two bytes of length in front of each frame, and its transmit FIFO takes two: lwIP keeps
/// space for them (ETH_PAD_SIZE), so that frames move word by word between FIFO and lwIP's buffers with no copy.
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

    static func start(_ address: InlineArray<6, UInt8>) {
        // The LEDs of the socket, on PF2 and PF3.
        portFAlternate.value |= 0b1100
        portFDigital.value |= 0b1100
        interruptMask.value = 0
        interruptStatus.value = interruptStatus.value
        receiveControl.value = resetFIFO
        receiveControl.value = rejectBadCRC
        address0.value =
            UInt32(address[0]) | UInt32(address[1]) << 8 | UInt32(address[2]) << 16 | UInt32(address[3]) << 24
        address1.value = UInt32(address[4]) | UInt32(address[5]) << 8
        // Send only when asked to, not at a fill level.
        threshold.value = 0x3F
        // Full duplex; checksum and padding by the controller.
        transmitControl.value = 1 << 4 | 1 << 2 | 1 << 1 | 1
        receiveControl.value = rejectBadCRC | receiveEnable
    }

    /// Takes the next frame out of the FIFO; nil when there is none.
    ///
    /// The caller owns the chain. A frame for which there is no buffer is dropped, as a network may drop any.
    static func receive() -> UnsafeMutablePointer<pbuf>? {
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
            let words = (length &+ 3) >> 2
            // The two bytes of length take the place of lwIP's padding.
            let chain = unsafe pbuf_alloc(PBUF_RAW, u16_t(length &- 4), PBUF_POOL)
            var taken = 1
            var word = first
            var next = unsafe chain
            while let buffer = unsafe next {
                // Buffers of the pool are whole words long, so the last word of a frame may be written in full.
                let target = unsafe buffer.pointee.payload.assumingMemoryBound(to: UInt32.self)
                for index in 0..<(Int(unsafe buffer.pointee.len) &+ 3) >> 2 {
                    unsafe target[index] = word
                    if taken < words {
                        word = data.value
                        taken &+= 1
                    }
                }
                unsafe next = buffer.pointee.next
            }
            while taken < words {
                _ = data.value
                taken &+= 1
            }
            if unsafe chain != nil { return unsafe chain }
        }
        return nil
    }

    /// Sends a frame that has two bytes of padding in front.
    static func send(_ frame: UnsafeMutablePointer<pbuf>) -> err_t {
        // The frame before this one leaves at 10 Mbit/s or more: 1.3 ms.
        guard transmission.wait(turns: 100_000, until: { $0 & 1 == 0 }) else { return err_t(ERR_TIMEOUT.rawValue) }
        // The length counts neither itself nor the header of the frame.
        let length = unsafe frame.pointee.tot_len &- 16
        var word: UInt32 = 0
        var filled: UInt32 = 0
        var position = 0
        var next: UnsafeMutablePointer<pbuf>? = unsafe frame
        while let buffer = unsafe next {
            let bytes = unsafe buffer.pointee.payload.assumingMemoryBound(to: UInt8.self)
            for index in 0..<Int(unsafe buffer.pointee.len) {
                var byte = unsafe bytes[index]
                if position == 0 { byte = UInt8(truncatingIfNeeded: length) }
                if position == 1 { byte = UInt8(truncatingIfNeeded: length &>> 8) }
                position &+= 1
                word |= UInt32(byte) &<< filled
                filled &+= 8
                if filled == 32 {
                    data.value = word
                    word = 0
                    filled = 0
                }
            }
            unsafe next = buffer.pointee.next
        }
        if filled > 0 { data.value = word }
        transmission.value = 1
        return err_t(ERR_OK.rawValue)
    }
}
