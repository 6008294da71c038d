import Authority
import AuthorityServer
import Foundation
import LibCrypto
import Testing

@Suite struct AuthorityClockTests {
    /// 2026-01-01T00:00:00Z.
    private static let start = Date(timeIntervalSince1970: 1_767_225_600)

    @Test(arguments: [
        // Where OpenSSL writes UTCTime, and where GeneralizedTime.
        (0.0, "notBefore=Jan  1 00:00:00 2026 GMT\nnotAfter=Jan 31 00:00:00 2026 GMT\n"),
        (-1_767_225_600.0, "notBefore=Jan  1 00:00:00 1970 GMT\nnotAfter=Jan 31 00:00:00 1970 GMT\n"),
        (2_530_915_200.0, "notBefore=Mar 16 00:00:00 2106 GMT\nnotAfter=Apr 15 00:00:00 2106 GMT\n"),
    ])
    func certificatesBeginWhenTheAuthorityThinksItIs(_ offset: TimeInterval, _ validity: String) throws {
        let log = LogBook()
        let authority = try makeAuthority(log: log) {
            $0.clock = { Self.start }
            $0.clockOffset = offset - 60
            $0.backdating = 0
        }
        #expect(authority.moveClock(by: 60) == Self.start.addingTimeInterval(offset))
        let client = try Client()
        let certificate = try #require(try authority.enrol(client).certificates(for: client).first)
        #expect(try OpenSSLCheck.describe(certificate, ["-dates"]) == validity)
        #expect(log.events.last?.date == Self.start.addingTimeInterval(offset))
        authority.moveClock(by: -1)
        _ = authority.get("GetCACaps")
        #expect(log.events.last?.description.hasPrefix("23:59:59Z GET GetCACaps") == true)
    }

    @Test func theHierarchyBeginsByTheOffset() throws {
        let authority = try makeAuthority {
            $0.clock = { Self.start }
            $0.clockOffset = 86_400
        }
        #expect(
            try OpenSSLCheck.describe(authority.trustAnchor, ["-startdate"]) == "notBefore=Jan  1 23:59:00 2026 GMT\n")
        authority.moveClock(by: 3600)
        let next = try authority.prepareNextCA()
        #expect(try OpenSSLCheck.describe(next, ["-startdate"]) == "notBefore=Jan  2 00:59:00 2026 GMT\n")
    }

    @Test(arguments: [
        (HTTPStyle.DateField.clock, ["Date: Fri, 02 Jan 2026 00:00:00 GMT"]), (.absent, []),
        (.text("yesterday"), ["Date: yesterday"]),
    ])
    func theDateHeaderFollows(_ field: HTTPStyle.DateField, _ expected: [String]) async throws {
        try await AuthorityServerTests().serving({
            $0.clock = { Self.start }
            $0.profile.http.date = field
        }) { server in
            let client = AdministrationClient(port: try #require(server.adminPort))
            #expect(try await client.send("GET", path: ["clock"]) == "2026-01-01T00:00:00Z\n")
            let moved = try await client.send("POST", path: ["clock"], parameters: ["by": "86400"])
            #expect(moved == "2026-01-02T00:00:00Z\n")
            let response = try await Wire.exchange(
                port: server.port, "GET /?operation=GetCACaps HTTP/1.0\r\nHost: ca\r\n\r\n")
            #expect(response.fields.filter { $0.hasPrefix("Date") } == expected)
        }
    }
}
