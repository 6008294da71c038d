import Board
import Foundation
import HTTP
import TestSupport
import Testing

/// Against `openssl s_server`, which serves a page about the connection (`-www`).
@Suite struct TLSServerTests {
    struct Good: Sendable, CustomTestStringConvertible {
        let testDescription: String
        let certificate: String
        let key: String
        var chain: String?
        var options: [String] = []
        var host = "localhost"
        var cipher: String
    }

    @Test(arguments: [
        Good(testDescription: "EC", certificate: "ec", key: "ec", cipher: "ECDHE-ECDSA-AES128-GCM-SHA256"),
        Good(testDescription: "P-384", certificate: "p384", key: "p384", cipher: "ECDHE-ECDSA-AES128-GCM-SHA256"),
        Good(testDescription: "RSA", certificate: "rsa", key: "rsa", cipher: "ECDHE-RSA-AES128-GCM-SHA256"),
        Good(
            testDescription: "by an RSA CA", certificate: "by-rsa", key: "ec", cipher: "ECDHE-ECDSA-AES128-GCM-SHA256"),
        Good(
            testDescription: "AES-256", certificate: "rsa", key: "rsa",
            options: ["-cipher", "ECDHE-RSA-AES256-GCM-SHA384"], cipher: "ECDHE-RSA-AES256-GCM-SHA384"),
        Good(
            testDescription: "an intermediate CA", certificate: "under", key: "ec", chain: "intermediate",
            cipher: "ECDHE-ECDSA-AES128-GCM-SHA256"),
        Good(
            testDescription: "by address", certificate: "ec", key: "ec", host: "127.0.0.1",
            cipher: "ECDHE-ECDSA-AES128-GCM-SHA256"),
        Good(
            testDescription: "TLS 1.2 beside others", certificate: "ec", key: "ec",
            options: ["-min_protocol", "TLSv1"],
            cipher: "ECDHE-ECDSA-AES128-GCM-SHA256"),
        Good(
            testDescription: "a client's certificate is optional", certificate: "ec", key: "ec",
            options: ["-verify", "3"], cipher: "ECDHE-ECDSA-AES128-GCM-SHA256"),
        Good(
            testDescription: "P-384 for the key exchange", certificate: "ec", key: "ec", options: ["-groups", "P-384"],
            cipher: "ECDHE-ECDSA-AES128-GCM-SHA256"),
    ])
    func works(_ good: Good) throws {
        let keys = try PublicKeys.shared.get()
        let peer = try Peer(
            openssl: ["-www"] + keys.showing(good.certificate, key: good.key, chain: good.chain) + good.options)
        let page = try Client(authorities: keys.read("bundle.pem")).ask("https://\(good.host):\(peer.port)/").get()
        #expect(page.contains("TLSv1.2, Cipher is \(good.cipher)"), "\(page)")
    }

    struct Bad: Sendable, CustomTestStringConvertible {
        let testDescription: String
        var certificate = "ec"
        var key = "ec"
        var options: [String] = []
        var host = "localhost"
        let error: TransportError
    }

