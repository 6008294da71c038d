import Board
import DER
import DeviceCrypto
import PKIX
import SCEP

/// What was expected and what came where no certificate of the CA's has a configured fingerprint. Neither is a secret.
public struct FingerprintMismatch: Equatable, Sendable {
    /// The first that is configured.
    public let expected: Digest
    /// How many others are.
    public let others: Int
    /// Of the first certificate that came, by the same algorithm.
    public let came: Digest
}

extension Agent where Key: ~Copyable {
    /// What stands behind a `fingerprint-mismatch`, if that is what failed.
    public func fingerprintMismatch(_ configuration: borrowing Configuration) -> FingerprintMismatch? {
        guard case .scep(_, .fingerprintMismatch, _)? = failure, let came = unknownCA,
            let fingerprints = Fingerprints(configuration.fingerprint)
        else { return nil }
        var position = 0
        guard let expected = fingerprints.next(&position), expected.algorithm == came.algorithm else { return nil }
        var others = 0
        while fingerprints.next(&position) != nil { others &+= 1 }
        return FingerprintMismatch(expected: expected, others: others, came: came)
    }

    /// Keeps what is known of a CA that has no configured fingerprint.
    ///
    /// - Parameter certificates: where its certificates stand in `work`.
    @inline(never)
    mutating func noteUnknownCA(
        _ certificates: Range<Int>, _ fingerprints: borrowing Fingerprints, _ work: Span<UInt8>
    ) {
        var position = 0
        guard let expected = fingerprints.next(&position) else { return }
        var reader = DERReader(work, in: certificates)
        guard let first = try? reader.read() else { return }
        unknownCA = Hash.digest(expected.algorithm, of: first.encoding)
    }
}

extension Line {
    /// Appends `fingerprint SHA-256: … was expected, … came`.
    public mutating func append(_ mismatch: FingerprintMismatch) {
        append("fingerprint SHA-")
        append(mismatch.expected.algorithm == .sha256 ? "256: " : "512: ")
        append(hex: mismatch.expected.bytes)
        if mismatch.others > 0 {
            append(" or one of ")
            append(decimal: mismatch.others)
            append(" more")
        }
        append(" was expected, ")
        append(hex: mismatch.came.bytes)
        append(" came")
    }
}
