/// What a pkiMessage is (RFC 8894, 3.2.1.2).
public enum MessageType: UInt8, Sendable {
    case certRep = 3
    case renewalReq = 17
    case pkcsReq = 19
    case certPoll = 20
    case getCert = 21
    case getCRL = 22
}

/// Why a CA refused a request (RFC 8894, 3.2.1.4). The raw value is the number on the wire plus one.
public enum FailInfo: UInt8, Equatable, Sendable {
    case badAlg = 1
    case badMessageCheck
    case badRequest
    case badTime
    case badCertId
}
