import Board
import Foundation
import TestSupport
import Testing

/// What the client tells the server, by the words of openssl, which writes down what it hears (`-msg`).
@Suite struct AlertTests {
    private static let heard = "<<< TLS 1.2, Alert [length 0002], "

    /// Why the server's certificate is refused (RFC 5246, 7.2.2).
    @Test(
        arguments: [
            (certificate: "self", days: 0, alert: "unknown_ca", error: .certificateUntrusted),
            (certificate: "ec", days: 400, alert: "certificate_expired", error: .certificateExpired),
            (certificate: "ec", days: -2, alert: "certificate_expired", error: .certificateNotYetValid),
            (certificate: "sha1", days: 0, alert: "unsupported_certificate", error: .certificateWeak),
            // By mbedTLS itself.
            (certificate: "client-only", days: 0, alert: "unsupported_certificate", error: .certificateMisused),
            (certificate: "elsewhere", days: 0, alert: "bad_certificate", error: .certificateOfOtherHost),
        ] as [(certificate: String, days: Int64, alert: String, error: TransportError)])
    func refusal(_ certificate: String, _ days: Int64, _ alert: String, _ error: TransportError) throws {
        let keys = try PublicKeys.shared.get()
        let peer = try Peer(
            openssl: ["-www", "-msg", "-cipher", "DEFAULT:@SECLEVEL=0"] + keys.showing(certificate, key: "ec"))
        var client = Client(authorities: try keys.read("bundle.pem"))
        client.time = Int64(Date().timeIntervalSince1970) + days * 86_400
        #expect(try client.failure("https://localhost:\(peer.port)/") == error)
        #expect(peer.waits(for: "\(Self.heard)fatal \(alert)"))
    }

    /// A client that has all it wants says so: else the server could not tell an end from a cut (RFC 5246, 7.2.1).
    @Test func closeNotify() throws {
        let keys = try PublicKeys.shared.get()
        let peer = try Peer(openssl: ["-msg"] + keys.showing("ec", key: "ec"))
        let server = Thread {
            peer.waitForRequest()
            try? peer.say("HTTP/1.0 200 OK\r\nContent-Length: 17\r\n\r\nPOSTPKIOperation\n")
        }
        server.start()
        var client = Client(authorities: try keys.read("bundle.pem"))
        client.milliseconds = 60_000
        #expect(try client.ask("https://localhost:\(peer.port)/").get() == "POSTPKIOperation\n")
        #expect(peer.waits(for: "\(Self.heard)warning close_notify"))
    }

    /// Who keeps the client busy with what says nothing is given up, long before its time limit: warnings (RFC 5246,
    /// 7.2; RFC 6066, 3) in front of a ServerHello. Behind them stands a fatal alert, for who reads them all.
    @Test func silenceWithMuchNoise() throws {
        let unrecognizedName: [UInt8] = [0x15, 0x03, 0x03, 0x00, 0x02, 0x01, 0x70]
        let handshakeFailure: [UInt8] = [0x15, 0x03, 0x03, 0x00, 0x02, 0x02, 0x28]
        func outcome(_ times: Int) throws -> TransportError? {
            let port = try repeating(unrecognizedName, times: times, then: handshakeFailure)
            var client = Client(pins: try PublicKeys.shared.get().fingerprint("ec"))
            client.milliseconds = 300_000
            return try client.failure("https://127.0.0.1:\(port)/")
        }
        #expect(try outcome(10_000) == .noCommonProtocol)
        #expect(try outcome(100_000) == .reset)
    }
}
