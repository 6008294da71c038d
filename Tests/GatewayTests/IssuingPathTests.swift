import TestSupport
import Testing

@testable import Gateway
@testable import Output

/// Chains of openssl's making.
@Suite struct IssuingPathTests {
    private struct Chain {
        var leaf: [UInt8] = []
        var intermediate: [UInt8] = []
        var root: [UInt8] = []
        var stranger: [UInt8] = []
    }

    private func makeChain() throws -> Chain {
        try withTemporaryDirectory { folder in
            func run(_ line: String) throws -> [UInt8] {
                try OpenSSL.run(
                    line.split(separator: " ").map { String($0).replacing("@", with: folder.path + "/") })
            }
            func issue(_ name: String, by issuer: String, isCA: Bool) throws {
                _ = try run("req -newkey rsa:2048 -nodes -keyout @\(name).key -out @\(name).csr -subj /CN=\(name)")
                let extensions = isCA ? "basicConstraints=critical,CA:TRUE" : "keyUsage=digitalSignature"
                let file = folder.appendingPathComponent("ext")
                try extensions.write(to: file, atomically: true, encoding: .utf8)
                _ = try run(
                    "x509 -req -in @\(name).csr -CA @\(issuer).pem -CAkey @\(issuer).key -days 9 -set_serial 7"
                        + " -extfile @ext -out @\(name).pem")
            }
            for name in ["root", "stranger"] {
                _ = try run(
                    "req -x509 -newkey rsa:2048 -nodes -keyout @\(name).key -out @\(name).pem -days 9 -subj /CN=\(name)"
                )
            }
            try issue("sub", by: "root", isCA: true)
            try issue("leaf", by: "sub", isCA: false)
            return Chain(
                leaf: try run("x509 -in @leaf.pem -outform DER"),
                intermediate: try run("x509 -in @sub.pem -outform DER"),
                root: try run("x509 -in @root.pem -outform DER"),
                stranger: try run("x509 -in @stranger.pem -outform DER"))
        }
    }

    @Test func pathIsFoundInAnyOrder() throws {
        let chain = try makeChain()
        let whole = IssuingPath(of: chain.leaf, in: chain.stranger + chain.root + chain.intermediate)
        #expect(whole.intermediates == [chain.intermediate])
        #expect(whole.root == chain.root && whole.anchor == chain.root)
        // A pinned intermediate without its root: servers have to send it, and others to trust it.
        let pinned = IssuingPath(of: chain.leaf, in: chain.intermediate)
        #expect(pinned.intermediates == [chain.intermediate])
        #expect(pinned.root == nil && pinned.anchor == chain.intermediate)
        let foreign = IssuingPath(of: chain.leaf, in: chain.stranger)
        #expect(foreign.certificates.isEmpty && foreign.anchor == [])
    }

    /// What anybody may have sent counts above what is trusted, and nowhere else.
    /// Twice as many certificates as a CA may have are looked at, and no more.
    @Test(arguments: [(14, true), (15, true), (16, false), (20, false)])
    func soManyAreLookedAt(before: Int, isFound: Bool) throws {
        let root = try OpenSSLIdentity(subject: "/CN=Root")
        let sub = try OpenSSLIdentity(
            subject: "/CN=Sub", issuedBy: root, extensions: ["basicConstraints=critical,CA:TRUE"])
        let leaf = try OpenSSLIdentity(subject: "/CN=leaf", issuedBy: sub)
        let stranger = try OpenSSLIdentity.authority
        let offered = (0..<before).flatMap { _ in stranger.der } + root.der
        let path = IssuingPath(of: leaf.der, in: sub.der, offered: offered)
        #expect(path.root == (isFound ? root.der : nil) && path.anchor == (isFound ? root.der : sub.der))
    }

    @Test func rootThatWasOnlyOfferedStandsAboveATrustedCA() throws {
        let chain = try makeChain()
        let above = IssuingPath(of: chain.leaf, in: chain.intermediate, offered: chain.stranger + chain.root)
        #expect(above.intermediates == [chain.intermediate] && above.root == chain.root)
        let below = IssuingPath(of: chain.leaf, in: chain.root, offered: chain.intermediate)
        #expect(below.certificates.isEmpty)
        let stranger = IssuingPath(of: chain.leaf, in: chain.intermediate, offered: chain.stranger)
        #expect(stranger.certificates == [chain.intermediate] && stranger.root == nil)
        // The root's name and key, and a signature that is not its own.
        var forged = chain.root
        forged[forged.count - 1] ^= 1
        #expect(IssuingPath(of: chain.leaf, in: chain.intermediate, offered: forged).root == nil)
    }
}
