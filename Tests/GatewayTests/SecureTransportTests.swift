import Agent
import Board
import DeviceCrypto
import Foundation
import HTTP
import LinuxBoard
import PretendedSystem
import TestKeys
import TestSupport
import Testing

@testable import Gateway
@testable import InspectionSupport
@testable import Output

extension KeyTests.GatewayCommandTests {
    /// Of the server that ``withServer(_:_:)`` starts.
    struct SecureServer {
        let peer: Peer
        let identity: OpenSSLIdentity
        let url: String
    }

    private static let server = Result {
        try OpenSSLIdentity(
            subject: "/CN=TLS server", newKey: ["ec", "-pkeyopt", "ec_paramgen_curve:P-256"],
            extensions: ["subjectAltName=DNS:localhost"])
    }

    /// `openssl s_server`, which shows a certificate that no CA but itself issued, and answers with files.
    func withServer(
        _ options: [String] = [], _ body: (SecureServer, URL) throws -> Void
    ) throws {
        try withTemporaryDirectory { directory in
            let identity = try Self.server.get()
            let served = directory.appending(path: "served")
            try FileManager.default.createDirectory(at: served, withIntermediateDirectories: false)
            _ = try served.write(Array("SCEPStandard\nAES\n".utf8), to: "scep?operation=GetCACaps")
            let peer = try Peer(
                openssl: [
                    "-WWW", "-cert", directory.write(identity.certificate, to: "server.crt"), "-key",
                    directory.write(identity.key, to: "server.key"),
                ] + options, in: served)
            defer { peer.kill() }
            let url = "https://localhost:\(peer.port)/scep"
            try body(SecureServer(peer: peer, identity: identity, url: url), directory)
        }
    }

    /// A certificate that a CA issued that was named, or one that was named itself, and no other.
    @Test func aServerIsTrustedAsItWasSaid() throws {
        try withServer { server, directory in
            let own = directory.path + "/server.crt"
            let other = try directory.write(StandInCA.authority.get().certificate, to: "other")
            let pin = try server.identity.fingerprint()
            let wrong = (pin.hasPrefix("0") ? "1" : "0") + pin.dropFirst()
            func caps(_ options: String...) throws -> Outcome { try scep(["caps", server.url] + options) }
            for outcome in try [
                caps("--tls-ca", own), caps("--tls-pin", pin), caps("--tls-pin", "\(wrong),\(pin)"),
                caps("--tls-ca", own, "--tls-pin", pin),
            ] {
                #expect(outcome.exit == .done, "\(outcome)")
                #expect(outcome.report["capabilities"].items.map(\.text) == ["SCEPStandard", "AES"])
            }
            // The system's CAs know nothing of it.
            for outcome in try [
                caps(), caps("--tls-ca", other), caps("--tls-pin", wrong), caps("--tls-ca", own, "--tls-pin", wrong),
            ] {
                #expect(outcome.exit == .trust, "\(outcome)")
            }
            #expect(try caps("--tls-pin", "12:34").kind == "bad-value")
            #expect(try caps("--tls-ca", directory.path + "/none").message.hasSuffix("No such file or directory"))
        }
    }

    /// A certificate is good for its time, by the clock; by one that was not set, none can be told to be over.
    @Test func aServersCertificateHasItsTime() throws {
        try withServer { server, directory in
            let own = directory.path + "/server.crt"
            let now = Int(Date().timeIntervalSince1970)
            for (time, exit) in [
                (4_000_000_000, ExitCode.trust), (now - 200_000, .trust), (now, .done),
                (0, .done),
            ] {
                let outcome = try atTime(time) { try scep(["caps", server.url, "--tls-ca", own]) }
                #expect(outcome.exit == exit, "\(time): \(outcome)")
            }
            // What somebody knows better than the clock counts.
            var options = TransportOptions()
            options.authorities = server.identity.certificate
            for (time, isExact, due) in [
                (4_000_000_000, true, .certificateExpired), (4_000_000_000, false, .certificateExpired),
                (1_000_000_000, true, .certificateNotYetValid), (1_000_000_000, false, nil), (nil, false, nil),
            ] as [(Int64?, Bool, TransportError?)] {
                var transport = try GatewayTransport(options, clock: SystemClock())
                defer { transport.end() }
                transport.note(time: time, isExact: isExact)
                var found: TransportError?
                let url = Array(server.url.utf8)
                let address = try ServerURL(url.span)
                do throws(TransportError) {
                    try transport.connect(to: address, deadline: .max)
                } catch {
                    found = error
                }
                #expect(found == due, "\(String(describing: time)) \(isExact)")
            }
        }
    }

