import DER
import Foundation
import TestSupport
import Testing

@Suite struct RealMessagesTests {
    /// `openssl cms -stream` writes indefinite lengths and strings in pieces; `-cmsout` writes the same message in DER.
    @Test(arguments: [1, 1000, 4096, 5000])
    func streamedMessagesBecomeWhatOpenSSLMakesOfThem(size: Int) throws {
        var random = SeededGenerator(seed: UInt64(size))
        let content = random.bytes(size)
        try withTemporaryDirectory { directory in
            let (key, certificate) = (directory.appending(path: "key").path, directory.appending(path: "crt").path)
            try OpenSSL.run([
                "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-subj", "/CN=check",
                "-keyout", key, "-out", certificate,
            ])
            let ber = try OpenSSL.run(
                ["cms", "-sign", "-binary", "-nodetach", "-stream", "-outform", "DER", "-md", "sha256"]
                    + ["-signer", certificate, "-inkey", key],
                input: content)
            #expect(ber.starts(with: [0x30, 0x80]))
            let der = try normalized(ber)
            #expect(try der == OpenSSL.run(["cms", "-cmsout", "-inform", "DER", "-outform", "DER"], input: ber))
            #expect(
                try OpenSSL.run(
                    ["cms", "-verify", "-binary", "-inform", "DER", "-CAfile", certificate], input: der) == content)
        }
    }

    static let recorded =
        ["cryptlib_req0", "cryptlib_req1", "cryptlib_resp0", "cryptlib_resp1"].map { "\($0).der" }
        + ["micromdm_certrep", "micromdm_pkcsreq", "ndes_failure"].map { "\($0).der" }
        + ["04", "06", "08", "10", "12", "14", "16", "17"].flatMap { number in
            ["req", "rsp"].map { "jscep/\(number)-PKIOperation.\($0).der" }
        } + ["jscep/02-GetCACert.rsp.der"]

    @Test(.enabled(if: Fixtures.areThere, Comment(rawValue: Fixtures.absence)), arguments: recorded)
    func recordedMessagesBecomeDER(name: String) throws {
        let ber = try Fixtures.read(name)
        let der = try normalized(ber)
        #expect(der == Element.reference(ber: ber))
        try OpenSSL.run(["asn1parse", "-inform", "DER"], input: der)
        if name.hasSuffix("req.der") { #expect(der == ber) }
        try isStrict(der)
    }

    private func isStrict(_ der: [UInt8]) throws {
        func walk(_ start: DERReader) throws {
            var reader = start
            while !reader.isAtEnd {
                let element = try reader.read()
                if element.tag.isConstructed { try walk(element.reader) }
            }
        }
        try reading(der) { try walk($0) }
    }

    /// Truncations, and bits of the headers and of much else turned over, in a real BER message.
    @Test(.enabled(if: Fixtures.areThere, Comment(rawValue: Fixtures.absence)))
    func damagedMessagesAreCheckedAsByTheReference() throws {
        let message = try Fixtures.read("jscep/16-PKIOperation.rsp.der")
        for count in message.indices where count % 2 == 0 || count < 100 {
            #expect((try? normalized(Array(message.prefix(count)))) == nil, "\(count) bytes")
        }
        var refused = 0
        for position in message.indices {
            for bit in 0..<8 where bit == position % 8 && position % 2 == 0 || position < 48 {
                var bytes = message
                bytes[position] ^= 1 << UInt8(bit)
                let outcome = try? normalized(bytes)
                #expect(outcome == Element.reference(ber: bytes), "bit \(bit) of byte \(position)")
                if outcome == nil { refused += 1 }
            }
        }
        #expect(refused > 100)
    }
}
