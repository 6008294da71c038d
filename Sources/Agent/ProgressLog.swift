import Board
import Bytes
import DeviceCrypto
import SCEP

/// What a device is doing, or what was done that is less than perfect, for a person.
public enum Step: Equatable, Sendable {
    case exchange(Operation)
    case makingKey(KeyAlgorithm)
    case storing
    case waiting(Wait, milliseconds: UInt64)
    case warning(Warning)
}

public enum Warning: UInt8, Equatable, Sendable {
    case sha1 = 1
    case tripleDES
    case des
    case unmarkedRA
    case caWithoutKeyUsage
    case passwordEncryption
    case textBody
    case contentType
    case signatureName
    case cannotRenew
    case clockIsBehind
    case timeWasUnknown
}

extension Line {
    /// Appends what a person is told of a step. Docs/Manufacture.md says what programs may rely on.
    public mutating func append(_ step: Step) {
        switch step {
        case .exchange(let operation): append(operation.purpose)
        case .makingKey(let algorithm):
            append("making a key: ")
            switch algorithm {
            case .rsa(let bits):
                append("RSA-")
                append(decimal: bits)
            case .p256: append("P-256")
            case .p384: append("P-384")
            }
        case .storing: append("writing to storage")
        case .waiting(let wait, let milliseconds):
            append(wait.reason)
            // Rounded up: a wait of half a second is not one of none. 2^22 seconds are 48 days, and no wait is longer.
            append(decimal: (Int(truncatingIfNeeded: milliseconds &>> 3) &+ 124) / 125)
            append(" s")
        case .warning(let warning):
            append("warning: ")
            append(warning.text)
        }
    }
}

extension Operation {
    fileprivate var purpose: Span<UInt8> {
        @_lifetime(immortal)
        get {
            tableRow(
                rawValue &- 1,
                of: """
                    asking the CA what it can do
                    fetching the CA's certificates
                    fetching the next CA's certificates
                    requesting a certificate
                    renewing the certificate
                    asking whether the certificate was approved
                    asking whether the CA has the certificate
                    asking whether the certificate is revoked
                    """)
        }
    }
}

extension Wait {
    fileprivate var reason: StaticString {
        switch self {
        case .poll: "pending: asking again in "
        case .retry: "failed: trying again in "
        case .nextAction: "nothing is due: looking again in "
        }
    }
}

extension Warning {
    fileprivate var text: Span<UInt8> {
        @_lifetime(immortal)
        get {
            tableRow(
                rawValue &- 1,
                of: """
                    SHA-1 was used, as allow=sha1 permits
                    triple DES was used, as allow=3des permits
                    single DES was used, as allow=des permits
                    an RA was trusted that nothing marks as one
                    a CA without key usage was trusted
                    the password encrypted a request
                    a reply was text, or had some behind it, and was read
                    a reply's content is not called data (RFC 8894, 3.2)
                    a signature is named by its key, id-ecPublicKey
                    an EC key is renewed only with challenge-use=always
                    the clock is behind what certificates prove; it was not used
                    the time is not certain, so validity was checked as far as it is
                    """)
        }
    }
}

/// Says what was done that is less than perfect: at a run's end, and before a device that stays on sleeps.
@inline(never)
public func warn<Key: DeviceKey & ~Copyable, let caCapacity: Int, L: AgentLog & ~Copyable>(
    _ agent: borrowing Agent<Key, caCapacity>, _ log: inout L
) {
    let used = agent.policy.used
    if used.contains(.sha1) { log.logStep(.warning(.sha1)) }
    if used.contains(.tripleDES) { log.logStep(.warning(.tripleDES)) }
    if used.contains(.des) { log.logStep(.warning(.des)) }
    if used.contains(.unmarkedRA) { log.logStep(.warning(.unmarkedRA)) }
    if used.contains(.caWithoutKeyUsage) { log.logStep(.warning(.caWithoutKeyUsage)) }
    if used.contains(.passwordEncryption) { log.logStep(.warning(.passwordEncryption)) }
    if Footprint.isUnconstrained {
        if used.contains(.textBody) { log.logStep(.warning(.textBody)) }
        if used.contains(.contentType) { log.logStep(.warning(.contentType)) }
        if used.contains(.signatureName) { log.logStep(.warning(.signatureName)) }
    }
    if agent.cannotRenew { log.logStep(.warning(.cannotRenew)) }
    if agent.clockIsBehind { log.logStep(.warning(.clockIsBehind)) }
    if agent.timeWasUnknown { log.logStep(.warning(.timeWasUnknown)) }
}
