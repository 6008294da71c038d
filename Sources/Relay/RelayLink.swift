import Board
import Bytes
import DeviceCrypto

/// One side of the line between a device and its station, as a state machine: it is given bytes and time, and says what to
/// send. It does no input or output. Docs/Relay.md has the protocol and the tables of states.
///
/// Either side has one frame under way. It is sent again until it is acknowledged; one that never is ends the session.
/// A frame that was received is handed out once, and in order. Both sides' session values enter every checksum, so that
/// no frame of a session that is over is taken for one of this.
public struct RelayLink: ~Copyable {
    public enum Side: Sendable {
        case device, station
    }

    /// What came over the line that was of no use, and how often it had to be used again. They wrap.
    public struct Counts: Equatable, Sendable {
        /// Pieces between two zeros that were no frame: damaged, cut off, of another session, or no frame at all; and all of
        /// their bytes.
        public var damaged: UInt32 = 0
        public var damagedBytes: UInt32 = 0
        /// Frames that came again.
        public var duplicates: UInt32 = 0
        /// Greetings that do not answer this station: several are of a device that hears nothing.
        public var unasked: UInt32 = 0
        /// Frames of the far side that it had to wait with, or has no business to send.
        public var excess: UInt32 = 0
        /// Frames that were sent again.
        public var repeats: UInt32 = 0
        /// Sessions that ended because a frame was never acknowledged.
        public var losses: UInt32 = 0

        public init() {}
    }

    /// Milliseconds after which a frame is sent again that was not acknowledged.
    public static var repeatInterval: UInt64 { 500 }
    /// Milliseconds between two greetings, as long as nobody answers.
    public static var greetingInterval: UInt64 { 1000 }
    /// Milliseconds after which a device gives a frame up.
    public static var patience: UInt64 { 10 &* repeatInterval }

    private let inPlace = InPlace()
    let side: Side

    /// Session values.
    var own: UInt64
    var far: UInt64 = 0
    /// CRC-32 of both, the device's first.
    var key: UInt32 = 0
    /// Whether there is a session: frames can be sent.
    public internal(set) var isUp = false
    /// How many sessions have ended, or never came to be; it wraps.
    public internal(set) var sessionsEnded: UInt32 = 0
    /// Of the greeting that came last; 0 before.
    public internal(set) var farVersion: UInt8 = 0

    /// The frame under way, and the number of the frame that was begun last.
    var outgoing: RelayFrame?
    var sent: UInt8 = 0
    var tries: UInt8 = 0
    /// When to send it, or a greeting, again.
    var repeatDue: UInt64 = 0
    var mustGreet = false

    /// The number of the frame that was handed out last.
    var received: UInt8 = 0
    /// What is acknowledged next.
    var acknowledgement: UInt8?
    /// Whether that waits until the frame under way has arrived.
    var isDeferred = false
    /// Whether the far side cannot know yet that a frame was taken, so that no other can be under way.
    var isAnswerDue = false

    var decoder = COBS.Decoder()
    /// Bytes since the last zero.
    var rawCount = 0
    /// Where the frame begins that is being received, and how many bytes of it there are; more than there is space for, if it is
    /// too long.
    var start = 0
    var count = 0
    /// Where the payload stands of the frame that was handed out last.
    var payloadRange = 0..<0
    /// What of the last DATA was not taken.
    var unread = 0..<0
    public internal(set) var counts = Counts()

    var serialCount = 0
    var serial = InlineArray<64, UInt8>(repeating: 0)
    /// The longest frame, and behind it space for those that have to be understood while its payload waits to be taken.
    var buffer = InlineArray<256, UInt8>(repeating: 0)

    /// - Parameters:
    ///   - session: another one at each start, best a random one; a station's is not 0.
    ///   - serial: of the device, printable ASCII, 1 to 64 bytes; what is longer is cut off. A station's is empty.
    public init(_ side: Side, session: UInt64, serial: Span<UInt8> = Span()) {
        self.side = side
        own = side == .station && session == 0 ? 1 : session
        serialCount = min(serial.count, RelayFrame.serialCapacity)
        for index in 0..<serialCount { self.serial[index] = serial[index] }
    }

    /// Ends the session, if there is one, for another that the far side cannot have seen anything of.
    ///
    /// - Parameter session: this side's value from now on; nil: the one that follows.
    public mutating func restart(at now: UInt64, as session: UInt64? = nil) {
        end()
        own = session ?? own &+ 1
        if side == .station, own == 0 { own = 1 }
        agree()
        repeatDue = now
    }

    /// Forgets the session.
    mutating func end() {
        (isUp, outgoing, acknowledgement, isDeferred) = (false, nil, nil, false)
        (sent, received) = (0, 0)
        unread = 0..<0
        sessionsEnded &+= 1
    }

    /// Makes the key of both sides' values.
    mutating func agree() {
        var values = InlineArray<16, UInt8>(repeating: 0)
        var bytes = values.mutableSpan
        storeWord(side == .device ? own : far, at: 0, in: &bytes)
        storeWord(side == .device ? far : own, at: 8, in: &bytes)
        key = crc32(bytes.span)
    }

    /// The number of the frame behind the one with this number. 0 is the greeting's.
    static func number(after number: UInt8) -> UInt8 { number == 255 ? 1 : number &+ 1 }
}

/// The eight bytes at an offset, little-endian.
func word(_ bytes: Span<UInt8>, at offset: Int) -> UInt64 {
    widened(littleEndian(bytes, at: offset &+ 4)) &<< 32 | widened(littleEndian(bytes, at: offset))
}

func storeWord(_ value: UInt64, at offset: Int, in bytes: inout MutableSpan<UInt8>) {
    storeLittleEndian(UInt32(truncatingIfNeeded: value), at: offset, in: &bytes)
    storeLittleEndian(UInt32(truncatingIfNeeded: value &>> 32), at: offset &+ 4, in: &bytes)
}
