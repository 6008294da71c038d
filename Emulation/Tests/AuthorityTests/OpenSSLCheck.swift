import EmulationTestSupport
import Foundation
import LibCrypto

/// What the `openssl` program says of messages and certificates.
enum OpenSSLCheck {
    /// Throws unless `reply` is signed by a certificate below `root`, by way of `others` or by one of them, which it need
    /// not carry then. Returns eContent; `absent` says there is none.
    @discardableResult
    static func verify(_ reply: [UInt8], root: Certificate, others: [Certificate] = [], absent: Bool = false) throws
        -> [UInt8]
    {
        try withTemporaryDirectory { directory in
            let anchors = try write(([root] + others).flatMap { try $0.pem() }, "anchors.pem", in: directory)
            var arguments = ["cms", "-verify", "-inform", "DER", "-binary", "-CAfile", anchors, "-purpose", "any"]
            if !others.isEmpty { arguments += ["-certfile", anchors] }
            if absent { arguments += ["-content", "/dev/null"] }
            return try OpenSSL.run(arguments, input: reply)
        }
    }

    static func decrypt(_ envelope: [UInt8], key: PrivateKey, certificate: Certificate) throws -> [UInt8] {
        try withTemporaryDirectory { directory in
            let keyFile = try write(key.pem(), "key.pem", in: directory)
            let file = try write(certificate.pem(), "certificate.pem", in: directory)
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
            var arguments = ["verify", "-x509_strict", "-CAfile", try write(root.pem(), "root.pem", in: directory)]
            arguments += ["-attime", "\(Int(time.timeIntervalSince1970))"]
            if !intermediates.isEmpty {
                let file = try write(intermediates.flatMap { try $0.pem() }, "more.pem", in: directory)
                arguments += ["-untrusted", file]
            }
            for (index, list) in lists.enumerated() {
                let pem = try OpenSSL.run(["crl", "-inform", "DER"], input: list)
                arguments += ["-crl_check", "-CRLfile", try write(pem, "\(index).crl", in: directory)]
            }
            try OpenSSL.run(arguments + [write(certificate.pem(), "leaf.pem", in: directory)])
        }
    }

    /// What `openssl x509` prints with `arguments`.
    static func describe(_ certificate: Certificate, _ arguments: [String]) throws -> String {
        String(
            decoding: try OpenSSL.run(["x509", "-noout"] + arguments, input: certificate.pem()), as: UTF8.self)
    }
}
