import DeviceCrypto
import Foundation
import Synchronization

/// A generator that gives the same bytes in every run.
public func seededRandom(_ byte: UInt8 = 0x5A) throws -> RandomGenerator {
    var random = RandomGenerator()
    let seed = [UInt8](repeating: byte, count: 48)
    try random.seed(seed.span, personalization: Span())
    return random
}

/// A key of the device's that openssl made, so that openssl can do beside us what we do.
public struct TestKey: Sendable {
    /// PEM.
    public let pem: [UInt8]

    public init(pem: [UInt8]) {
        self.pem = pem
    }

    /// RSA-2048.
    public static var rsa: TestKey {
        get throws { try sharedRSA.get() }
    }

    private static let sharedRSA = Result { TestKey(pem: try OpenSSL.run(["genrsa", "2048"])) }

    /// P-256.
    public static var p256: TestKey {
        get throws { try sharedP256.get() }
    }

    private static let sharedP256 = Result {
        TestKey(pem: try OpenSSL.run(["genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256"]))
    }

    /// The same key in our hands.
    public func rsaPrivateKey() throws -> RSAPrivateKey {
        if let known = Self.exported.withLock({ $0[pem] }) { return try RSAPrivateKey(importing: known.span) }
        var key = try importedRSAKey()
        var bytes = [UInt8](repeating: 0, count: key.exportSize)
        var buffer = bytes.mutableSpan
        _ = try key.export(into: &buffer)
        Self.exported.withLock { $0[pem] = bytes }
        return key
    }

    /// Keys that were imported before: proving them again takes long.
    private static let exported = Mutex<[[UInt8]: [UInt8]]>([:])

    private func importedRSAKey() throws -> RSAPrivateKey {
        let der = try OpenSSL.run(["rsa", "-traditional", "-outform", "DER"], input: pem)
        // RSAPrivateKey (RFC 8017, A.1.2): version, n, e, d, p, q and what follows from them.
        var integers: [[UInt8]] = []
        var rest = der.dropFirst(4)
        while rest.popFirst() == 0x02, var count = rest.popFirst().map(Int.init) {
            if count > 0x80 {
                let octets = rest.prefix(count - 0x80)
                rest = rest.dropFirst(octets.count)
                count = octets.reduce(0) { $0 << 8 | Int($1) }
            }
            integers.append(Array(rest.prefix(count)))
            rest = rest.dropFirst(count)
        }
        let (n, e, d, p, q) = (integers[1], integers[2], integers[3], integers[4], integers[5])
        return try RSAPrivateKey(
            modulus: n.span, publicExponent: e.span, privateExponent: d.span, prime1: p.span, prime2: q.span)
    }

    public func ecPrivateKey(_ curve: Curve) throws -> ECPrivateKey {
        let der = try OpenSSL.run(["ec", "-outform", "DER"], input: pem)
        // ECPrivateKey (RFC 5915): version, then the scalar in an OCTET STRING.
        let start = der.firstRange(of: [0x02, 0x01, 0x01, 0x04, UInt8(curve.fieldSize)])?.upperBound ?? der.count
        let scalar = Array(der[start...].prefix(curve.fieldSize))
        var random = try seededRandom()
        return try ECPrivateKey(curve: curve, privateScalar: scalar.span, random: &random)
    }
}
