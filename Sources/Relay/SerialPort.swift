/// A UART, or whatever carries bytes both ways: USB CDC, RS-485, RTT. 8 data bits, no flow control by XON and XOFF, 9,600 baud
/// or more.
///
/// It has no end and no errors: what a line loses, damages or invents, the relay finds out. A driver with space for 256 bytes
/// received, filled by interrupts or DMA, loses none while the program computes; a smaller one makes it slower.
///
/// Every call waits until it has done something or `deadline` has passed; none waits longer, and one whose deadline has passed
/// does what it can at once. Deadlines are in milliseconds of the same board's ``Board/Clock/uptime``.
public protocol SerialPort: ~Copyable {
    /// Waits for bytes and stores as many as there are, at least one.
    ///
    /// - Returns: how many bytes were stored at the front of `buffer`; 0 when the deadline passed before one came, and for
    ///   no other reason.
    mutating func read(into buffer: inout MutableSpan<UInt8>, deadline: UInt64) -> Int

    /// Hands over bytes to be sent, as many as there is space for, at least one.
    ///
    /// - Returns: how many bytes were taken from the front of `bytes`; 0 when the deadline passed before one was, and for no
    ///   other reason.
    mutating func write(_ bytes: Span<UInt8>, deadline: UInt64) -> Int
}
