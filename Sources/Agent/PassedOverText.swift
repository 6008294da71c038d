import Board
import Bytes
import DeviceCrypto
import PKIX
import SCEP

extension Line {
    /// Appends that a certificate that came with the CA's was not trusted, and why.
    ///
    /// - Parameter work: the buffer that the certificate stands in.
    public mutating func append(_ passedOver: PassedOver, _ work: Span<UInt8>) {
        switch passedOver.role {
        case .ca: append("warning: a CA is not trusted: ")
        case .ra: append("warning: an RA is not trusted: ")
        case .other: append("warning: a certificate beside the CA's is not trusted: ")
        }
        if let certificate = try? Certificate(work.extracting(passedOver.certificate)) {
            var text = InlineArray<160, UInt8>(repeating: 0)
            var buffer = text.mutableSpan
            let count = nameText(certificate.subject, into: &buffer)
            append(buffer.span.extracting(first: count))
            append(": ")
        }
        append(passedOver.reason.words)
        if passedOver.reason.isCuredByPin { append("; if the CA's operator confirms it, add its fingerprint") }
    }
}

extension PassedOver.Reason {
    /// The reason, as a clause about the certificate.
    public var words: StaticString {
        switch self {
        case .unreadable: "its certificate cannot be read"
        case .notSigned: "no trusted CA signed it"
        case .expired: "it has expired"
        case .notYetValid: "it begins later"
        case .notCA: "its key usage, or its version, does not let it be a CA"
        case .unusableKey: "its key is of no use here"
        case .unknownSignatureAlgorithm: "its signature is of a kind not known here"
        case .criticalExtension: "it has a critical extension not checked here"
        case .pathLength: "the CA above may have none below it"
        case .weakDigest: "it is signed with a weak digest"
        case .caWithoutKeyUsage: "it has no key usage"
        case .unmarkedRA: "nothing marks it as an RA"
        }
    }

    /// Whether a fingerprint of its own makes it trusted all the same.
    public var isCuredByPin: Bool {
        switch self {
        case .unreadable, .notSigned, .expired, .notYetValid, .notCA, .unusableKey: false
        case .unknownSignatureAlgorithm, .criticalExtension, .pathLength, .weakDigest, .caWithoutKeyUsage, .unmarkedRA:
            true
        }
    }
}

extension PassedOver.List {
    /// The first that a trusted CA made for a CA or an RA; nil if there is none.
    public var first: PassedOver? {
        for index in 0..<count where self[index].matters { return self[index] }
        return nil
    }
}

extension Agent where Key: ~Copyable {
    /// Warns once of what came with the CA's certificates and is not trusted, before anything is sent to them; not on a
    /// small image (``Footprint``), which has no space for the words.
    ///
    /// - Parameter work: the buffer that they stand in.
    mutating func logPassedOver<L: AgentLog & ~Copyable>(_ work: Span<UInt8>, _ log: inout L) {
        guard Footprint.isUnconstrained, hasPassedOver else { return }
        hasPassedOver = false
        for index in 0..<passedOver.count where passedOver[index].matters { log.logPassedOver(passedOver[index], work) }
    }
}
