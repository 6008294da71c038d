/// What a station did for a device, or saw it do.
public enum AttemptStep: Sendable, Equatable, Codable {
    /// The key is there. `isHere`: this station made it, and holds it until it is delivered.
    case key(publicKey: String, isHere: Bool)
    /// About to send this transaction's request: recorded before it goes out.
    case requested(transactionID: String)
    case pending
    case issued(IssuedRecord)
    /// The image, or the certificate, was handed over.
    case delivered(to: String)
    /// The device has this certificate: read back from it, or named by its event line. `by`: how, and by whom, for people.
    case verified(fingerprint: String, by: String)
    case failed(FailureCause)

    var state: AttemptState {
        switch self {
        case .key: .key
        case .requested: .requested
        case .pending: .pending
        case .issued: .issued
        case .delivered: .delivered
        case .verified: .verified
        case .failed: .failed
        }
    }
}

/// A certificate as the ledger keeps it.
public struct IssuedRecord: Sendable, Equatable, Codable {
    /// SHA-256 of ``der``, lower-case hexadecimal.
    public let fingerprint: String
    /// Hexadecimal, as `openssl` shows it.
    public let serialNumber: String
    public let subject: String
    public let issuer: String
    /// Seconds since 1970.
    public let notBefore: Int
    public let notAfter: Int
    /// Base64.
    public let der: String

    public init(
        fingerprint: String, serialNumber: String, subject: String, issuer: String, notBefore: Int, notAfter: Int,
        der: String
    ) {
        self.fingerprint = fingerprint
        self.serialNumber = serialNumber
        self.subject = subject
        self.issuer = issuer
        self.notBefore = notBefore
        self.notAfter = notAfter
        self.der = der
    }
}

/// Why progress was not recorded.
public enum StepError: Error, Equatable {
    /// Another station, or port, has the device now.
    case lost(Attempt)
    /// The attempt is in a state that this does not follow.
    case outOfOrder(Attempt, AttemptState)
    /// The client began anew, where the CA may have issued a certificate in the transaction before.
    case otherTransaction(begun: String, now: String)
    /// The device names another certificate than the one that was issued to it.
    case otherCertificate(expected: String, found: String)
    /// The device has a live certificate already, with this fingerprint, and here is another.
    case secondCertificate(live: String, other: IssuedRecord)
    /// This certificate is recorded for another device.
    case certificateOfOther(serial: String)
}

extension StepError: CustomStringConvertible {
    public var description: String {
        switch self {
        case .lost(let attempt):
            "\(attempt.serial) was taken over by \(attempt.station)\(attempt.port.map { ", port \($0)" } ?? "")"
        case .outOfOrder(let attempt, let state):
            "\(attempt.serial) is \(attempt.state.rawValue), and cannot become \(state.rawValue) from there"
        case .otherTransaction(let begun, let now):
            "the client began transaction \(now), and may have got a certificate in \(begun): rework the device"
        case .otherCertificate(let expected, let found):
            "the device has the certificate with fingerprint \(found), and the one that was issued to it has \(expected)"
        case .secondCertificate(let live, let other):
            "the CA has issued another certificate, serial number \(other.serialNumber), fingerprint \(other.fingerprint), beside the live one with fingerprint \(live): "
                + "have the CA revoke the one that the device does not have, and rework the device"
        case .certificateOfOther(let serial): "that certificate is the one of \(serial)"
        }
    }
}
