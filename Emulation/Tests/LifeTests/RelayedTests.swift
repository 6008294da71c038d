import Authority
import AuthorityServer
import EmulationTestSupport
import Foundation
import LibCrypto
import Relay
import Testing

/// A device without a network, at one end of a pseudo-terminal, enrols through a station at the other, which knows the CA.
@Suite struct RelayedTests {
    private static let serial = "SN-0007"

    /// - Parameter damage: one byte in so many is changed on its way to either side; 0: none.
    @Test(arguments: [0, 3000]) func aDeviceEnrolsThroughAStation(damage: UInt64) async throws {
        var configuration = CAConfiguration()
        configuration.challenge = .oneTime([OneTimePassword(device: "", password: "once-47bf")])
        let server = try await AuthorityServer(Authority(configuration))
        let line = try PseudoTerminal()
        let station = RelayingStation(line.station, port: server.port, damage: damage)
        station.start()
        let text = [
            // The host and port are nobody's: the station is not asked for them.
            "url=http://192.0.2.1:9/scep", "subject=CN=\(Self.serial)", "challenge=once-47bf", "key=rsa2048",
            "fingerprint=\(try server.authority.trustAnchor.fingerprint(.sha256).hexadecimal)",
        ].map { $0 + "\n" }.joined()
        let device = RelayedDevice([UInt8](text.utf8), port: line.device, serial: [UInt8](Self.serial.utf8))
        let request = device.run()
        station.stop()
        await server.stop()

        #expect(request == .done)
        let seen = station.seen
        #expect(seen.lines.last == "done", "\(seen.lines)")
        #expect(seen.serials.first == Self.serial && Set(seen.serials).count == 1)
        // The identity is read back from the device's storage, and is the one of its event line and of the CA.
        let certificate = try #require(seen.certificate)
        #expect(certificate == device.storedCertificate)
        let event = try #require(seen.lines.compactMap(EventLine.init).last { $0["outcome"] == "issued" })
        #expect(try event["fingerprint"] == Certificate(der: certificate).fingerprint(.sha256).hexadecimal)
        #expect(damage > 0 || seen.serials.count == 1)
    }
}
