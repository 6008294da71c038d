import DER
import DeviceCrypto
import Output
import PKIX
import SCEP

/// The certificates above one.
struct IssuingPath {
    /// From the one that issued the certificate upwards, without a root. Empty where the root issued it.
    private(set) var intermediates: [[UInt8]] = []
    /// Signed by itself; nil where it is not there, as it need not be above a CA that is pinned.
    private(set) var root: [UInt8]?

    /// All of them, from the one that issued the certificate up; empty if none of them did.
    var certificates: [[UInt8]] { intermediates + (root.map { [$0] } ?? []) }

    /// What others have to trust: the root, or the highest that there is.
    var anchor: [UInt8] { root ?? intermediates.last ?? [] }

    /// Finds the shortest way up to a root, and of two that are as long the one that is valid for longer; where there is no
    /// root, the way to the highest.
    ///
    /// - Parameters:
    ///   - trusted: certificates in DER, one after the other.
    ///   - offered: likewise, of whoever answered: they count only above the trusted ones, up to a root whose own signature
    ///     is right. Whoever is not the CA cannot make a key that its certificates are signed with.
    init(of certificate: [UInt8], in trusted: [UInt8], offered: [UInt8] = []) {
        var candidates: [Candidate] = []
        Self.add(trusted, areTrusted: true, to: &candidates)
        Self.add(offered, areTrusted: false, to: &candidates)
        // What issued it, what issued that, and so on; with each the place of the one that it issued.
        var found: [(candidate: Int, below: Int?)] = []
        Self.addIssuers(of: certificate, to: &found, below: nil, candidates)
        var top: Int?
        var next = 0
        while next < found.count {
            let candidate = candidates[found[next].candidate]
            if candidate.isSelfSigned {
                top = next
                break
            }
            let count = found.count
            Self.addIssuers(of: candidate.encoding, to: &found, below: next, candidates)
            // An old root whose signature nobody here can verify is one all the same, if it was trusted.
            if found.count == count, candidate.isTrusted, candidate.isSelfIssued {
                top = next
                break
            }
            next += 1
        }
        let hasRoot = top != nil
        if top == nil {
            // What was offered and leads to no root leads nowhere.
            for index in found.indices where candidates[found[index].candidate].isTrusted { top = index }
        }
        while let index = top {
            intermediates.insert(candidates[found[index].candidate].encoding, at: 0)
            top = found[index].below
        }
        if hasRoot { root = intermediates.popLast() }
    }

    /// - Parameter below: nil for the certificate that all this is about, whose issuer has to be trusted.
    private static func addIssuers(
        of encoding: [UInt8], to found: inout [(candidate: Int, below: Int?)], below: Int?, _ candidates: [Candidate]
    ) {
        guard let parsed = try? Certificate(encoding.span) else { return }
        for index in candidates.indices where candidates[index].isTrusted || below != nil {
            var isNew = true
            for other in found where other.candidate == index { isNew = false }
            guard isNew else { continue }
            let issuer = candidates[index].encoding
            if CACertificates(issuer.span).haveIssued(parsed, mayBeCA: true) { found.append((index, below)) }
        }
    }

    private struct Candidate {
        let encoding: [UInt8]
        let isTrusted: Bool
        let isSelfIssued: Bool
        let isSelfSigned: Bool
        let notAfter: Int64
    }

    /// Those that are valid for longer stand first.
    private static func add(_ certificates: [UInt8], areTrusted: Bool, to candidates: inout [Candidate]) {
        for encoding in splitCertificates(certificates).prefix(2 * CACertificates.maximumCount) {
            guard let certificate = try? Certificate(encoding.span) else { continue }
            var isNew = true
            var place = 0
            for other in candidates {
                if other.encoding == encoding { isNew = false }
                if other.notAfter >= certificate.notAfter { place += 1 }
            }
            guard isNew else { continue }
            let isSelfSigned = CACertificates(encoding.span).haveIssued(certificate, mayBeCA: true)
            candidates.insert(
                Candidate(
                    encoding: encoding, isTrusted: areTrusted, isSelfIssued: certificate.isSelfIssued,
                    isSelfSigned: isSelfSigned, notAfter: certificate.notAfter), at: place)
        }
    }
}
