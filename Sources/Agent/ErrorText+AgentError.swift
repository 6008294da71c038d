import Board
import DeviceCrypto
import HTTP
import PKIX
import SCEP

extension AgentError {
    /// What there is to say of it.
    ///
    /// - Parameter work: the work buffer, in which the far side's words stand.
    public func text(_ work: Span<UInt8>) -> ErrorText {
        switch self {
        case .provisioning(.absent): return ErrorText(.notProvisioned)
        case .provisioning(.corrupt): return ErrorText(.recordCorrupt)
        case .provisioning(.tooLong(let size, let capacity)):
            return ErrorText(.recordTooLong, needs: Int(size), has: Int(capacity))
        case .provisioning(.storage(let error)), .storage(let error): return ErrorText(error.cause)
        case .configuration(let error):
            var text = ErrorText(error.cause)
            text.number = error.line
            if let name = error.name { text.detail = .name(name) }
            return text
        case .entropy(.notProvisioned): return ErrorText(.noSeed)
        case .entropy(.failed): return ErrorText(.noEntropy)
        case .key(.unsupported): return ErrorText(.keyUnsupported)
        case .key(.outOfMemory): return .outOfMemory
        case .key(let error):
            var text = ErrorText(.keyFailed)
            text.number = Int(error.rawValue)
            return text
        case .exchange(let operation, let error): return ErrorText(error, operation, work.count)
        case .status(let operation, let status, let words):
            var text = ErrorText(.httpStatus)
            text.operation = operation
            text.number = Int(status)
            text.cure = operation.cure(of: status, isPage: isWebPage(work, words))
            text.quoted = words
            return text
        case .scep(let operation, let error, let words): return ErrorText(error, operation, work, words)
        case .passwordSpent: return ErrorText(.passwordSpent)
        case .cannotRenew: return ErrorText(.cannotRenew)
        case .passwordNeeded: return ErrorText(.passwordNeeded)
        case .revoked: return ErrorText(.revoked)
        case .stillPending: return ErrorText(.stillPending)
        }
    }
}

extension ConfigurationError {
    fileprivate var cause: Cause {
        switch kind {
        case .unknownName: .configurationUnknownName
        case .duplicate: .configurationDuplicate
        case .badValue: .configurationBadValue
        case .missing: .configurationMissing
        }
    }
}

extension StorageError {
    fileprivate var cause: Cause {
        switch self {
        case .full: .storageFull
        case .corrupt: .storageCorrupt
        case .failed, .powerLost: .storageFailed
        case .unknownVersion: .storageUnknown
        case .exposed: .storageExposed
        case .outOfRange, .notErased: .storageMisused
        }
    }
}
