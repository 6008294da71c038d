import Foundation
import LibCrypto
import TestSupport

/// What the `openssl` program says of messages and certificates.
enum OpenSSLCheck {
    /// Throws unless `reply` is signed by a certificate below `root`, by way of `others` or by one of them, which it need
    /// not carry then. Returns eContent; `absent` says there is none.
    @discardableResult
    static func verify(_ reply: [UInt8], root: Certificate, others: [Certificate] = [], absent: Bool = false) throws
        -> [UInt8]
    {
        try withTemporaryDirectory { directory in
            let anchors = try directory.write(([root] + others).flatMap { try $0.pem() }, to: "anchors.pem")
            var arguments = ["cms", "-verify", "-inform", "DER", "-binary", "-CAfile", anchors, "-purpose", "any"]
            if !others.isEmpty { arguments += ["-certfile", anchors] }
            if absent { arguments += ["-content", "/dev/null"] }
            return try OpenSSL.run(arguments, input: reply)
        }
    }

    static func decrypt(_ envelope: [UInt8], key: PrivateKey, certificate: Certificate) throws -> [UInt8] {
        try withTemporaryDirectory { directory in
            let keyFile = try directory.write(key.pem(), to: "key.pem")
            let file = try directory.write(certificate.pem(), to: "certificate.pem")
            return try OpenSSL.run(
                [
                    "cms", "-decrypt", "-inform", "DER", "-binary", "-inkey", keyFile, "-recip", file, "-provider",
                    "default", "-provider", "legacy",
                ],
                input: envelope)
        }
    }

    /// Throws unless `certificate` chains to `root`, now or at `time`.
    static func verify(
        _ certificate: Certificate, root: Certificate, intermediates: [Certificate] = [], lists: [[UInt8]] = [],
        at time: Date = Date()
    ) throws {
        try withTemporaryDirectory { directory in
            var arguments = ["verify", "-x509_strict", "-CAfile", try directory.write(root.pem(), to: "root.pem")]
            arguments += ["-attime", "\(Int(time.timeIntervalSince1970))"]
            if !intermediates.isEmpty {
                let file = try directory.write(intermediates.flatMap { try $0.pem() }, to: "more.pem")
                arguments += ["-untrusted", file]
            }
            for (index, list) in lists.enumerated() {
                let pem = try OpenSSL.run(["crl", "-inform", "DER"], input: list)
                arguments += ["-crl_check", "-CRLfile", try directory.write(pem, to: "\(index).crl")]
            }
            try OpenSSL.run(arguments + [directory.write(certificate.pem(), to: "leaf.pem")])
        }
    }

    /// What `openssl x509` prints with `arguments`.
    static func describe(_ certificate: Certificate, _ arguments: [String]) throws -> String {
        String(
            decoding: try OpenSSL.run(["x509", "-noout"] + arguments, input: certificate.pem()), as: UTF8.self)
    }
}
