/// What a pkiMessage is (RFC 8894, 3.2.1.2).
public enum MessageType: UInt8, Sendable {
    case certRep = 3
    case renewalReq = 17
    case pkcsReq = 19
    case certPoll = 20
    case getCert = 21
    case getCRL = 22
}
