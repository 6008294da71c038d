import COpenSSL
import PKIX
import SCEP

/// A chain up to a root that is pinned, as both sides check it.
struct Chain: Sendable {
    /// In DER; the authorities between, in any order.
    let target: [UInt8]
    let others: [[UInt8]]
    let root: [UInt8]
    /// Seconds since 1970.
    let time: Int64

    /// Whether the target is trusted with the root pinned: as a CA's, or else as a registration authority's, since those
    /// are all that a device trusts; nil for both counts of leniency that takes what says nothing of itself.
    ///
    /// - Returns: the word for why not; nil if it is.
    func ourRefusal() -> String? {
        // The target in front: of those that are passed over, not all are told.
        let bytes = target + others.flatMap { $0 } + root
        var digest = Digest256.hex(root)
        var policy = Policy(allowsUnmarkedRA: true, allowsCAWithoutKeyUsage: true)
        var kept = [UInt8](repeating: 0, count: bytes.count)
        do throws(SCEPError) {
            let accepted: Accepted
            do {
                var buffer = kept.mutableSpan
                guard let pins = Fingerprints(digest.span) else { return "fingerprint" }
                accepted = try GetCACert.accept(
                    bytes.span, certificates: 0..<bytes.count, fingerprints: pins, policy: &policy,
                    moment: .exact(time), into: &buffer)
            }
            digest = []
            for index in 0..<accepted.passedOver.count where accepted.passedOver[index].certificate.lowerBound == 0 {
                return "\(accepted.passedOver[index].reason)".prefix { $0 != "(" }.description
            }
            return nil
        } catch {
            return "\(error)".prefix { $0 != "(" }.description
        }
    }

    /// What OpenSSL says against the chain; nil if nothing.
    func theirRefusal() -> String? {
        defer { ERR_clear_error() }
        func read(_ der: [UInt8]) -> OpaquePointer? {
            try? OpenSSLReader.read(der, free: X509_free) { d2i_X509(nil, $0, $1) }
        }
        guard let leaf = read(target), let anchor = read(root) else { return "unreadable" }
        defer {
            X509_free(leaf)
            X509_free(anchor)
        }
        let store = X509_STORE_new()
        let context = X509_STORE_CTX_new()
        let stack = OPENSSL_sk_new_null()
        let pointers = others.compactMap(read)
        defer {
            X509_STORE_CTX_free(context)
            X509_STORE_free(store)
            OPENSSL_sk_free(stack)
            for pointer in pointers { X509_free(pointer) }
        }
        X509_STORE_add_cert(store, anchor)
        for pointer in pointers { OPENSSL_sk_push(stack, UnsafeRawPointer(pointer)) }
        guard X509_STORE_CTX_init(context, store, leaf, stack) == 1 else { return "no context" }
        X509_VERIFY_PARAM_set_time(X509_STORE_CTX_get0_param(context), time_t(time))
        if X509_verify_cert(context) == 1 { return nil }
        return String(cString: X509_verify_cert_error_string(Int(X509_STORE_CTX_get_error(context))))
    }
}

/// The text of a SHA-256 fingerprint.
private enum Digest256 {
    static func hex(_ bytes: [UInt8]) -> [UInt8] {
        var digest = [UInt8](repeating: 0, count: 32)
        SHA256(bytes, bytes.count, &digest)
        return Array(OracleTests.hex(digest).utf8)
    }
}
