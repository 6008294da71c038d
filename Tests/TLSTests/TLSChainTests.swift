import Board
import PKIX
import TestSupport
import Testing

/// What is wrong above the server's certificate, whose own is good; the server sends all of it. Every row is checked by
/// `openssl verify` too.
@Suite struct TLSChainTests {
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
        } + [Row("no space for a CA below", of: "upper", .certificateUntrusted) { $0.basicConstraints += ",pathlen:0" }]

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

    /// Two times that differ in one part of the date, the parts below it the other way round.
    static let times: [(earlier: String, later: String)] = [
        ("20350630235959Z", "20360101000000Z"), ("20351130235959Z", "20351201000000Z"),
        ("20351201235959Z", "20351202000000Z"), ("20351202005959Z", "20351202010000Z"),
        ("20351202000059Z", "20351202000100Z"), ("20351202000001Z", "20351202000002Z"),
    ]

    /// Of several issuers it is the one that ends first, or begins last, by which the chain is checked.
    @Test(arguments: times.indices, ["upper", "lower"])
    func theNarrowestTimeCounts(_ index: Int, _ place: String) throws {
        let chains = try Chains.shared.get()
        let other = place == "upper" ? "lower" : "upper"
        let (earlier, later) = Self.times[index]
        // Clocks may differ by five minutes from when a certificate begins.
        let (end, begin) = try (Self.seconds(later), Self.seconds(earlier) - 300)
        for (flaws, time, error) in [
            ([place: Chains.Flaw(until: earlier), other: Chains.Flaw(until: later)], end, .certificateExpired),
            ([place: Chains.Flaw(from: later), other: Chains.Flaw(from: earlier)], begin, .certificateNotYetValid),
        ] as [([String: Chains.Flaw], Int64, TransportError)] {
            let chain = try chains.make(flaws)
            #expect(!chains.isVerified(chain, under: chain, at: time))
            let peer = try Peer(openssl: ["-www"] + chains.showing(chain))
            var client = Client(authorities: try chains.root(chain))
            client.time = time
            #expect(try client.failure("https://localhost:\(peer.port)/") == error)
        }
    }

    /// Seconds since 1970 of a GeneralizedTime.
    private static func seconds(_ time: String) throws -> Int64 {
        let digits = Array(time.utf8)
        func part(_ range: Range<Int>) throws -> Int {
            try #require(Int(String(decoding: digits[range], as: UTF8.self)))
        }
        return try secondsSince1970(
            year: part(0..<4), month: part(4..<6), day: part(6..<8), hour: part(8..<10), minute: part(10..<12),
            second: part(12..<14))
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