    /// Nothing is kept of a transport that was ended, nor of a certificate that is shown no more.
    @Test func nothingIsKeptOfATransport() throws {
        let identity = try OpenSSLIdentity(subject: "/CN=shown", for: .rsa)
        var settings = KeySettings()
        settings.existingKey = identity.key
        try withProvider(settings) { provider in
            func key() throws -> SoftwareKey {
                var random = try seededRandom()
                defer { random.wipe() }
                var key = SoftwareKey()
                try provider.readExisting(into: &key, random: &random)
                return key
            }
            let issuer = try StandInCA.authority.get().der
            let kept = try heapKept(rounds: 2, times: 4) {
                var transport = try GatewayTransport(TransportOptions(), clock: SystemClock())
                for _ in 0..<2 {
                    try transport.show(identity.der.span, key: key())
                    try transport.show(issuer: issuer.span)
                }
                transport.end()
            }
            #expect(kept < 512)
        }
    }

    /// CAs that cannot be read are none that a server could be verified with.
    @Test func authoritiesThatCannotBeReadAreNone() throws {
        try withServer { server, directory in
            let noise = try directory.write(Array("-----BEGIN CERTIFICATE-----\nAAAA\n".utf8), to: "noise")
            let outcome = try scep(["caps", server.url, "--tls-ca", noise])
            #expect(outcome.exit == .trust && outcome.kind == "tls-untrusted", "\(outcome)")
        }
    }

    /// The CAs of a system are hundreds: they are read once, whatever becomes of a connection.
    @Test(arguments: [true, false]) func authoritiesAreReadOnce(areNamed: Bool) throws {
        var options = TransportOptions()
        if areNamed { options.authorities = try StandInCA.authority.get().certificate }
        options.takesSystemAuthorities = !areNamed
        var transport = try GatewayTransport(options, clock: SystemClock())
        defer { transport.end() }
        let url = Array("https://127.0.0.1:1/scep".utf8)
        let kept = try heapKept(rounds: 2, times: 4) {
            let address = try ServerURL(url.span)
            #expect(throws: TransportError.refused) { try transport.connect(to: address, deadline: .max) }
        }
        #expect(kept < 512)
        #expect(throws: TransportError.refused) {
            try transport.connect(host: Array("127.0.0.1".utf8).span, port: 1, deadline: .max)
        }
    }

    private static let systemAuthorities = "/etc/ssl/certs/ca-certificates.crt"

    /// update-ca-certificates(8) has put them there.
    @Test(.enabled(if: access(systemAuthorities, R_OK) == 0, "ca-certificates is not installed"))
    func theSystemsAuthoritiesAreDebians() throws {
        let bundle = try Data(contentsOf: URL(fileURLWithPath: Self.systemAuthorities))
        #expect(SystemAuthorities.read() == [UInt8](bundle))
    }

    /// A server that asks for one is shown the certificate that the folder has, only where that is said.
    @Test func aServerIsShownTheIdentity() throws {
        try withCA { ca, directory in
            #expect(try scep(["enroll"] + enrolment(ca, directory)).exit == .done)
            let anchor = try directory.write(ca.ca.certificate, to: "anchor")
            for isShown in [false, true] {
                try withServer(["-Verify", "3", "-verify_return_error", "-CAfile", anchor]) { server, folder in
                    try leave(directory)
                    let outcome = try scep(
                        ["renew", "--url", server.url] + enrolment(ca, directory).dropFirst(2).prefix(6)
                            + ["--tls-ca", folder.path + "/server.crt"] + (isShown ? ["--tls-identity"] : []))
                    // A server that takes the certificate answers, if not as a CA would.
                    #expect((outcome.kind == "not-scep") == isShown, "\(outcome)")
                    if isShown { #expect(server.peer.waits(for: "gateway 7")) }
                }
            }
        }
    }
}