    @Test(arguments: [
        Bad(testDescription: "another host", certificate: "elsewhere", error: .certificateOfOtherHost),
        Bad(
            testDescription: "another address", certificate: "elsewhere", host: "127.0.0.1",
            error: .certificateOfOtherHost),
        Bad(
            testDescription: "a name where there is an address", certificate: "name-only", host: "127.0.0.1",
            error: .certificateOfOtherHost),
        Bad(
            testDescription: "an address that is written as a name", certificate: "address-as-name", host: "127.0.0.1",
            error: .certificateOfOtherHost),
        Bad(
            testDescription: "an address that goes on", certificate: "longer-address", host: "127.0.0.1",
            error: .certificateOfOtherHost),
        Bad(
            testDescription: "a name of an address's four bytes", certificate: "address-as-bytes", host: "127.0.0.1",
            error: .certificateOfOtherHost),
        Bad(testDescription: "a common name alone", certificate: "common-name", error: .certificateOfOtherHost),
        Bad(testDescription: "self-signed", certificate: "self", error: .certificateUntrusted),
        Bad(testDescription: "its CA is not sent", certificate: "under", error: .certificateUntrusted),
        Bad(
            testDescription: "issued by a server", certificate: "under-no-ca",
            options: ["-cert_chain", "not-a-ca"], error: .certificateUntrusted),
        Bad(testDescription: "signed with SHA-1", certificate: "sha1", error: .certificateWeak),
        Bad(testDescription: "RSA-1024", certificate: "rsa1024", key: "rsa1024", error: .certificateWeak),
        Bad(testDescription: "for clients", certificate: "client-only", error: .certificateMisused),
        Bad(
            testDescription: "not for signatures", certificate: "no-signing", key: "rsa", error: .certificateMisused),
        Bad(
            testDescription: "TLS 1.0 alone", options: ["-tls1", "-cipher", "ALL:@SECLEVEL=0"],
            error: .noCommonProtocol),
        Bad(
            testDescription: "TLS 1.1 alone", options: ["-tls1_1", "-cipher", "ALL:@SECLEVEL=0"],
            error: .noCommonProtocol),
        Bad(testDescription: "TLS 1.3 alone", options: ["-tls1_3"], error: .noCommonProtocol),
        Bad(
            testDescription: "CBC alone", options: ["-cipher", "ECDHE-ECDSA-AES128-SHA256"], error: .noCommonProtocol),
        Bad(
            testDescription: "static RSA alone", certificate: "rsa", key: "rsa",
            options: ["-cipher", "AES128-GCM-SHA256"],
            error: .noCommonProtocol),
        Bad(testDescription: "P-521", certificate: "p521", key: "p521", error: .noCommonProtocol),
        Bad(testDescription: "X25519 alone", options: ["-groups", "X25519"], error: .noCommonProtocol),
        Bad(
            testDescription: "SHA-1 alone for signatures",
            options: ["-sigalgs", "ECDSA+SHA1", "-cipher", "DEFAULT:@SECLEVEL=0"], error: .noCommonProtocol),
        Bad(
            testDescription: "SHA-224 alone for signatures",
            options: ["-sigalgs", "ECDSA+SHA224", "-cipher", "DEFAULT:@SECLEVEL=0"], error: .noCommonProtocol),
        Bad(
            testDescription: "a client's certificate is required", options: ["-Verify", "3", "-verify_return_error"],
            error: .identityRefused),
    ])
    func fails(_ bad: Bad) throws {
        let keys = try PublicKeys.shared.get()
        var options = bad.options
        if let index = options.firstIndex(of: "-cert_chain") {
            options[index + 1] = keys.path("\(options[index + 1]).crt")
        }
        // What is below OpenSSL's own floor is served all the same.
        let peer = try Peer(
            openssl: ["-www"] + keys.showing(bad.certificate, key: bad.key)
                + (options.contains("-cipher") ? [] : ["-cipher", "DEFAULT:@SECLEVEL=0"]) + options)
        let error = try Client(authorities: keys.read("bundle.pem")).failure("https://\(bad.host):\(peer.port)/")
        #expect(error == bad.error)
    }

    @Test func unknownCA() throws {
        let keys = try PublicKeys.shared.get()
        let peer = try Peer(openssl: ["-www"] + keys.showing("ec", key: "ec"))
        let error = try Client(authorities: keys.read("other-root.crt")).failure("https://localhost:\(peer.port)/")
        #expect(error == .certificateUntrusted)
    }

    /// A server's own certificate may be trusted: nobody is above it.
    @Test func itsOwnCertificateIsTrusted() throws {
        let keys = try PublicKeys.shared.get()
        let peer = try Peer(openssl: ["-www"] + keys.showing("self", key: "ec"))
        let error = try Client(authorities: keys.read("self.crt")).failure("https://localhost:\(peer.port)/")
        #expect(error == nil)
    }

