import Board
import TestSupport
import Testing

/// What is wrong above the server's certificate, whose own is good; the server sends all of it. Every row is judged by
/// `openssl verify` too.
@Suite struct ChainTests {
    struct Row: Sendable, CustomTestStringConvertible {
        let testDescription: String
        let place: String
        let change: @Sendable (inout Chains.Flaw) -> Void
        let error: TransportError?

        init(
            _ testDescription: String, of place: String, _ error: TransportError?,
            _ change: @escaping @Sendable (inout Chains.Flaw) -> Void
        ) {
            self.testDescription = testDescription
            self.place = place
            self.error = error
            self.change = change
        }
    }

    /// 2036-01-01T00:00:00Z
    private static let now: Int64 = 2_082_758_400

    static let rows: [Row] =
        [Row("nothing", of: "upper", nil) { _ in }]
        + ["root", "upper", "lower"].flatMap { place in
            [
                Row("over", of: place, .certificateExpired) { $0.until = "20350101000000Z" },
                Row("of the future", of: place, .certificateNotYetValid) { $0.from = "20370101000000Z" },
            ]
        }
        + ["upper", "lower"].flatMap { place in
            [
                Row("signed with SHA-1", of: place, .certificateWeak) { $0.digest = "sha1" },
                Row("RSA-1024", of: place, .certificateWeak) { $0.key = "rsa1024" },
                Row("no CA", of: place, .certificateUntrusted) { $0.basicConstraints = "critical,CA:FALSE" },
                Row("may not sign", of: place, .certificateUntrusted) { $0.keyUsage = "critical,cRLSign" },
                Row("of another domain", of: place, .certificateUntrusted) {
                    $0.others = ["nameConstraints=critical,permitted;DNS:example.com"]
                },
            ]
        } + [Row("no room for a CA below", of: "upper", .certificateUntrusted) { $0.basicConstraints += ",pathlen:0" }]

    @Test(arguments: rows) func aFlaw(_ row: Row) throws {
        let chains = try Chains.shared.get()
        var flaw = Chains.Flaw()
        row.change(&flaw)
        let chain = try chains.make([row.place: flaw])
        #expect(chains.isVerified(chain, under: chain, at: Self.now) == (row.error == nil))
        let peer = try Peer(openssl: ["-www"] + chains.showing(chain))
        var client = Client(authorities: try chains.root(chain))
        client.time = Self.now
        #expect(try client.failure("https://localhost:\(peer.port)/") == row.error)
    }

    /// A whole chain, which is sent with its root, under a root that nobody trusts, whether it has a trusted one's name or
    /// another.
    @Test(arguments: [true, false]) func anUnknownRoot(hasKnownName: Bool) throws {
        let chains = try Chains.shared.get()
        let (known, chain) = (try chains.make([:]), try chains.make(["root": Chains.Flaw(key: "other")]))
        #expect(!chains.isVerified(chain, under: known, at: Self.now))
        let peer = try Peer(openssl: ["-www"] + chains.showing(chain))
        let authorities = try hasKnownName ? chains.root(known) : PublicKeys.shared.get().read("bundle.pem")
        var client = Client(authorities: authorities)
        client.time = Self.now
        #expect(try client.failure("https://localhost:\(peer.port)/") == .certificateUntrusted)
    }
}
