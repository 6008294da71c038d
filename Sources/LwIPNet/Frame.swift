import CLwIP

/// lwIP's buffers for one Ethernet frame with two bytes of padding in front. Drivers of controllers whose FIFOs hold words move
/// it by these, with no copy.
public typealias Frame = UnsafeMutablePointer<pbuf>

extension UnsafeMutablePointer where Pointee == pbuf {
    /// Takes a frame out of a FIFO, whose words begin with the padding.
    ///
    /// - Parameters:
    ///   - count: bytes of the frame and its padding.
    ///   - words: words to take, more than that where a checksum follows.
    ///   - first: the first of them.
    ///   - next: gives the others.
    /// - Returns: nil where lwIP has no buffer; the words are taken all the same.
    public static func take(count: Int, words: Int, first: UInt32, next word: () -> UInt32) -> Frame? {
        let chain = unsafe pbuf_alloc(PBUF_RAW, u16_t(count), PBUF_POOL)
        var taken = 1
        var last = first
        var next = unsafe chain
        while let buffer = unsafe next {
            // Buffers of the pool are whole words long, so the last word of a frame may be written in full.
            let target = unsafe buffer.pointee.payload.assumingMemoryBound(to: UInt32.self)
            for index in 0..<(Int(unsafe buffer.pointee.len) &+ 3) >> 2 {
                unsafe target[index] = last
                if taken < words {
                    last = word()
                    taken &+= 1
                }
            }
            unsafe next = buffer.pointee.next
        }
        while taken < words {
            _ = word()
            taken &+= 1
        }
        return unsafe chain
    }

    /// Bytes of the frame and its padding.
    public var count: Int { Int(unsafe pointee.tot_len) }

    /// Puts something into the padding, the low byte in front.
    public func setPadding(_ value: UInt16) {
        let bytes = unsafe pointee.payload.assumingMemoryBound(to: UInt8.self)
        unsafe bytes[0] = UInt8(truncatingIfNeeded: value)
        unsafe bytes[1] = UInt8(truncatingIfNeeded: value &>> 8)
    }

    /// Gives the frame to a FIFO word by word, the padding first.
    public func forEachWord(_ body: (UInt32) -> Void) {
        var word: UInt32 = 0
        var filled: UInt32 = 0
        var next: Frame? = unsafe self
        while let buffer = unsafe next {
            let bytes = unsafe buffer.pointee.payload.assumingMemoryBound(to: UInt8.self)
            for index in 0..<Int(unsafe buffer.pointee.len) {
                word |= UInt32(unsafe bytes[index]) &<< filled
                filled &+= 8
                if filled == 32 {
                    body(word)
                    word = 0
                    filled = 0
                }
            }
            unsafe next = buffer.pointee.next
        }
        if filled > 0 { body(word) }
    }
}
