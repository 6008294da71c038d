import DeviceCrypto
import Synchronization
import TestSupport

/// Keys that were imported before: proving them again takes long.
private let exportedKeys = Mutex<[[UInt8]: [UInt8]]>([:])

extension TestKey {
    /// The same key in our hands.
    public func rsaPrivateKey() throws -> RSAPrivateKey {
        if let known = exportedKeys.withLock({ $0[pem] }) { return try RSAPrivateKey(importing: known.span) }
        var key = try importedRSAKey()
        var bytes = [UInt8](repeating: 0, count: key.exportSize)
        var buffer = bytes.mutableSpan
        _ = try key.export(into: &buffer)
        exportedKeys.withLock { $0[pem] = bytes }
        return key
    }

    private func importedRSAKey() throws -> RSAPrivateKey {
        let der = try OpenSSL.run(["rsa", "-traditional", "-outform", "DER"], input: pem)
        // RSAPrivateKey (RFC 8017, A.1.2): version, n, e, d, p, q and what follows from them.
        let integers = elements(in: elements(in: der)[0].content).map(\.content)
        let (n, e, d, p, q) = (integers[1], integers[2], integers[3], integers[4], integers[5])
        return try RSAPrivateKey(
            modulus: n.span, publicExponent: e.span, privateExponent: d.span, prime1: p.span, prime2: q.span)
    }

    public func ecPrivateKey(_ curve: Curve) throws -> ECPrivateKey {
        let der = try OpenSSL.run(["ec", "-outform", "DER"], input: pem)
        // ECPrivateKey (RFC 5915): version, then the scalar in an OCTET STRING.
        let scalar = elements(in: elements(in: der)[0].content)[1].content
        var random = try seededRandom()
        return try ECPrivateKey(curve: curve, privateScalar: scalar.span, random: &random)
    }
}
