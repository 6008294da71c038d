import Board
import DeviceCrypto
import Foundation
import TestSupport
import Testing

/// The certificate that the client shows. s_server's page names it.
@Suite struct IdentityTests {
    @Test(arguments: ["ec", "rsa"], ["ECDHE-ECDSA-AES128-GCM-SHA256", "ECDHE-ECDSA-AES256-GCM-SHA384"])
    func isShown(_ key: String, _ cipher: String) throws {
        let keys = try PublicKeys.shared.get()
        // A client without a certificate is sent away.
        let peer = try Peer(
            openssl: [
                "-www", "-Verify", "3", "-verify_return_error", "-CAfile", keys.path("root.crt"), "-cipher", cipher,
            ] + keys.showing("ec", key: "ec"))
        var client = Client(authorities: try keys.read("bundle.pem"))
        client.identity = (try keys.der("client-\(key)"), TestKey(pem: try keys.read("\(key).key")), key == "rsa")
        let page = try client.ask("https://localhost:\(peer.port)/").get()
        #expect(page.contains("Cipher is \(cipher)"))
        #expect(page.contains("Client certificate"), "\(page)")
    }

    @Test func ofAnotherCA() throws {
        let keys = try PublicKeys.shared.get()
        let peer = try Peer(
            openssl: ["-www", "-Verify", "3", "-verify_return_error", "-CAfile", keys.path("other-root.crt")]
                + keys.showing("ec", key: "ec"))
        var client = Client(authorities: try keys.read("bundle.pem"))
        client.identity = (try keys.der("client-ec"), TestKey(pem: try keys.read("ec.key")), false)
        // openssl closes on what it has not read yet, and the kernel may then throw away the alert that it sent.
        var error = try client.failure("https://localhost:\(peer.port)/")
        for _ in 0..<20 where error == .reset { error = try client.failure("https://localhost:\(peer.port)/") }
        #expect(error == .identityRefused)
    }

    /// Of a server that knows the root alone.
    @Test func isShownWithWhatIsBetween() throws {
        let keys = try PublicKeys.shared.get()
        let peer = try Peer(
            openssl: ["-www", "-Verify", "3", "-verify_return_error", "-CAfile", keys.path("root.crt")]
                + keys.showing("ec", key: "ec"))
        var client = Client(authorities: try keys.read("bundle.pem"))
        client.identity = (try keys.der("client-under"), TestKey(pem: try keys.read("ec.key")), false)
        client.issuers = [try keys.der("intermediate")]
        #expect(try client.ask("https://localhost:\(peer.port)/").get().contains("Client certificate"))
    }

    /// Nobody learns who the client is before he has shown who he is.
    @Test func notToAStranger() throws {
        let keys = try PublicKeys.shared.get()
        let peer = try Peer(
            openssl: ["-www", "-Verify", "3", "-CAfile", keys.path("root.crt")] + keys.showing("self", key: "ec"))
        var client = Client(authorities: try keys.read("bundle.pem"))
        client.identity = (try keys.der("client-ec"), TestKey(pem: try keys.read("ec.key")), false)
        #expect(try client.failure("https://localhost:\(peer.port)/") == .certificateUntrusted)
    }
}
