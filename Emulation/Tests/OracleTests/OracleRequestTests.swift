import DER
import DeviceCrypto
import LibCrypto
import PKIX
import Testing

// Both have one.
private typealias Check = LibCrypto.CertificationRequest

/// Certification requests of ours, as OpenSSL reads them: what was asked for in words is what it finds.
@Suite struct OracleRequestTests {
    @Test func `OpenSSL finds what was asked for`() throws {
        var generator = Trial.generator("requests")
        let check = try LibCrypto.PrivateKey.generate(.p256)
        var random = CoreReader.seededRandom()
        var key = try ECPrivateKey.generate(curve: .p256, random: &random)
        for _ in 0..<Trial.count / 10 {
            let parts = (0..<Int.random(in: 0...4, using: &generator)).map { _ in Self.part(&generator) }
            let subject = Array(
                parts.map { "\($0.type)=\(Self.escaped($0.value, &generator))" }.reversed()
                    .joined(separator: ",").utf8)
            let password = Bool.random(using: &generator) ? Self.text(1...30, &generator) : ""
            let names = (0..<Int.random(in: 0...4, using: &generator)).map { _ in Self.altName(&generator) }
            let usage = Self.some(
                ["digitalSignature", "nonRepudiation", "keyEncipherment", "keyAgreement"], &generator)
            let purposes = Self.some(["clientAuth", "serverAuth", "codeSigning", "1.3.6.1.5.5.7.3.17"], &generator)

            let altNames = Array(names.joined(separator: ",").utf8)
            let keyUsage = Array(usage.joined(separator: ",").utf8)
            let extendedKeyUsage = Array(purposes.joined(separator: ",").utf8)
            let challenge = Array(password.utf8)
            let der = try written { writer throws(DERError) in
                var request = PKIX.CertificationRequest(subject: subject.span)
                request.challengePassword = challenge.span
                request.subjectAltName = altNames.span
                request.keyUsage = keyUsage.span
                request.extendedKeyUsage = extendedKeyUsage.span
                try request.write(to: &writer, key: &key, digest: .sha256, random: &random)
            }
            let read = try Check(der: der)
            #expect(read.isSignedByItsKey && read.der == der, "\(hex(der))")
            #expect(try read.challengePassword() == (password.isEmpty ? nil : password))
            #expect(
                try OpenSSLReader.attributes(ofName: read.subject.der) == parts.map { "\($0.type)=\($0.value)" },
                "\(hex(der))"
            )

            // The same words in OpenSSL's own hands.
            var extensions: [ExtensionText] = []
            let isCritical = parts.isEmpty ? "critical," : ""
            if !usage.isEmpty { extensions.append(.init("keyUsage", "critical," + usage.joined(separator: ","))) }
            if !purposes.isEmpty { extensions.append(.init("extendedKeyUsage", purposes.joined(separator: ","))) }
            if !names.isEmpty {
                extensions.append(.init("subjectAltName", isCritical + names.joined(separator: ",")))
            }
            let theirs = try Check(subject: read.subject, key: check, extensions: extensions)
            #expect(
                try read.requestedExtensions().map(\.der) == theirs.requestedExtensions().map(\.der),
                "\(names) \(usage) \(purposes)")

            // And back into words.
            let name = read.subject.der
            var buffer = [UInt8](repeating: 0, count: 4096)
            let count: Int
            do {
                var bytes = buffer.mutableSpan
                count = nameText(name.span, into: &bytes)
            }
            let text = Array(buffer.prefix(count))
            #expect(try written { writer throws(DERError) in try writer.write(name: text.span) } == name)
        }
    }

    private static func part(_ generator: inout some RandomNumberGenerator) -> (type: String, value: String) {
        switch Int.random(in: 0..<6, using: &generator) {
        case 0: ("C", "DE")
        case 1: ("serialNumber", "SN-\(UInt32.random(in: 0 ... .max, using: &generator))")
        case 2: ("DC", "example")
        case 3: ("emailAddress", "a@b.example")
        case 4: ("O", text(1...40, &generator))
        default: ("CN", text(1...40, &generator))
        }
    }

    private static let letters: [Character] = Array("abcXYZ019 ,+\"\\<>;=#'()/:.?-_üß€漢😀")

    private static func text(_ counts: ClosedRange<Int>, _ generator: inout some RandomNumberGenerator) -> String {
        String(
            (0..<Int.random(in: counts, using: &generator)).map { _ in letters.randomElement(using: &generator) ?? "x" }
        )
    }

    /// As RFC 4514, 2.4 has it, and now and then a byte in hexadecimal that need not be.
    private static func escaped(_ value: String, _ generator: inout some RandomNumberGenerator) -> String {
        var result = ""
        for (index, character) in value.enumerated() {
            if Int.random(in: 0..<8, using: &generator) == 0 {
                for byte in String(character).utf8 { result += "\\" + hex([byte]) }
            } else {
                let isEnd = index == 0 || index == value.count - 1
                if ",+\"\\<>;".contains(character) || isEnd && " #".contains(character) { result += "\\" }
                result.append(character)
            }
        }
        return result
    }

    private static func altName(_ generator: inout some RandomNumberGenerator) -> String {
        func number(_ range: ClosedRange<Int>) -> Int { Int.random(in: range, using: &generator) }
        switch number(0...5) {
        case 0: return "DNS:host\(number(0...999)).example"
        case 1: return "IP:\(number(0...255)).\(number(0...255)).\(number(0...255)).\(number(0...255))"
        case 2:
            let groups = (0..<8).map { _ in String(number(0...0xFFFF), radix: 16) }
            let first = number(0...6)
            let all = [
                groups.joined(separator: ":"),
                groups[..<first].joined(separator: ":") + "::" + groups[(first + 2)...].joined(separator: ":"),
                groups[..<6].joined(separator: ":") + ":192.0.2.\(number(0...255))",
            ]
            return "IP:" + all[number(0...2)]
        case 3: return "URI:urn:serial:\(number(0...99999))"
        case 4: return "email:a\(number(0...99))@b.example"
        // Beyond ASCII, OpenSSL takes these for Latin-1.
        default:
            return "otherName:1.3.6.1.4.1.\(number(0...99999)).\(number(0...268_435_455));UTF8:device \(number(0...9))"
        }
    }

    private static func some(_ words: [String], _ generator: inout some RandomNumberGenerator) -> [String] {
        words.filter { _ in Bool.random(using: &generator) }
    }
}
