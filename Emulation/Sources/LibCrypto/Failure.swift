import COpenSSL

/// What libcrypto said when a call failed.
public struct LibCryptoError: Error, CustomStringConvertible, Equatable {
    /// What was being done, then OpenSSL's own reasons, oldest first.
    public let description: String

    /// Takes the calling thread's queue of OpenSSL errors, and empties it.
    public init(_ action: String) {
        var reasons: [String] = []
        while true {
            let code = ERR_get_error()
            guard code != 0 else { break }
            if let reason = ERR_reason_error_string(code) { reasons.append(String(cString: reason)) }
        }
        description = reasons.isEmpty ? action : "\(action): \(reasons.joined(separator: ", "))"
    }
}
