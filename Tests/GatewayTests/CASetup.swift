import Agent
import DeviceCrypto
import Foundation
import PKIX
import SCEP
import TestSupport

@testable import Gateway
@testable import Output

/// A CA as GetCACert shows it, and what has to come of it.
struct CASetup: Sendable {
    typealias Identity = OpenSSLIdentity

    let name: String
    let certificates: @Sendable () throws -> [Identity]
    /// Which of them are pinned; those beyond are none of them.
    var pins = [0]
    /// What the device asks for: `rsa2048`, `p256`.
    var key = "rsa2048"
    var allow = ""
    /// Days from now.
    var days = 0.0
    /// Of the error that ends an enrolment; nil if it goes on.
    var error: String?
    /// For each certificate `T` (trusted) or `-`.
    let trusted: String
    /// The place of who is encrypted to, of the setups where it goes on.
    var recipient: Int?
    /// How many warnings there are before anything is sent.
    var warnings = 0

    var time: Int64 { Int64(Date().timeIntervalSince1970 + days * 86_400) }
}

extension CASetup {
    static let authority = ["basicConstraints=critical,CA:TRUE", "keyUsage=critical,keyCertSign,cRLSign"]
    static let unused = ["basicConstraints=critical,CA:TRUE"]
    static let half = ["basicConstraints=critical,CA:TRUE", "keyUsage=critical,digitalSignature"]
    static let mark = "extendedKeyUsage=1.3.6.1.5.5.7.3.28"
    static let ra = ["keyUsage=critical,digitalSignature,keyEncipherment"]

    private static let (a, b, c) = (rsa(2048), rsa(2048), rsa(2048))

    private static func rsa(_ bits: Int) -> Result<[UInt8], any Error> {
        Result { try OpenSSL.run(["genrsa", "\(bits)"]) }
    }

    /// A certificate of openssl's making, for ten years or so many days.
    static func make(
        _ subject: String, _ key: [UInt8], by issuer: Identity? = nil, _ extensions: [String] = authority,
        days: Int = 3650, _ options: [String] = []
    ) throws -> Identity {
        try withTemporaryDirectory { directory in
            let lines = ["[req]", "distinguished_name=d", "x509_extensions=e", "[d]", "[e]"] + extensions
            var arguments = [
                "req", "-x509", "-new", "-subj", subject, "-days", "\(days)",
                "-config", try directory.write(Array(lines.joined(separator: "\n").utf8), to: "config"),
                "-key", try directory.write(key, to: "key"),
            ]
            if let issuer {
                arguments += [
                    "-CA", try directory.write(issuer.certificate, to: "ca"),
                    "-CAkey", try directory.write(issuer.key, to: "ca-key"),
                ]
            }
            return try Identity(key: key, pem: try OpenSSL.run(arguments + options))
        }
    }

    static func versionOne() throws -> Identity {
        try withTemporaryDirectory { directory in
            let file = try directory.write(a.get(), to: "key")
            let request = try OpenSSL.run(["req", "-new", "-subj", "/CN=Old root", "-key", file])
            let pem = try OpenSSL.run(["x509", "-req", "-days", "3650", "-signkey", file], input: request)
            return try Identity(key: a.get(), pem: pem)
        }
    }

    static func key(_ algorithm: String, _ options: String...) throws -> [UInt8] {
        try OpenSSL.run(["genpkey", "-algorithm", algorithm] + options.flatMap { ["-pkeyopt", $0] })
    }

    static func root(_ extensions: [String] = authority, days: Int = 3650, _ options: [String] = []) throws -> Identity
    {
        try make("/CN=Root", a.get(), extensions, days: days, options)
    }

    /// A CA under the root.
    static func pair(
        _ extensions: [String] = authority, root above: [String] = authority, days: Int = 3650, _ options: [String] = []
    ) throws -> [Identity] {
        let root = try root(above)
        return [root, try make("/CN=Issuing", b.get(), by: root, extensions, days: days, options)]
    }

