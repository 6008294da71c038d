import Board
import TestSupport
import Testing

/// Servers that break the handshake off, in front of a ServerHello (RFC 5246, 7.4.1.3) and behind it, and what the client
/// makes of it.
@Suite struct BrokenHandshakeTests {
    /// A ServerHello with ECDHE-ECDSA-AES128-GCM-SHA256.
    private static let hello: [UInt8] =
        [0x16, 3, 3, 0, 42, 2, 0, 0, 38, 3, 3] + [UInt8](repeating: 0x55, count: 32) + [0, 0xC0, 0x2B, 0]

    private static func alert(_ level: UInt8, _ description: UInt8) -> [UInt8] {
        [0x15, 3, 3, 0, 2, level, description]
    }

    private static let noRecord = Array("HTTP/1.1 400 Bad Request\r\n\r\n".utf8)

    static let rows: [(String, [UInt8], TransportError)] = [
        ("nothing of TLS", noRecord, .notTLS), ("nothing of TLS, late", hello + noRecord, .certificateUntrusted),
        ("handshake_failure", alert(2, 40), .noCommonProtocol),
        ("handshake_failure, late", hello + alert(2, 40), .handshakeRefused),
        ("protocol_version", alert(2, 70), .noCommonProtocol),
        ("internal_error, late", hello + alert(2, 80), .handshakeRefused),
        ("close_notify", alert(1, 0), .handshakeRefused),
        ("close_notify, late", hello + alert(1, 0), .handshakeRefused),
        ("a second ServerHello", hello + hello, .certificateUntrusted), ("an end", hello, .reset),
    ]

    @Test(arguments: rows.indices) func breaksOff(_ index: Int) throws {
        let (name, bytes, error) = Self.rows[index]
        let port = try repeating([], times: 0, then: bytes)
        let client = Client(authorities: try PublicKeys.shared.get().read("bundle.pem"))
        #expect(try client.failure("https://127.0.0.1:\(port)/") == error, "\(name)")
    }

    /// Of a certificate that mbedTLS itself does not take, since it is one for clients, what else speaks against it is told.
    @Test(
        arguments: [
            ("bundle.pem", "", 0, .certificateMisused), ("bundle.pem", "", 400, .certificateExpired),
            ("bundle.pem", "ec", 0, .pinMismatch), ("other-root.crt", "", 0, .certificateUntrusted),
        ] as [(String, String, Int64, TransportError)])
    func whatElseIsWrong(_ authorities: String, _ pin: String, _ days: Int64, _ error: TransportError) throws {
        let keys = try PublicKeys.shared.get()
        let peer = try Peer(openssl: ["-www"] + keys.showing("client-only", key: "ec"))
        var client = Client(authorities: try keys.read(authorities))
        if !pin.isEmpty { client.pins = try keys.fingerprint(pin) }
        client.time = client.time.map { $0 + days * 86_400 }
        #expect(try client.failure("https://localhost:\(peer.port)/") == error)
    }
}
