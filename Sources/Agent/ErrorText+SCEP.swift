import Bytes
import DER
import DeviceCrypto
import PKIX
import SCEP

extension ErrorText {
    /// What is wrong with a reply, or with what the CA says.
    ///
    /// - Parameter body: where the reply stands in `work`, or the words of a refusal.
    init(_ error: SCEPError, _ operation: Operation, _ work: Span<UInt8>, _ body: Range<Int>) {
        switch error {
        case .request(let error): self.init(request: error, work.count)
        case .reply(let error): self.init(reply: error, work.count)
        case .caCertificatesTooLarge(let size):
            self.init(.caCertificatesTooLarge)
            (place, number) = (.size, size)
        case .notDER(let form):
            self.init(.notSCEP)
            detail = .form(form)
            // Where capabilities and certificates came from, the URL is right.
            cure = operation.isPKIOperation ? .seeWhatIsBefore : .checkURLAndMessage
            if form != .html { quoted = body }
        case .belowFloor(let weakness):
            self.init(weakness)
        case .issuedCertificateUnreadable(let error):
            self.init(.unreadable)
            set(error)
        case .crlIncomplete(let limit):
            self.init(.partialCRL)
            detail = .limit(limit)
        case .noCapabilities where isWebPage(work, body): self.init(.noCapabilitiesPage)
        case .refused(let failInfo):
            self.init(.refused)
            switch operation {
            case .getCert, .getCRL: cure = .askWhetherAnswered
            case .renewalReq: cure = .checkRenewal
            default: cure = .checkRequest
            }
            detail = .failInfo(failInfo)
            quoted = body
        case .caKeyUnusable(let defect):
            self.init(.caKey)
            detail = .key(defect)
        case .noCapabilities:
            self.init(.noCapabilities)
            cure = .checkURLOrAllow
        default: self.init(error.cause)
        }
        self.operation = operation
    }

    private init(request error: DERError, _ capacity: Int) {
        if let error = error.kind.cryptoError {
            self.init(error)
        } else if error.kind == .bufferFull {
            self.init(.requestTooLarge, needs: 0, has: capacity)
        } else {
            self.init(.request)
            set(error)
        }
    }

    private init(_ weakness: Leniency) {
        let isCipher = weakness.contains(.des) || weakness.contains(.tripleDES)
        if weakness.contains(.sha1) {
            self.init(isCipher ? .weakAlgorithms : .weakDigest)
        } else {
            self.init(isCipher ? .weakCipher : .weakDigestAndMore)
        }
        detail = .weakness(weakness)
    }

    private init(reply error: DERError, _ capacity: Int) {
        if error.kind == .crypto(.decryptionFailed) {
            self.init(.cannotDecrypt)
        } else if error.kind == .bufferFull {
            self.init(.replyTooLarge, needs: 0, has: capacity)
        } else if let error = error.kind.cryptoError {
            self.init(error)
        } else {
            self.init(.replyMalformed)
            set(error)
        }
    }

    private init(_ error: CryptoError) {
        guard error != .outOfMemory else {
            self = .outOfMemory
            return
        }
        self.init(.cryptoFailed)
        number = Int(error.rawValue)
    }

    private mutating func set(_ error: DERError) {
        place = .code
        number = Int(error.kind.rawValue)
        offset = error.offset
    }
}

extension SCEPError {
    /// Of an error about which nothing else is known.
    fileprivate var cause: Cause {
        switch self {
        case .request: .request
        case .reply: .replyMalformed
        case .passwordMissing: .noPassword
        case .noCapabilities: .noCapabilities
        case .notDER: .notSCEP
        case .belowFloor: .weakAlgorithms
        case .issuedCertificateUnreadable: .unreadable
        case .crlIncomplete: .partialCRL
        case .fingerprintMismatch: .fingerprintMismatch
        case .pinnedIsNotCA: .notACA
        case .caCertificateExpired: .caExpired
        case .caCertificateNotYetValid: .caNotYetValid
        case .unmarkedRA: .unmarkedRA
        case .caWithoutKeyUsage: .caWithoutKeyUsage
        case .caKeyUnusable: .caKey
        case .noEncryptionCertificate: .noEncryption
        case .caCertificatesTooLarge: .caCertificatesTooLarge
        case .tooManyCACertificates: .caCertificatesTooLargeANumber
        case .nextCANotSigned: .nextCAUnsigned
        case .nextCAInvalid: .nextCAInvalid
        case .unknownSigner: .unknownSigner
        case .signerExpired: .signerExpired
        case .invalidSignature: .badSignature
        case .wrongMessageType: .wrongMessageType
        case .wrongTransactionID: .wrongTransaction
        case .wrongRecipientNonce: .wrongNonce
        case .unknownStatus: .unknownStatus
        case .envelopeMissing: .noEnvelope
        case .refused: .refused
        case .certificateForAnotherKey: .wrongKey
        case .certificateNotFromCA: .wrongIssuer
        case .signatureAlgorithmUnknown: .unknownSignature
        case .certificateExpired: .expired
        case .certificateNotYetValid: .notYetValid
        case .oldCertificate: .oldCertificate
        case .validityNotExtended: .notExtended
        case .wrongCertificate: .wrongCertificate
        case .crlMissing: .noCRL
        case .crlFromAnotherIssuer: .wrongCRL
        case .crlInvalidSignature: .badCRLSignature
        case .crlStale: .staleCRL
        case .crlNotYetValid: .earlyCRL
        case .revoked: .revoked
        }
    }
}
