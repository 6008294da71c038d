import Authority
import Foundation
import LibCrypto
import TestSupport

/// What the `openssl` program says of what a device sends and holds.
enum OpenSSLCheck {
    /// Throws unless `certificate` is one of the CA's, now.
    static func verify(_ certificate: Certificate, of authority: Authority) throws {
        try withTemporaryDirectory { directory in
            let root = try directory.write(authority.trustAnchor.pem(), to: "root.pem")
            let more = try directory.write(authority.issuingCertificate.pem(), to: "more.pem")
            let leaf = try directory.write(certificate.pem(), to: "leaf.pem")
            let now = "\(Int(authority.now.timeIntervalSince1970))"
            try OpenSSL.run(["verify", "-attime", now, "-CAfile", root, "-untrusted", more, leaf])
        }
    }

    /// The content of a pkiMessage, its signature verified and its envelope opened with the CA's or RA's key, or the
    /// password.
    static func open(_ message: [UInt8], _ life: Life) throws -> [UInt8] {
        let envelope = try OpenSSL.run(
            ["cms", "-verify", "-noverify", "-inform", "DER", "-binary"], input: message)
        let configuration = life.authority.configuration
        let isEC = !configuration.key.canDecrypt && configuration.registrationAuthority == .none
        guard !isEC else {
            return try OpenSSL.run(
                ["cms", "-decrypt", "-inform", "DER", "-binary", "-pwri_password", Life.password], input: envelope)
        }
        return try withTemporaryDirectory { directory in
            for number in 0..<6 {
                let file = try directory.write(CAKeys.key(.rsa2048, number).pem(), to: "\(number).pem")
                let command = ["cms", "-decrypt", "-inform", "DER", "-binary", "-debug_decrypt", "-inkey", file]
                if let content = try? OpenSSL.run(command, input: envelope), content.first == 0x30 { return content }
            }
            throw Life.Broken("openssl cannot decrypt the envelope with any of the CA's keys")
        }
    }

    /// A certification request as `openssl` prints it, which has verified its signature.
    static func request(_ der: [UInt8]) throws -> String {
        String(
            decoding: try OpenSSL.run(["req", "-inform", "DER", "-verify", "-noout", "-text"], input: der),
            as: UTF8.self)
    }

    /// The certificate whose key signed a pkiMessage, DER.
    static func signer(of message: [UInt8]) throws -> [UInt8] {
        try withTemporaryDirectory { directory in
            let file = directory.appendingPathComponent("signer.pem")
            try OpenSSL.run(
                [
                    "cms", "-verify", "-noverify", "-inform", "DER", "-binary", "-signer", file.path, "-out",
                    "/dev/null",
                ],
                input: message)
            return try Certificate(pem: [UInt8](Data(contentsOf: file))).der
        }
    }
}
