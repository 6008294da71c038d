import Foundation
import PKIX
import Testing

/// NIST's Public Key Interoperability Test Suite (PKITS), each of its certificates with the chain up to its root: none is
/// trusted here that OpenSSL refuses, and what is refused here alone has a reason.
@Suite struct OracleChainTests {
    private static let folder = URL(fileURLWithPath: #filePath)
        .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent()
        .appendingPathComponent(".toolchain/python/cryptography_vectors/x509/PKITS_data/certs")

    /// Why a certificate is refused here that OpenSSL lets pass, by the word for it.
    private static let strict: [String: String] = [
        "criticalExtension": "policies, and constraints of names, are not checked (SECURITY.md, What is not checked)",
        "notSigned": "below one that is refused for the reasons of this table",
        "unusableKey": "DSA",
        "caKeyUnusable": "DSA",
        "unknownSignatureAlgorithm": "DSA",
        "notCA": "cA without keyCertSign is nobody's that requests are sent to; OpenSSL looks when it has signed",
        "pathLength": "OpenSSL lets a CA pass at the end of a path that is too long, where it signs nothing",
    ]

    @Test func `PKITS`() throws {
        let names = try FileManager.default.contentsOfDirectory(atPath: Self.folder.path).sorted()
        var all: [(name: String, der: [UInt8])] = []
        for name in names where name.hasSuffix(".crt") {
            all.append((name, try [UInt8](Data(contentsOf: Self.folder.appendingPathComponent(name)))))
        }
        #expect(all.count > 400, "make setup fetches cryptography-vectors")
        let root = try #require(all.first { $0.name == "TrustAnchorRootCertificate.crt" }?.der)
        var (bothTrust, bothRefuse) = (0, 0)
        var unexplained: [String] = []
        var words: [String: Int] = [:]
        let links = try all.map { try Link($0.der) }
        for (name, der) in all where der != root {
            // The last day of the suite is in 2030.
            let chain = Chain(
                target: der, others: Self.authorities(above: try Link(der), in: links.filter { $0.der != root }),
                root: root, time: 1_700_000_000)
            switch (chain.ourRefusal(), chain.theirRefusal()) {
            case (nil, nil): bothTrust += 1
            case (.some, .some): bothRefuse += 1
            case (nil, let reason?): unexplained.append("\(name): trusted here, and OpenSSL says \(reason)")
            case (let word?, nil):
                words[word, default: 0] += 1
                if Self.strict[word] == nil { unexplained.append("\(name): \(word) here, and OpenSSL trusts it") }
            }
        }
        print("oracles: PKITS: both trust \(bothTrust), both refuse \(bothRefuse), refused here only \(words)")
        #expect(unexplained.isEmpty)
        for text in unexplained { Issue.record("\(text)") }
        #expect(bothTrust > 150 && bothRefuse > 20)
    }

    /// All that may stand between a certificate and the root, by their names.
    private static func authorities(above target: Link, in all: [Link]) -> [[UInt8]] {
        var found: [[UInt8]] = []
        var pending = [target]
        while let next = pending.popLast() {
            for candidate in all where candidate.der != target.der && !found.contains(candidate.der) {
                guard areNamesEqual(candidate.subject.span, next.issuer.span) else { continue }
                found.append(candidate.der)
                pending.append(candidate)
            }
        }
        return found
    }

    private struct Link {
        let der: [UInt8]
        let subject: [UInt8]
        let issuer: [UInt8]

        init(_ der: [UInt8]) throws {
            self.der = der
            let root = try #require(Element(der: der))
            // Behind the version, which all but one of them have.
            let start = root[[0, 0]].tag == 0xA0 ? 1 : 0
            issuer = root[[0, start + 2]].der
            subject = root[[0, start + 4]].der
        }
    }
}
