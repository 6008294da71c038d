import Agent
import Bytes
import DeviceCrypto
import Output
import PKIX
import SCEP

/// What the client makes of the certificates of a reply to GetCACert: `scep ca` and `scep inspect` say it, and
/// `scep enroll` goes by the same functions.
package struct Evaluation {
    package struct Item {
        package let encoding: [UInt8]
        /// Nil beyond those that are looked at.
        package let standing: Standing?
        /// Whether requests would be encrypted to it.
        package var isRecipient = false
    }

    /// Space for what is trusted, as an identity's agent has it.
    private static var capacity: Int { 16_384 }

    package private(set) var items: [Item] = []
    /// What would end an enrolment before anything is sent; nil if it would go on.
    package private(set) var failure: SCEPError?
    /// The certificates that are trusted, one after the other; empty if none are.
    package private(set) var trusted: [UInt8] = []
    /// The certificate that requests would be encrypted to; empty if there is none.
    package private(set) var recipient: [UInt8] = []

    /// - Parameters:
    ///   - certificates: in DER, one after the other.
    ///   - fingerprints: as ``PKIX/Fingerprints`` has them.
    ///   - canDecrypt: whether the device's key can, as RSA keys do.
    package init(_ certificates: [UInt8], fingerprints text: Text, canDecrypt: Bool, policy: Policy, moment: Moment) {
        let all = splitCertificates(certificates)
        guard let fingerprints = Fingerprints(text.span) else {
            failure = .fingerprintMismatch
            for encoding in all { items.append(Item(encoding: encoding, standing: nil)) }
            return
        }
        var policy = policy
        let standings = GetCACert.standings(
            certificates.span, certificates: 0..<certificates.count, fingerprints: fingerprints, policy: &policy,
            moment: moment)
        do throws(SCEPError) {
            var kept = [UInt8](repeating: 0, count: Self.capacity)
            let count: Int
            do {
                var buffer = kept.mutableSpan
                count = try GetCACert.accept(
                    certificates.span, certificates: 0..<certificates.count, fingerprints: fingerprints,
                    policy: &policy, moment: moment, into: &buffer
                ).byteCount
            }
            trusted = kept.part(0..<count)
            recipient = Text(
                try CACertificates(trusted.span).encryptionCertificate(canDecrypt: canDecrypt, policy: &policy).encoding
            )
        } catch {
            failure = error
        }
        for (index, encoding) in all.enumerated() {
            let standing = index < standings.count ? standings[index] : nil
            items.append(Item(encoding: encoding, standing: standing, isRecipient: encoding == recipient))
        }
    }

    /// What would be if every certificate that can be read were pinned: what is refused then is refused whichever is.
    package init(allOf certificates: [UInt8], canDecrypt: Bool, policy: Policy, moment: Moment) {
        self.init(
            certificates, fingerprints: Self.pins(certificates), canDecrypt: canDecrypt, policy: policy, moment: moment)
    }

    /// The fingerprints of all that can be read.
    package static func pins(_ certificates: [UInt8]) -> Text {
        var text = Text()
        for encoding in splitCertificates(certificates) where (try? Certificate(encoding.span)) != nil {
            if !text.isEmpty { text.append(",") }
            text.append(hex: Hash.digest(.sha256, of: encoding.span).bytes)
        }
        return text
    }

    package var trustedCount: Int { splitCertificates(trusted).count }
}

extension Evaluation.Item {
    /// What the agent takes it for: whoever is trusted and no CA is an RA.
    package var role: StaticString {
        guard let certificate = try? Certificate(encoding.span) else { return "unreadable" }
        switch (certificate.role, standing) {
        case (.ca, _): return "CA"
        case (.ra, _), (.other, .trusted): return "RA"
        case (.other, _): return "other"
        }
    }

    package var isTrusted: Bool { if case .trusted = standing { true } else { false } }

    /// Why it is trusted or is not.
    package var reason: Text {
        switch standing {
        case .trusted(isPinned: true): return Text("it is pinned")
        case .trusted(isPinned: false): return Text("a trusted CA issued it")
        case .refused(let error):
            var text = Text("it is pinned, and of no use: ")
            text.append(error)
            return text
        case .passedOver(let reason): return Text(reason, of: encoding)
        case nil: return Text("more than 8 certificates are not looked at")
        }
    }
}

extension Text {
    /// Why a certificate is passed over, with what only it can tell.
    package init(_ reason: PassedOver.Reason, of encoding: [UInt8]) {
        switch reason {
        case .criticalExtension:
            self.init(reason.words)
            guard let certificate = try? Certificate(encoding.span), !certificate.forbiddingExtension.isEmpty else {
                return
            }
            append(" (")
            append(identifier: encoding.span.extracting(certificate.forbiddingExtension))
            append(")")
        case .unusableKey(let defect):
            self.init("its key is of no use here: ")
            append(SCEPError.caKeyUnusable(defect))
        default: self.init(reason.words)
        }
    }
}

extension Report {
    /// Adds what is made of a certificate that came with the CA's.
    package mutating func evaluation(of item: Evaluation.Item, isVerified: Bool) {
        field("role", item.role)
        if isVerified {
            field("trusted", isTrue: item.isTrusted)
            field("reason", text: item.reason)
        }
        field("encryptsTo", isTrue: item.isRecipient)
    }
}
