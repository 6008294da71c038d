import Bytes
import DeviceCrypto
import PKIX

extension CACertificates {
    /// Where those stand in `bytes`, among the certificates of a CA at `range`, that still count for whoever configures
    /// these fingerprints and this policy; empty ranges after the last.
    ///
    /// What was trusted once does not outlive the reason for it: a root, and all that it certified, does not count once
    /// only a CA below it is pinned; an RA without a mark does not once no leniency takes it. What no fingerprint reaches
    /// counts, as a CA does whose certificates came by GetNextCACert, or which took the place of a pinned one: the CA
    /// that was trusted before vouched for it. If no fingerprint is that of a certificate here, that is so of all.
    public static func stillTrusted(
        _ bytes: Span<UInt8>, in range: Range<Int>, _ fingerprints: borrowing Fingerprints, _ policy: Policy
    ) -> InlineArray<8, Range<Int>> {
        var policy = policy
        var trusted = CACertificates(bytes, choosingIn: range)
        var list = trusted.all
        while let certificate = list.next() {
            if fingerprints.contains(certificate.encoding) { trusted.chosen |= list.bit }
        }
        let pinned = trusted.ranges
        // Whether a certificate has expired is for whoever uses it to see.
        trusted.chooseIssued(&policy, .unknown, isNext: false)
        var everything = CACertificates(bytes, choosingIn: range)
        everything.chosen = -1
        // Whatever stands under the same CA as a pinned one, above it or beside it, was looked at.
        var reached = InlineArray<8, Range<Int>>(repeating: 0..<0)
        for number in pinned.indices where !pinned[number].isEmpty {
            reached[number] = everything.top(at: pinned[number])
        }
        list = trusted.all
        while let certificate = list.next() {
            let top = everything.top(at: certificate.range)
            var isReached = false
            for number in reached.indices where reached[number] == top { isReached = true }
            if !isReached { trusted.chosen |= list.bit }
        }
        return trusted.ranges
    }

    /// Where the highest of the CAs stands that issued the certificate at `range`, or issued who did; itself if none did.
    private func top(at range: Range<Int>) -> Range<Int> {
        var top = range
        // Two CAs can have certified each other.
        for _ in 0..<Self.maximumCount {
            guard let below = try? Certificate(bytes.extracting(top)) else { break }
            let issuer = signer(of: below.signed, named: below.issuer, .keyCertSign)
            guard !issuer.isEmpty, issuer != top else { break }
            top = issuer
        }
        return top
    }
}
