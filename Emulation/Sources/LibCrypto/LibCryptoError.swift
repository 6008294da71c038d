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

/// `pointer`, or an error that says what was being done.
func made<Pointer>(_ pointer: Pointer?, _ action: String) throws(LibCryptoError) -> Pointer {
    guard let pointer else { throw LibCryptoError(action) }
    return pointer
}

/// Throws unless `status` is OpenSSL's success, a number above 0.
func check(_ status: Int32, _ action: String) throws(LibCryptoError) {
    guard status > 0 else { throw LibCryptoError(action) }
}