    /// A registration authority under the root.
    static func withRA(_ extensions: [String], key: [UInt8]? = nil, days: Int = 3650) throws -> [Identity] {
        let root = try root()
        return [root, try make("/CN=RA", key ?? c.get(), by: root, extensions, days: days)]
    }

    static func ellipticCurve(_ curve: String, _ extensions: [String] = authority) throws -> Identity {
        try make("/CN=EC", key("EC", "ec_paramgen_curve:\(curve)"), extensions)
    }

    private typealias Field = FieldCertificates

    static let all: [CASetup] = [
        CASetup(name: "root", certificates: { [try root()] }, trusted: "T", recipient: 0),
        CASetup(name: "root and issuing CA", certificates: { try pair() }, trusted: "TT", recipient: 1),
        CASetup(name: "pinned issuing CA", certificates: { try pair() }, pins: [1], trusted: "-T", recipient: 1),
        CASetup(
            name: "nobody pinned", certificates: { try pair() }, pins: [9], error: "fingerprint-mismatch",
            trusted: "--"),
        CASetup(name: "version 1", certificates: { [try versionOne()] }, trusted: "T", recipient: 0),
        CASetup(
            name: "version 1 with an RA",
            certificates: {
                let old = try versionOne()
                return [old, try make("/CN=RA", c.get(), by: old, ra + [mark])]
            }, trusted: "TT", recipient: 1),
        CASetup(
            name: "RSA-1024", certificates: { [try make("/CN=Weak", rsa(1024).get())] }, error: "ca-key",
            trusted: "-"),
        CASetup(name: "P-521", certificates: { [try ellipticCurve("P-521")] }, error: "ca-key", trusted: "-"),
        CASetup(
            name: "Ed25519", certificates: { [try make("/CN=Edwards", key("ED25519"))] }, error: "ca-key",
            trusted: "-"),
        CASetup(
            name: "P-521 root and issuing CA, both pinned",
            certificates: {
                let top = try ellipticCurve("P-521")
                return [top, try make("/CN=Issuing", b.get(), by: top)]
            }, pins: [0, 1], trusted: "-T", recipient: 1),
        CASetup(
            name: "Ed25519 root over a pinned issuing CA",
            certificates: {
                let top = try make("/CN=Edwards", key("ED25519"))
                return [top, try make("/CN=Issuing", b.get(), by: top)]
            }, pins: [1], trusted: "-T", recipient: 1),
        CASetup(
            name: "PSS root", certificates: { [try root(authority, ["-sigopt", "rsa_padding_mode:pss"])] },
            trusted: "T", recipient: 0),
        CASetup(
            name: "PSS issuing CA", certificates: { try pair(authority, ["-sigopt", "rsa_padding_mode:pss"]) },
            trusted: "TT", recipient: 1),
        CASetup(name: "SHA-1 root", certificates: { [try root(authority, ["-sha1"])] }, trusted: "T", recipient: 0),
        CASetup(
            name: "SHA-1 issuing CA", certificates: { try pair(authority, ["-sha1"]) }, trusted: "T-", recipient: 0,
            warnings: 1),
        CASetup(
            name: "SHA-224 issuing CA", certificates: { try pair(authority, ["-sha224"]) }, trusted: "T-",
            recipient: 0, warnings: 1),
        CASetup(
            name: "SHA-1 issuing CA, allowed", certificates: { try pair(authority, ["-sha1"]) }, allow: "sha1",
            trusted: "TT", recipient: 1),
        CASetup(name: "root without keyUsage", certificates: { [try root(unused)] }, trusted: "T", recipient: 0),
        CASetup(
            name: "issuing CA without keyUsage", certificates: { try pair(unused) }, error: "ca-without-key-usage",
            trusted: "--"),
        CASetup(
            name: "issuing CA without keyUsage, allowed", certificates: { try pair(unused) },
            allow: "ca-without-key-usage", trusted: "TT", recipient: 1),
        CASetup(
            name: "root that signs no certificates", certificates: { [try root(half)] }, error: "not-a-ca",
            trusted: "-"),
        CASetup(
            name: "issuing CA that signs no certificates", certificates: { try pair(half) }, trusted: "T-",
            recipient: 0),
        CASetup(
            name: "issuing CA with critical extendedKeyUsage",
            certificates: { try pair(authority + ["extendedKeyUsage=critical,clientAuth"]) }, trusted: "T-",
            recipient: 0, warnings: 1),
        CASetup(
            name: "root with critical extendedKeyUsage",
            certificates: { [try root(authority + ["extendedKeyUsage=critical,clientAuth"])] }, trusted: "T",
            recipient: 0),
        CASetup(
            name: "issuing CA with critical policies",
            certificates: { try pair(authority + ["certificatePolicies=critical,2.5.29.32.0"]) }, trusted: "T-",
            recipient: 0, warnings: 1),
        CASetup(
            name: "the same, pinned too",
            certificates: { try pair(authority + ["certificatePolicies=critical,2.5.29.32.0"]) }, pins: [0, 1],
            trusted: "TT", recipient: 1),
        CASetup(
            name: "root that has expired", certificates: { [try root()] }, days: 4000, error: "ca-expired", trusted: "-"
        ),
        CASetup(
            name: "root that begins later", certificates: { [try root()] }, days: -5, error: "ca-not-yet-valid",
            trusted: "-"),
        CASetup(
            name: "issuing CA that has expired", certificates: { try pair(authority, days: 10) }, days: 20,
            trusted: "T-",
            recipient: 0, warnings: 1),
        CASetup(
            name: "no capacity below the root",
            certificates: {
                try pair(root: ["basicConstraints=critical,CA:TRUE,pathlen:0", "keyUsage=critical,keyCertSign"])
            }, trusted: "T-", recipient: 0, warnings: 1),
        CASetup(name: "RA", certificates: { try withRA(ra + [mark]) }, trusted: "TT", recipient: 1),
        CASetup(name: "unmarked RA", certificates: { try withRA(ra) }, error: "unmarked-ra", trusted: "--"),
        CASetup(
            name: "unmarked RA, allowed", certificates: { try withRA(ra) }, allow: "unmarked-ra", trusted: "TT",
            recipient: 1),
        CASetup(
            name: "unmarked RA, pinned", certificates: { try withRA(ra) }, pins: [0, 1], trusted: "TT", recipient: 1),
        CASetup(
            name: "unmarked RA, pinned alone", certificates: { try withRA(ra) }, pins: [1], error: "not-a-ca",
            trusted: "--"),
        CASetup(
            name: "RA that has expired", certificates: { try withRA(ra + [mark], days: 10) }, days: 20, trusted: "T-",
            recipient: 0, warnings: 1),
        CASetup(
            name: "RA with RSA-1024", certificates: { try withRA(ra + [mark], key: rsa(1024).get()) }, error: "ca-key",
            trusted: "--"),
        CASetup(
            name: "EC CA, RSA device", certificates: { [try ellipticCurve("P-256")] }, error: "no-encryption",
            trusted: "T"),
        CASetup(
            name: "EC CA, EC device", certificates: { [try ellipticCurve("P-256")] }, key: "p256", trusted: "T",
            recipient: 0),
        CASetup(
            name: "EC CA, RSA device, allowed", certificates: { [try ellipticCurve("P-384")] },
            allow: "password-encryption", trusted: "T", recipient: 0),
        // The two have one name, and not one key: the root did not sign what is in the folder, as openssl says.
        CASetup(
            name: "field 03", certificates: { [Field.issuingRoot, Field.issuingPoliciesCritical] }, trusted: "T-",
            recipient: 0),
        CASetup(name: "field 04", certificates: { [Field.booleanOne] }, trusted: "T", recipient: 0),
        CASetup(
            name: "field 09, PSS", certificates: { [Field.pssRoot, Field.pssIssuing] }, trusted: "T-", recipient: 0),
        CASetup(name: "field 09, SHA-224", certificates: { [Field.sha224Root] }, trusted: "T", recipient: 0),
        CASetup(name: "field 10", certificates: { [Field.rsa1024] }, error: "ca-key", trusted: "-"),
        CASetup(name: "field 11", certificates: { [Field.versionOne] }, trusted: "T", recipient: 0),
    ]
}
