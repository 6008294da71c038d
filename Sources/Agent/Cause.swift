/// What is wrong: the number of a row in the table of errors, from 0.
///
/// Each is the cause of one kind of failure. Those that share a kind, for programs, begin with its name.
enum Cause: UInt8 {
    // Its row is written by hand in ErrorTable.swift, in the same order; `ErrorTableTests` holds one against the other.

    // The device.
    case notProvisioned
    case recordCorrupt
    case recordTooLong
    case configurationUnknownName
    case configurationDuplicate
    case configurationBadValue
    case configurationMissing
    case noSeed
    case noEntropy
    case storageFull
    case storageCorrupt
    case storageFailed
    case storageUnknown
    case storageExposed
    case storageMisused
    case keyUnsupported
    case keyFailed
    case outOfMemory
    case cryptoFailed
    case passwordSpent
    case noPassword
    case cannotRenew
    case passwordNeeded
    case requestTooLarge
    case request

    // The network.
    case httpsUnsupported
    case noAddress
    case nameUnknown
    case nameUnresolved
    case connectionRefused
    case unreachable
    case timedOut
    case connectionLost
    case networkExhausted
    case noReply
    case notHTTP
    case redirected
    case replyTooLarge
    case replyTooLargeForAny
    case replyTruncated
    case httpMalformed
    case httpStatus

    // What the CA can do, and its certificates.
    case noCapabilities
    case noCapabilitiesPage
    case weakDigest
    case weakDigestAndMore
    case weakCipher
    case weakAlgorithms
    case fingerprintMismatch
    case notACA
    case caExpired
    case caNotYetValid
    case nextCAUnsigned
    case nextCAInvalid
    case unmarkedRA
    case caWithoutKeyUsage
    case caKey
    case noEncryption
    case caCertificatesTooLarge
    case caCertificatesTooLargeANumber

    // The reply.
    case replyMalformed
    case notSCEP
    case cannotDecrypt
    case unknownSigner
    case signerExpired
    case badSignature
    case wrongMessageType
    case wrongTransaction
    case wrongNonce
    case unknownStatus
    case noEnvelope
    case refused
    case stillPending

    // The certificate that came, or what is said of the one that there is.
    case wrongKey
    case wrongIssuer
    case unreadable
    case unknownSignature
    case expired
    case notYetValid
    case oldCertificate
    case notExtended
    case wrongCertificate
    case noCRL
    case wrongCRL
    case badCRLSignature
    case partialCRL
    case staleCRL
    case earlyCRL
    case revoked

    // Only where a transport can secure, or takes a proxy: the second table.
    case notTLS
    case tlsNoCommon
    case tlsRefused
    case tlsFailed
    case tlsUntrusted
    case tlsWrongHost
    case tlsExpired
    case tlsNotYetValid
    case tlsWeak
    case tlsMisused
    case tlsPinMismatch
    case tlsIdentityRefused
    case tlsIdentityFailed
    case proxyUnreachable
    case proxyRefused
    case proxyAuthentication
}