    /// A CA is only its name to somebody who has another key.
    @Test func forgedCA() throws {
        let keys = try PublicKeys.shared.get()
        let peer = try Peer(openssl: ["-www"] + keys.showing("ec", key: "ec"))
        let forged = try OpenSSL.run([
            "req", "-x509", "-days", "365", "-subj", "/O=Example/CN=root", "-key", keys.path("p384.key"),
        ])
        #expect(try Client(authorities: forged).failure("https://localhost:\(peer.port)/") == .certificateUntrusted)
    }

    @Test func nobodyIsTrusted() throws {
        let keys = try PublicKeys.shared.get()
        let peer = try Peer(openssl: ["-www"] + keys.showing("ec", key: "ec"))
        #expect(try Client().failure("https://localhost:\(peer.port)/") == .certificateUntrusted)
        #expect(
            try Client(authorities: Array("nothing".utf8)).failure("https://localhost:\(peer.port)/")
                == .certificateUntrusted)
    }

    /// The issued certificates are valid from now on, for a year.
    @Test(
        arguments: [
            (days: 0, isExact: true, error: nil), (days: 400, isExact: true, error: .certificateExpired),
            (days: 400, isExact: false, error: .certificateExpired),
            (days: -2, isExact: true, error: .certificateNotYetValid), (days: -2, isExact: false, error: nil),
            // Past the end of 32 bits.
            (days: 365 * 40, isExact: true, error: .certificateExpired), (days: nil, isExact: false, error: nil),
        ] as [(days: Int64?, isExact: Bool, error: TransportError?)])
    func validity(_ days: Int64?, _ isExact: Bool, _ error: TransportError?) throws {
        let keys = try PublicKeys.shared.get()
        let peer = try Peer(openssl: ["-www"] + keys.showing("ec", key: "ec"))
        var clients = [
            Client(authorities: try keys.read("bundle.pem")), Client(pins: try keys.fingerprint("ec")),
        ]
        for index in clients.indices {
            clients[index].time = days.map { Int64(Date().timeIntervalSince1970) + $0 * 86_400 }
            clients[index].isExact = isExact
            #expect(try clients[index].failure("https://localhost:\(peer.port)/") == error)
        }
    }

    /// As a web server does that is asked for HTTPS on its port for HTTP.
    @Test func notTLS() throws {
        let port = try answer("HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n")
        #expect(try Client().failure("https://127.0.0.1:\(port)/") == .notTLS)
    }

    @Test func closesAtOnce() throws {
        let port = try answer("")
        #expect(try Client().failure("https://127.0.0.1:\(port)/") == .reset)
    }

    @Test func nobodyListens() throws {
        #expect(try Client().failure("https://127.0.0.1:\(freePort())/") == .refused)
    }

    @Test func silence() throws {
        let keys = try PublicKeys.shared.get()
        let peer = try Peer(openssl: keys.showing("ec", key: "ec"))
        var client = Client(authorities: try keys.read("bundle.pem"))
        client.milliseconds = 300
        #expect(try client.ask("https://localhost:\(peer.port)/") == .failure(.receiving(.timedOut)))
    }

    /// A page without a length: only the end of the stream, by close_notify, says that it is whole (RFC 5246, 7.2.1). Pages
    /// of `-www` above are ended so; here the server dies.
    @Test func cutShort() throws {
        let keys = try PublicKeys.shared.get()
        let peer = try Peer(openssl: keys.showing("ec", key: "ec"))
        let end = Thread {
            peer.waitForRequest()
            try? peer.say("HTTP/1.0 200 OK\r\n\r\nPOSTPKIOperation\n")
            usleep(300_000)
            peer.kill()
        }
        end.start()
        let outcome = try Client(authorities: keys.read("bundle.pem")).ask("https://localhost:\(peer.port)/")
        #expect(outcome == .failure(.receiving(.reset)))
    }
}
