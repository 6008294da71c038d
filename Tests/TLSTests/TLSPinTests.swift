import Board
import Foundation
import TestSupport
import Testing

@Suite struct TLSPinTests {
    /// A pin stands for issuer and name, not for the strength of the key.
    @Test(
        arguments: [
            (certificate: "self", key: "ec", host: "localhost", error: nil),
            (certificate: "elsewhere", key: "ec", host: "127.0.0.1", error: nil),
            (certificate: "sha1", key: "ec", host: "localhost", error: nil),
            (certificate: "rsa1024", key: "rsa1024", host: "localhost", error: .certificateWeak),
            (certificate: "client-only", key: "ec", host: "localhost", error: .certificateMisused),
        ] as [(certificate: String, key: String, host: String, error: TransportError?)])
    func alone(_ certificate: String, _ key: String, _ host: String, _ error: TransportError?) throws {
        let keys = try PublicKeys.shared.get()
        let peer = try Peer(
            openssl: ["-www", "-cipher", "DEFAULT:@SECLEVEL=0"] + keys.showing(certificate, key: key))
        for digest in ["sha256", "sha512"] {
            let client = Client(pins: try keys.fingerprint(certificate, digest))
            #expect(try client.failure("https://\(host):\(peer.port)/") == error)
        }
    }

    @Test func another() throws {
        let keys = try PublicKeys.shared.get()
        let peer = try Peer(openssl: ["-www"] + keys.showing("ec", key: "ec"))
        let wrong = try keys.fingerprint("self")
        #expect(try Client(pins: wrong).failure("https://localhost:\(peer.port)/") == .pinMismatch)
        // The CA's pin is not the server's.
        #expect(
            try Client(pins: keys.fingerprint("root")).failure("https://localhost:\(peer.port)/") == .pinMismatch)
        let both = try wrong + [UInt8(ascii: ",")] + keys.fingerprint("ec")
        #expect(try Client(pins: both).failure("https://localhost:\(peer.port)/") == nil)
    }

    /// With CAs, both have to hold.
    @Test func andAuthorities() throws {
        let keys = try PublicKeys.shared.get()
        let bundle = try keys.read("bundle.pem")
        let peer = try Peer(openssl: ["-www"] + keys.showing("ec", key: "ec"))
        let url = "https://localhost:\(peer.port)/"
        #expect(try Client(authorities: bundle, pins: keys.fingerprint("ec")).failure(url) == nil)
        #expect(try Client(authorities: bundle, pins: keys.fingerprint("self")).failure(url) == .pinMismatch)
        #expect(
            try Client(authorities: keys.read("other-root.crt"), pins: keys.fingerprint("ec")).failure(url)
                == .certificateUntrusted)
        let elsewhere = try Peer(openssl: ["-www"] + keys.showing("elsewhere", key: "ec"))
        #expect(
            try Client(authorities: bundle, pins: keys.fingerprint("elsewhere")).failure(
                "https://localhost:\(elsewhere.port)/") == .certificateOfOtherHost)
    }
}

/// What a microcontroller is told at manufacture.
@Suite struct ProvisionedTrustTests {
    @Test func certificateInBase64() throws {
        let keys = try PublicKeys.shared.get()
        let peer = try Peer(openssl: ["-www"] + keys.showing("ec", key: "ec"))
        let base64 = Array(Data(try keys.der("root")).base64EncodedString().utf8)
        #expect(try Client(authorities: base64).failure("https://localhost:\(peer.port)/") == nil)
        #expect(try Client(authorities: keys.der("root")).failure("https://localhost:\(peer.port)/") == nil)
        // Without its end it is no certificate.
        #expect(
            try Client(authorities: Array(base64.dropLast(8))).failure("https://localhost:\(peer.port)/")
                == .certificateUntrusted)
    }
}
