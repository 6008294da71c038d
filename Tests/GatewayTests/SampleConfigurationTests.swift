import Foundation
import TestSupport
import Testing

@testable import Gateway
@testable import Output

/// The sample configuration that the package installs: whatever line an operator uncomments is taken.
@Suite struct SampleConfigurationTests {
    /// For names without a default, whose line has a word in capitals.
    private static let values = [
        "url": "http://ca.example/scep", "message": "ca", "fingerprint": String(repeating: "a5", count: 32),
        "subject": "CN=gateway 7", "san": "DNS:gateway.example", "key-usage": "digitalSignature",
        "extended-key-usage": "clientAuth", "template": "Gateway", "allow": "sha1", "renew": "70", "check": "crl",
        "tls-pin": String(repeating: "a5", count: 32), "proxy": "http://proxy.example:3128", "pkcs11-token": "gateway",
    ]

    @Test func everyLineCanBeUncommented() throws {
        let generator = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
            .appendingPathComponent("../../Packaging/generators/conf.awk").path
        let sample = try runProgram("/usr/bin/awk", ["-f", generator], input: Help.description()).output
        let lines = String(decoding: sample, as: UTF8.self).split(separator: "\n").filter { !$0.hasPrefix("# ") }
        let options = Option.allCases.filter(\.isInConfiguration).count
        #expect(lines.count == options && options > 30, "\(lines.count) \(options)")
        for line in lines {
            let parts = line.dropFirst().components(separatedBy: " = ")
            try #require(line.hasPrefix("#") && parts.count == 2, "\(line)")
            let (name, value) = (parts[0], parts[1])
            let isFile = ["FILE", "PROGRAM"].contains(value)
            let isPlaceholder = value.allSatisfy { $0.isUppercase }
            let taken =
                isFile ? "/etc/scep/\(name)" : isPlaceholder ? try #require(Self.values[name], "\(line)") : value
            var text = "\(name) = \(taken)\n"
            for needed in ["url", "fingerprint", "subject"] where needed != name {
                text += "\(needed) = \(Self.values[needed] ?? "")\n"
            }
            var settings = Settings()
            settings.file = Text("scep.conf")
            try ConfigurationFile.read(Array(text.utf8), into: &settings)
            let refusal = try AgentText(settings).refusal(settings)
            #expect(refusal == nil, "\(line): \(refusal.map { String(decoding: $0.message, as: UTF8.self) } ?? "")")
        }
    }
}
