/// What comes over the line in answer to one request, and how.
public struct Delivery: Sendable {
    /// What follows the bytes.
    public enum End: Sendable {
        /// The far side ends its stream in order.
        case closed
        /// It breaks the connection off (RST).
        case reset
        /// Nothing more comes, and the connection stays.
        case silence
        /// These bytes, again and again.
        case endless([UInt8])
    }

    public var bytes: [UInt8]
    public var end: End
    /// Milliseconds that pass before all of it.
    public var milliseconds: UInt64
    /// Milliseconds that pass before each byte; 0: all come at once.
    public var millisecondsPerByte: UInt64

    public init(
        _ bytes: [UInt8], end: End = .closed, milliseconds: UInt64 = 0, millisecondsPerByte: UInt64 = 0
    ) {
        self.bytes = bytes
        self.end = end
        self.milliseconds = milliseconds
        self.millisecondsPerByte = millisecondsPerByte
    }
}
