import Foundation
import TestSupport
import Testing

@testable import Gateway

@Suite struct InspectFixtureTests {
    @Test func show() throws {
        let ca = try Fixtures.read("jscep/02-GetCACert.rsp.der")
        print(try Inspecting(key: Fixtures.read("jscep/server-ca-key.pkcs8.der"), ca: ca).lines(Fixtures.read("jscep/04-PKIOperation.req.der")))
        print(try Inspecting(key: Fixtures.read("jscep/client.key"), ca: ca, request: Fixtures.read("jscep/04-PKIOperation.req.der")).lines(Fixtures.read("jscep/04-PKIOperation.rsp.der")))
        for name in ["ndes_failure.der", "micromdm_certrep.der", "cryptlib_resp1.der", "cryptlib_req0.der", "jscep/01-GetCACaps.rsp.txt"] {
            print(try Inspecting().lines(Fixtures.read(name)))
        }
        print(try Inspecting(fingerprint: "").lines(ca))
        _ = try Inspecting().json(ca)
    }
}
