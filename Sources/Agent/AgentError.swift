import Board
import DeviceCrypto
import SCEP

/// What a device asks of a CA.
public enum Operation: UInt8, Equatable, Sendable {
    case getCACaps = 1
    case getCACert
    case pkcsReq
    case certPoll
}

/// Why a device has no certificate. Ranges lie in the work buffer: words of the far side, any bytes.
public enum AgentError: Error, Equatable, Sendable {
    case provisioning(ProvisioningError)
    case configuration(ConfigurationError)
    case entropy(EntropyError)
    case storage(StorageError)
    /// The key could not be made.
    case key(CryptoError)
    /// The CA could not be asked, or gave no reply.
    case exchange(Operation, ExchangeError)
    /// The server answered with an HTTP status that is not success, and with no SCEP message.
    case status(Operation, UInt16, text: Range<Int>)
    /// The reply is not what it has to be, or it is a refusal with this failInfoText.
    case scep(Operation, SCEPError, text: Range<Int>)
    /// The CA was asked as often as was configured, and has not decided.
    case stillPending
}
