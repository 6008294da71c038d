import Authority
import Foundation
import LibCrypto
import Testing

/// Servers that are not as RFC 8894 has them.
@Suite struct LifeServerTests {
    /// What a CA is, what the device is told of it, and how it asks.
    struct Kind: Sendable, CustomTestStringConvertible {
        let name: String
        var settings: [String: String] = [:]
        var configure: @Sendable (inout CAConfiguration) -> Void = { _ in }
        var faults: [FaultRule] = []
        /// Methods and operations of an enrolment.
        let asks: [String]
        var testDescription: String { name }
    }

    static let kinds: [Kind] = [
        Kind(
            name: "no POST offered", configure: { $0.profile.capabilities = ["AES", "Renewal", "SHA-256"] },
            asks: ["GET GetCACaps", "GET GetCACert", "GET PKIOperation"]),
        Kind(
            name: "POST answered by an empty 200", faults: [FaultRule(.emptyPost)],
            asks: ["GET GetCACaps", "GET GetCACert", "POST PKIOperation", "GET PKIOperation"]),
        Kind(
            name: "GetCACaps is unknown", settings: ["allow": "sha1,3des"],
            faults: [FaultRule(.status(404), operations: [.getCACaps])],
            asks: ["GET GetCACaps", "GET GetCACert", "GET PKIOperation"]),
        Kind(
            name: "GetCACaps breaks the connection", settings: ["allow": "sha1,3des"],
            faults: [FaultRule(.close, operations: [.getCACaps])],
            asks: ["GET GetCACaps", "GET GetCACert", "GET PKIOperation"]),
        Kind(
            name: "GetCACaps is empty", settings: ["allow": "sha1,3des"],
            faults: [FaultRule(.emptyBody, operations: [.getCACaps])],
            asks: ["GET GetCACaps", "GET GetCACert", "GET PKIOperation"]),
        Kind(
            name: "a CA identifier", settings: ["message": "line 3"], configure: { $0.identifier = "line 3" },
            asks: ["GET GetCACaps", "GET GetCACert", "POST PKIOperation"]),
        Kind(
            name: "Dogtag's chain of two", settings: ["allow": "sha1,3des"],
            configure: {
                $0.profile = .dogtag
                $0.hasIntermediate = true
            }, asks: ["GET GetCACaps", "GET GetCACert", "GET GetCACert", "GET PKIOperation"]),
        Kind(
            name: "Dogtag with an RA", settings: ["allow": "sha1,3des"],
            configure: {
                $0.profile = .dogtag
                $0.registrationAuthority = .single
            }, asks: ["GET GetCACaps", "GET GetCACert", "GET GetCACert", "GET PKIOperation"]),
    ]

    @Test(arguments: kinds)
    func deviceEnrolsAndRenewsThere(kind: Kind) throws {
        let life = try Life(kind.settings, kind.configure)
        let run = life.powerUp(kind.faults)
        #expect(run.verdict == "done", "\(run.lines)")
        #expect(run.exchanges.map { "\($0.request.method) \($0.request.field("operation") ?? "")" } == kind.asks)
        let first = try #require(try life.identity())
        try OpenSSLCheck.verify(first, of: life.authority)
        // What GET carries is what POST would.
        let asked = try OpenSSLCheck.request(OpenSSLCheck.open(#require(run.messages.last), life))
        #expect(asked.contains("CN = sensor-7"))
        #expect(run.messages.allSatisfy { $0 == run.messages[0] })

        life.pass(days: 25)
        let renewal = life.powerUp(kind.faults)
        #expect(renewal.verdict == "done", "\(renewal.lines)")
        let second = try #require(try life.identity())
        try OpenSSLCheck.verify(second, of: life.authority)
        #expect(second.notAfter > first.notAfter)
    }

    /// Too little, unless it is allowed.
    @Test func serverWithoutCapabilitiesIsNamed() throws {
        let life = try Life()
        let run = life.powerUp(FaultRule(.emptyBody, operations: [.getCACaps]))
        #expect(run.verdict == "no-capabilities")
        #expect(run.operations == ["GetCACaps"])
        #expect(life.powerUp().verdict == "done")
    }

    @Test func wrongIdentifierIsNamed() throws {
        let life = try Life(["message": "line 4"]) { $0.identifier = "line 3" }
        #expect(life.powerUp().verdict == "http-status")
    }

    /// A CA that knows nothing of passwords as keys (RFC 8894, section 3.1): nothing is left of the request but the
    /// CA's own words.
    @Test(arguments: ["p256", "p384"])
    func authorityThatCannotServeECDevicesIsNamed(key: String) throws {
        let life = try Life(["key": key, "challenge-use": "always"]) {
            $0.challenge = .shared(Life.password)
            $0.servesPasswordRecipients = false
        }
        let run = life.powerUp()
        #expect(run.error.map { "\($0)" }?.contains("badAlg") == true)
        #expect(run.verdict == "refused")
        #expect(try life.identity() == nil)
    }

    @Test func ecDeviceWithoutAPasswordIsNamedBeforeAnythingIsSent() throws {
        let life = try Life(["key": "p256"]) { $0.challenge = .none }
        life.settings["challenge"] = nil
        let run = life.powerUp()
        #expect(run.verdict == "no-password")
        #expect(run.messages.isEmpty)
    }

    /// A device whose key can decrypt does not encrypt with its password because the CA shows no RSA key, unless it is
    /// told to; whoever asks an EC CA is then asked for a password.
    @Test func ecCAIsAskedByPasswordOnlyWhereThatIsAllowed() throws {
        let life = try Life { $0.key = .p256 }
        for (leniency, password, verdict) in [
            (nil, Life.password, "no-encryption"), (nil, nil, "no-encryption"),
            ("password-encryption", nil, "no-password"),
        ] as [(String?, String?, String)] {
            life.settings["challenge"] = password
            life.settings["allow"] = leniency
            let run = life.powerUp()
            #expect(run.verdict == verdict, "\(run.lines)")
            #expect(run.messages.isEmpty)
        }
    }
}
