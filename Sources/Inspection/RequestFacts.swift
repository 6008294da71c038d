import Output
import PKIX

/// What of a request its reply is held against.
struct RequestFacts {
    let messageType: Int?
    let transactionID: [UInt8]
    let senderNonce: [UInt8]
    /// The certificate that it was signed with, in DER, to whose key the reply is encrypted; empty if it has none.
    let signer: [UInt8]

    /// Finds the first pkiMessage in a file. Nil if there is none.
    init?(_ file: [UInt8]) {
        var elements = Container.elements(of: file)
        defer { elements.wipe() }
        for der in elements where ObjectKind(der.span) == .signedData {
            guard let message = try? SignedDataParts(der.span), let first = message.signers.first,
                let info = try? SignerInfoParts(der.span, in: first), let identifier = info.attribute("transactionID")
            else { continue }
            messageType = info.number("messageType", der)
            transactionID = der.part(identifier.content)
            senderNonce = info.attribute("senderNonce").map { der.part($0.content) } ?? []
            var signer: [UInt8] = []
            for range in message.certificates {
                let certificate = der.part(range)
                if info.names(certificate, der) { signer = certificate }
            }
            self.signer = signer
            return
        }
        return nil
    }
}

extension Inspection {
    /// The certificates in a file, one after the other in DER.
    static func certificates(in file: [UInt8]) -> [UInt8] {
        var certificates: [UInt8] = []
        // Beside a certificate there may be its key.
        var elements = Container.elements(of: file)
        defer { elements.wipe() }
        for der in elements {
            switch ObjectKind(der.span) {
            case .certificate: certificates.append(der)
            case .signedData:
                guard let parts = try? SignedDataParts(der.span) else { continue }
                for range in parts.certificates { certificates.append(contentsOf: der[range]) }
            default: break
            }
        }
        return certificates
    }
}
