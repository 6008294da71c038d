import COpenSSL
import Foundation

/// Why a certificate was revoked (RFC 5280, section 5.3.1).
public enum RevocationReason: Int, Sendable, Codable, CaseIterable {
    case unspecified = 0
    case keyCompromise = 1
    case cACompromise = 2
    case affiliationChanged = 3
    case superseded = 4
    case cessationOfOperation = 5
}

/// An entry of a CRL.
public struct Revocation: Sendable, Codable, Equatable {
    /// Magnitude, big-endian.
    public let serial: [UInt8]
    public let date: Date
    public let reason: RevocationReason

    public init(serial: [UInt8], date: Date, reason: RevocationReason) {
        self.serial = serial
        self.date = date
        self.reason = reason
    }
}

/// A certificate revocation list.
public final class RevocationList: @unchecked Sendable {
    let pointer: OpaquePointer
    /// CertificateList, DER.
    public let der: [UInt8]

    init(taking pointer: OpaquePointer) throws(LibCryptoError) {
        self.pointer = pointer
        // A class that is not whole yet is not deinitialised.
        do throws(LibCryptoError) {
            der = try encoded("encoding a CRL") { i2d_X509_CRL(pointer, $0) }
        } catch {
            X509_CRL_free(pointer)
            throw error
        }
    }

    deinit { X509_CRL_free(pointer) }

    /// Reads CertificateList in DER.
    public convenience init(der: [UInt8]) throws(LibCryptoError) {
        try self.init(
            taking: decoded(der, "reading a CRL", free: { X509_CRL_free($0) }) { d2i_X509_CRL(nil, $0, $1) })
    }

    /// Makes a list of `entries` and signs it.
    public convenience init(
        issuer: Certificate, key: PrivateKey, entries: [Revocation], number: Int, thisUpdate: Date, nextUpdate: Date,
        extensions: [ExtensionText] = [], digest: Digest = .sha256
    ) throws(LibCryptoError) {
        let list = try made(X509_CRL_new(), "allocating a CRL")
        do throws(LibCryptoError) {
            try fill(
                list, issuer: issuer, entries: entries, number: number, thisUpdate: thisUpdate, nextUpdate: nextUpdate)
            for text in extensions {
                let pointer = try text.make(issuer: issuer.pointer, subject: nil)
                defer { X509_EXTENSION_free(pointer) }
                try check(X509_CRL_add_ext(list, pointer, -1), "adding an extension to a CRL")
            }
            try check(X509_CRL_sort(list), "sorting a CRL")
            try check(X509_CRL_sign(list, key.pointer, digest.algorithm), "signing a CRL")
        } catch {
            X509_CRL_free(list)
            throw error
        }
        try self.init(taking: list)
    }

    /// The serial numbers it revokes.
    public func serials() throws(LibCryptoError) -> [[UInt8]] {
        guard let revoked = X509_CRL_get_REVOKED(pointer) else { return [] }
        var result: [[UInt8]] = []
        for index in 0..<COpenSSL_countRevoked(revoked) {
            result.append(try magnitude(X509_REVOKED_get0_serialNumber(COpenSSL_revoked(revoked, index))))
        }
        return result
    }
}

private func fill(
    _ list: OpaquePointer, issuer: Certificate, entries: [Revocation], number: Int, thisUpdate: Date, nextUpdate: Date
) throws(LibCryptoError) {
    try check(X509_CRL_set_version(list, 1), "setting a CRL's version")
    try issuer.subject.withPointer { name throws(LibCryptoError) in
        try check(X509_CRL_set_issuer_name(list, name), "setting a CRL's issuer")
    }
    try withTime(thisUpdate) { time throws(LibCryptoError) in
        try check(X509_CRL_set1_lastUpdate(list, time), "setting a CRL's date")
    }
    try withTime(nextUpdate) { time throws(LibCryptoError) in
        try check(X509_CRL_set1_nextUpdate(list, time), "setting a CRL's date")
    }
    for entry in entries {
        let revoked = try made(X509_REVOKED_new(), "allocating a CRL entry")
        try withInteger(entry.serial) { integer throws(LibCryptoError) in
            try check(X509_REVOKED_set_serialNumber(revoked, integer), "setting a revoked serial number")
        }
        try withTime(entry.date) { time throws(LibCryptoError) in
            try check(X509_REVOKED_set_revocationDate(revoked, time), "setting a revocation date")
        }
        // RFC 5280, section 5.3.1: "unspecified" is said by leaving the reason out.
        if entry.reason != .unspecified {
            let reason = try made(ASN1_ENUMERATED_new(), "allocating a reason")
            defer { ASN1_ENUMERATED_free(reason) }
            try check(ASN1_ENUMERATED_set(reason, entry.reason.rawValue), "setting a reason")
            try check(
                X509_REVOKED_add1_ext_i2d(revoked, NID_crl_reason, reason, 0, 0), "adding a revocation reason")
        }
        try check(X509_CRL_add0_revoked(list, revoked), "adding a CRL entry")
    }
    try withInteger([UInt8(number >> 16 & 255), UInt8(number >> 8 & 255), UInt8(number & 255)]) {
        integer throws(LibCryptoError) in
        try check(X509_CRL_add1_ext_i2d(list, NID_crl_number, integer, 0, 0), "adding a CRL number")
    }
    guard let text = try issuer.authorityKeyIdentifier() else { return }
    let identifier = try text.make(issuer: issuer.pointer, subject: nil)
    defer { X509_EXTENSION_free(identifier) }
    try check(X509_CRL_add_ext(list, identifier, -1), "adding an extension to a CRL")
}

private func withTime(
    _ date: Date, _ body: (UnsafeMutablePointer<ASN1_TIME>) throws(LibCryptoError) -> Void
) throws(LibCryptoError) {
    let time = try made(ASN1_TIME_set(nil, time_t(date.timeIntervalSince1970)), "making a time")
    defer { ASN1_TIME_free(time) }
    try body(time)
}
