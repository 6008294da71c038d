import EmulationTestSupport
import Testing

@Test func opensslIsInstalled() throws {
    #expect(try OpenSSL.run(["version"]).starts(with: "OpenSSL".utf8))
}
