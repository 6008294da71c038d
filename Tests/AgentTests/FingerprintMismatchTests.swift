import Board
import DeviceCrypto
import PKIX
import SCEP
import TestSupport
import Testing

@testable import Agent

/// What is said of a CA that has none of the configured fingerprints.
@Suite struct FingerprintMismatchTests {
    private static let (sha256, sha512) = (String(repeating: "ab", count: 32), String(repeating: "cd", count: 64))

    /// The lines that a device with these fingerprints writes about a CA that sends `bodies`, one to each question.
    private func lines(_ fingerprints: String, _ bodies: [[UInt8]]) throws -> [String] {
        let bench = try AgentBench()
        bench.text = Array("url=http://ca.example/\nsubject=CN=x\nretries=0\nfingerprint=\(fingerprints)\n".utf8)
        try bench.start()
        _ = try bench.step()
        try bench.receive(AgentBench.capabilities, to: .getCACaps)
        var failure: AgentError?
        for body in bodies {
            _ = try bench.step()
            do { try bench.receive(body, to: .getCACert) } catch { failure = error as? AgentError }
        }
        bench.agent.end(try #require(failure))
        var log = Lines()
        let text = bench.text
        let configuration = try Configuration(text.span)
        bench.agent.logEvent(configuration, uptime: 0, bench.work.span, &log)
        return log.lines
    }

    private func digest(_ algorithm: String, of bytes: [UInt8]) throws -> String {
        try OpenSSL.run(["dgst", "-\(algorithm)", "-binary"], input: bytes)
            .map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
    }

    private struct Lines: AgentLog {
        var lines: [String] = []
        mutating func write(line: Span<UInt8>) {
            lines.append(String(decoding: line.indices.map { line[$0] }, as: UTF8.self))
        }
    }

    @Test func expectedAndCameStandInOneLine() throws {
        let ca = try OpenSSLIdentity.authority
        let device = try OpenSSLIdentity.recipient
        // Two in one reply: the first is shown.
        let bundle = try OpenSSLIdentity.bundle([ca, device])
        var lines = try lines(Self.sha256, [bundle])
        #expect(lines.count == 2 && lines[0].contains("fingerprint-mismatch"), "\(lines)")
        let first = [ca, device].map(\.der).min {
            bundle.firstRange(of: $0)!.lowerBound < bundle.firstRange(of: $1)!.lowerBound
        }!
        let came = try digest("sha256", of: first)
        #expect(lines.last == "fingerprint SHA-256: \(Self.sha256) was expected, \(came) came")
        // By the algorithm that is configured; of several the first stands for all.
        lines = try self.lines("\(Self.sha512),\(Self.sha256)", [bundle])
        let longer = try digest("sha512", of: first)
        #expect(lines.last == "fingerprint SHA-512: \(Self.sha512) or one of 1 more was expected, \(longer) came")
    }

    /// One that may have been the first of a chain, and is all that came.
    @Test func aSingleCertificateIsShownToo() throws {
        let certificate = try OpenSSLIdentity.authority.der
        let lines = try lines(Self.sha256, [certificate, certificate])
        let came = try digest("sha256", of: certificate)
        #expect(lines.last == "fingerprint SHA-256: \(Self.sha256) was expected, \(came) came")
    }

    @Test func otherFailuresSayNothingOfIt() throws {
        let lines = try lines(Self.sha256, [[0x30, 0x03, 0x02, 0x01]])
        #expect(!lines.contains { $0.hasPrefix("fingerprint ") }, "\(lines)")
    }
}
