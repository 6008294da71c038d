// The names are those of the header.
// swift-format-ignore-file: AlwaysUseLowerCamelCase

import Agent
import Board
import CSCEP
import DER
import DeviceCrypto
import HTTP
import PKIX
import SCEP

extension AgentError {
    /// What a function returns for it.
    var status: scep_status {
        let status =
            switch self {
            case .stillPending: SCEP_PENDING
            // It is as large the next time.
            case .exchange(_, .reply(let error)) where error.kind == .bodyTooLarge: SCEP_REPLY
            case _ where isTemporary: SCEP_AGAIN
            case .provisioning, .configuration, .passwordSpent, .cannotRenew, .passwordNeeded: SCEP_CONFIGURATION
            case .entropy: SCEP_ENTROPY
            case .storage: SCEP_STORAGE
            case .key: SCEP_KEY
            case .exchange, .status: SCEP_NETWORK
            case .scep(_, .refused, _), .revoked: SCEP_REFUSED
            // What was configured cannot be asked for.
            case .scep(_, .request(let error), _) where error.kind == .bufferFull: SCEP_TOO_SMALL
            case .scep(_, .request(let error), _): error.kind.cryptoError != nil ? SCEP_KEY : SCEP_CONFIGURATION
            case .scep(_, .reply(let error), _) where error.kind.cryptoError == .outOfMemory: SCEP_KEY
            case .scep(_, .passwordMissing, _): SCEP_CONFIGURATION
            case .scep: SCEP_REPLY
            }
        return scep_status(status)
    }
}

@c @implementation
public func scep_error(
    _ agent: UnsafePointer<scep_agent>?, _ text: UnsafeMutablePointer<CChar>?, _ size: Int
) -> Int {
    guard let text, size > 0 else { return 0 }
    text[0] = 0
    guard let instance = Instance.find(UnsafeMutablePointer(mutating: agent)) else { return 0 }
    var line = Line()
    if let mistake = instance.pointee.mistake {
        line.append(mistake)
    } else if let failure = instance.pointee.failure {
        let work = Span(_unsafeElements: UnsafeBufferPointer(instance.pointee.work))
        line.append(failure.text(work), work)
        if let configuration = try? Instance.read(Span(_unsafeElements: instance.pointee.text)),
            let mismatch = instance.pointee.agent.fingerprintMismatch(configuration)
        {
            line.append("; ")
            line.append(mismatch)
        }
    }
    let words = line.span
    let count = min(words.count, size &- 1)
    for index in 0..<count { text[index] = CChar(bitPattern: words[index]) }
    text[count] = 0
    return count
}
