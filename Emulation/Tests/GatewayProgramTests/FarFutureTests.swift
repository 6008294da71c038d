import Authority
import Emulator
import Foundation
import Testing

/// A gateway that is still there when 32 bits of seconds have overflowed, in January 2038: Debian 12's C library for armhf counts in
/// 32 bits unless it is told otherwise.
@Suite struct FarFutureTests {
    private static let year2045 = ISO8601DateFormatter().date(from: "2045-06-01T00:00:00Z")

    /// libfaketime changes the time that the emulator asks this machine for; what it emulates has no part in it.
    private func scep(_ gateway: Gateway, _ arguments: String, on day: String) async throws -> Outcome {
        try await gateway.shell(
            "QEMU_UNSET_ENV=LD_PRELOAD FAKETIME_DONT_FAKE_MONOTONIC=1 exec faketime -f '@\(day) 00:00:00'"
                + " $SCEP \(arguments) -f scep.conf")
    }

    @Test(arguments: Kind.chosen(from: [.armhf, .staticARMHF]))
    func gatewayEnrolsAndRenewsIn2045(kind: Kind) async throws {
        let start = try #require(Self.year2045)
        try await withAuthority({
            $0.clock = { start }
            $0.authorityLifetime = 40 * 365 * 86_400
        }) { server in
            try await Gateway.with(kind) { gateway in
                try gateway.configure(for: server)
                let enrolled = try await scep(gateway, "enroll", on: "2045-06-01")
                #expect(enrolled.ending == .exited(0), "\(enrolled)")
                let status = try await scep(gateway, "status --json", on: "2045-06-02")
                #expect(status.ending == .exited(0), "\(status)")
                #expect((27...29).contains(try status.json["daysLeft"] as? Int ?? 0), "\(status)")
                #expect((try status.json["lastRun"] as? String)?.hasPrefix("2045-06-01") == true, "\(status)")
                // Nothing is due yet; then two thirds have passed.
                #expect(try await scep(gateway, "agent", on: "2045-06-02").ending == .exited(0))
                #expect(server.authority.issuedCertificates().count == 1)
                server.authority.moveClock(by: 25 * 86_400)
                let renewed = try await scep(gateway, "agent", on: "2045-06-26")
                #expect(renewed.ending == .exited(0), "\(renewed)")
                #expect(server.authority.issuedCertificates().count == 2)
                let time = Int(start.timeIntervalSince1970) + 26 * 86_400
                let checked = try await gateway.shell(
                    "openssl verify -attime \(time) -CAfile identity/current/ca.pem identity/current/cert.pem"
                        + " && openssl x509 -in identity/current/cert.pem -noout -enddate")
                #expect(checked.lines.last?.hasPrefix("notAfter=Jul") == true, "\(checked)")
                #expect(checked.lines.last?.contains("2045") == true, "\(checked)")
            }
        }
    }
}
