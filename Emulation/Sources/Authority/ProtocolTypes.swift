/// The operations of RFC 8894, section 4, by their names on the wire.
public enum CAOperation: String, CaseIterable, Sendable {
    case getCACaps = "GetCACaps"
    case getCACert = "GetCACert"
    case getNextCACert = "GetNextCACert"
    case pkiOperation = "PKIOperation"

    /// The names differ in case between clients.
    init?(name: String) {
        guard let match = Self.allCases.first(where: { $0.rawValue.lowercased() == name.lowercased() }) else {
            return nil
        }
        self = match
    }
}

/// messageType (RFC 8894, section 3.2.1.2).
public enum CAMessageType: Int, CaseIterable, Sendable, Codable {
    case certRep = 3
    case renewalReq = 17
    case pkcsReq = 19
    case certPoll = 20
    case getCert = 21
    case getCRL = 22

    public var name: String {
        switch self {
        case .certRep: "CertRep"
        case .renewalReq: "RenewalReq"
        case .pkcsReq: "PKCSReq"
        case .certPoll: "CertPoll"
        case .getCert: "GetCert"
        case .getCRL: "GetCRL"
        }
    }
}

/// pkiStatus (RFC 8894, section 3.2.1.3).
public enum PKIStatus: Int, Sendable {
    case success = 0
    case failure = 2
    case pending = 3
}

/// failInfo (RFC 8894, section 3.2.1.4).
public enum FailInfo: Int, CaseIterable, Sendable, Codable {
    case badAlg = 0
    case badMessageCheck = 1
    case badRequest = 2
    case badTime = 3
    case badCertId = 4

    public var name: String {
        switch self {
        case .badAlg: "badAlg"
        case .badMessageCheck: "badMessageCheck"
        case .badRequest: "badRequest"
        case .badTime: "badTime"
        case .badCertId: "badCertId"
        }
    }
}

/// The object identifiers of RFC 8894, section 3.2.1.
public enum AttributeIdentifier {
    public static let messageType = "2.16.840.1.113733.1.9.2"
    public static let pkiStatus = "2.16.840.1.113733.1.9.3"
    public static let failInfo = "2.16.840.1.113733.1.9.4"
    public static let senderNonce = "2.16.840.1.113733.1.9.5"
    public static let recipientNonce = "2.16.840.1.113733.1.9.6"
    public static let transactionID = "2.16.840.1.113733.1.9.7"
    public static let failInfoText = "1.3.6.1.5.5.7.24.1"
}

/// A request that is answered with FAILURE.
public struct Refusal: Error, Sendable, Codable, Equatable {
    public var failInfo: FailInfo
    /// failInfoText: a sentence for people.
    public var text: String

    public init(_ failInfo: FailInfo, _ text: String) {
        self.failInfo = failInfo
        self.text = text
    }
}
