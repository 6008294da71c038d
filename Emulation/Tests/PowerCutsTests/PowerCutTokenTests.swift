import Authority
import Board
import Foundation
import LibCrypto
import TestSupport
import Testing

@testable import PowerCuts

/// A device whose private keys the core cannot read enrols and renews: nothing needs more of a key than signatures and
/// decryption, and nothing gives one away.
@Suite struct PowerCutTokenTests {
    @Test(arguments: [("renewal", KeyKind.rsa2048), ("ec-renewal", .p256)])
    func aKeyThatCannotBeReadServesALifetime(flow name: String, kind: KeyKind) throws {
        var flow = try #require(Flow.all.first { $0.name == name })
        // All of the device's life, so that the enrolment is recorded too.
        flow.steps = flow.setUp + flow.steps
        flow.setUp = []
        let token = Token()
        let bench = try Bench(flow, token: token, keys: Shared.keys.get())
        var messages: [[UInt8]] = []
        bench.watch = { messages += [$1, $2] }
        let geometry = StorageGeometry(pageSize: 4, sectorSize: 1024, sectorCount: 24, erasedValue: 0xFF)
        let start = bench.state(NORPart(geometry))
        let outcome = try Scenario(bench: bench).run(start, records: true)

        // Two certificates, each for a key of the token, each from the CA.
        #expect(outcome.state.identities.count == 2)
        #expect(outcome.state.slotsTaken == 2)
        let keys = [1, 2].map { Token.Slot(kind: kind, number: $0) }
        for (der, slot) in zip(outcome.state.identities, keys) {
            try withTemporaryDirectory { directory in
                let (ca, own) = (directory.appendingPathComponent("ca"), directory.appendingPathComponent("own"))
                try Data(bench.authority.trustAnchor.pem()).write(to: ca)
                try Data(Certificate(der: der).pem()).write(to: own)
                let time = "\(outcome.state.now / 1000)"
                try OpenSSL.run(["verify", "-attime", time, "-CAfile", ca.path, own.path])
                let key = try OpenSSL.run(["x509", "-in", own.path, "-pubkey", "-noout"])
                #expect(try key == OpenSSL.run(["pkey", "-pubout"], input: token.privateKey(of: slot)))
            }
        }

        // All that was ever stored and sent, and in it no part of a private key.
        let open = outcome.cutPoints.map(\.state.part.content) + [outcome.state.part.content] + messages
        #expect(messages.count >= 12)
        for slot in keys {
            #expect(open.contains { holds($0, try? token.bareBytes(of: slot)) })
            let secrets = try secretNumbers(token.privateKey(of: slot), kind)
            #expect(secrets.count == (kind == .p256 ? 1 : 6))
            for secret in secrets {
                #expect(!open.contains { holds($0, secret) || holds($0, secret.reversed()) })
            }
        }
    }

    private func holds(_ bytes: [UInt8], _ part: [UInt8]?) -> Bool {
        guard let part else { return false }
        return Data(bytes).range(of: Data(part)) != nil
    }

    /// RSA: the private exponent, the primes and what follows from them (RFC 8017, A.1.2). EC: the private key (RFC
    /// 5915, section 3). Without leading zeros.
    private func secretNumbers(_ pem: [UInt8], _ kind: KeyKind) throws -> [[UInt8]] {
        let der = try OpenSSL.run(["pkey", "-traditional", "-outform", "DER"], input: pem)
        // openssl asn1parse: one element a line, its contents in hexadecimal behind the last colon.
        let listing = String(decoding: try OpenSSL.run(["asn1parse", "-inform", "DER"], input: der), as: UTF8.self)
        if kind == .p256 {
            let line = try #require(listing.split(separator: "\n").first { $0.contains("OCTET STRING") })
            return [try #require(line.split(separator: ":").last.flatMap { [UInt8](hexadecimal: String($0)) })]
        }
        let numbers = listing.split(separator: "\n").filter { $0.contains("INTEGER") }
        return try numbers.dropFirst(3).map { line in
            try #require(line.split(separator: ":").last.flatMap { [UInt8](hexadecimal: String($0)) })
        }
    }
}
