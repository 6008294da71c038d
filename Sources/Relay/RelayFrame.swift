/// What a frame is; Docs/Relay.md gives its bytes. A kind that both sides send is the question of one and the answer of
/// the other, or the same from either; on the line the station's have 0x80 added.
public enum RelayFrame: UInt8, Equatable, Sendable {
    /// HELLO of the device, WHO of the station.
    case greeting = 1
    /// ACK: the frame with this sequence number is there.
    case acknowledgement
    /// OPEN of the device, OPENED of the station.
    case open
    case data
    case close
    /// A part of a console line of the device.
    case line
    /// READ of the station, CERTIFICATE of the device: a part of it.
    case certificate
    /// The station wants the device to go on with its run.
    case run
    /// The station wants nothing more.
    case done

    /// Of the protocol.
    public static var version: UInt8 { 1 }
    /// Bytes of a frame's payload at most. Of a line and a certificate a shorter one is the last part.
    public static var payloadCapacity: Int { 240 }
    /// Bytes of a whole frame on the line at most.
    public static var capacity: Int { payloadCapacity &+ overhead &+ 3 }
    /// Bytes of a device's serial number at most.
    public static var serialCapacity: Int { 64 }

    static var ofStation: UInt8 { 0x80 }
    /// Type, sequence number and CRC-32.
    static var overhead: Int { 6 }

    func isSent(by side: RelayLink.Side) -> Bool {
        switch self {
        case .line: side == .device
        case .run, .done: side == .station
        default: true
        }
    }
}
