import DER
import TestSupport
import Testing

@Suite struct ObjectIdentifierTests {
    private func encoded(_ text: String) throws -> [UInt8] {
        let text = Array(text.utf8)
        return try writing { writer in try writer.write(identifierText: text.span) }
    }

    @Test(arguments: [
        "0.0", "0.39", "1.0", "1.39", "2.5", "2.47", "2.48", "2.100.3", "2.999.1", "1.2.840.113549.1.7.2",
        "1.3.127", "1.3.128", "1.3.16383", "1.3.16384", "1.3.2097151", "1.3.2097152", "1.3.167772160",
        "1.3.268435455", "2.268435455", "2.16.840.1.101.3.4.2.1",
        // A template of Microsoft's, with arcs of 24 bits.
        "1.3.6.1.4.1.311.21.8.16777215.13898300.16777215.3383425.7519116.119.16408497.16777215",
    ])
    func isEncodedAsByOpenSSL(text: String) throws {
        #expect(try encoded(text) == generated("OID:\(text)"))
    }

    @Test(arguments: [
        ("", 0), ("1", 1), (".", 0), ("1.", 0), ("1.2.", 2), (".1.2", 0), ("1..2", 2), ("1.2a", 3), ("1.2:", 3),
        ("1.2/", 3), ("1.02", 3), ("00.1", 1),
        ("1,2", 1),
        ("-1.2", 0), (" 1.2", 0), ("1. 2", 2), ("3.1", 0), ("0.40", 2), ("1.40", 2), ("1.2.268435456", 4),
        ("1.2.4294967297", 4), ("1.2.99999999999999999999", 4), ("268435456.1", 0),
        ("1.2." + Array(repeating: "268435455", count: 12).joined(separator: "."), 114),
    ])
    func isRefused(text: String, offset: Int) {
        #expect(throws: DERError(.invalidObjectIdentifier, at: offset)) { try encoded(text) }
    }

    @Test func literalIsWritten() throws {
        let der = try writing { writer in try writer.write(ObjectIdentifier("1.2.840.113549.1.7.2")) }
        #expect(try der == generated("OID:1.2.840.113549.1.7.2"))
    }

    @Test func longestIsWritten() throws {
        let text = "1.2." + Array(repeating: "268435455", count: 11).joined(separator: ".") + ".127.1.1"
        #expect(try encoded(text).count == 2 + ObjectIdentifier.maximumSize)
        #expect(throws: DERError(.invalidObjectIdentifier, at: text.utf8.count + 1)) { try encoded(text + ".1") }
    }
}
