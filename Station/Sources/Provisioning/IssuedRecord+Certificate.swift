import DER
import DeviceCrypto
import Foundation
import Ledger
import PKIX

extension IssuedRecord {
    /// - Parameter der: a certificate, in DER.
    /// - Returns: nil if it cannot be read.
    public init?(der: [UInt8]) {
        do throws(DERError) {
            let certificate = try Certificate(der.span)
            self.init(
                fingerprint: hexadecimal(Hash.digest(.sha256, of: der.span).bytes),
                serialNumber: hexadecimal(certificate.shownSerialNumber), subject: text(ofName: certificate.subject),
                issuer: text(ofName: certificate.issuer), notBefore: Int(certificate.notBefore),
                notAfter: Int(certificate.notAfter), der: Data(der).base64EncodedString())
        } catch {
            return nil
        }
    }
}

/// A Name as RFC 4514 has it, in ASCII.
private func text(ofName name: Span<UInt8>) -> String {
    // Each byte becomes three at most.
    var buffer = [UInt8](repeating: 0, count: 4 * name.count + 64)
    var span = buffer.mutableSpan
    let count = nameText(name, into: &span)
    return String(decoding: buffer[..<count], as: UTF8.self)
}
