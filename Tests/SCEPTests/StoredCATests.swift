import PKIX
import SCEP
import TestSupport
import Testing

/// Which of the certificates that were trusted once still are, under other fingerprints and leniencies.
@Suite struct StoredCATests {
    private struct Tree: Sendable {
        let root, issuing, sibling, below, next, nextRA: OpenSSLIdentity

        init() throws {
            root = try Hierarchy.one.root
            issuing = try Hierarchy.one.intermediate
            sibling = try OpenSSLIdentity(
                subject: "/O=Example/CN=Sibling", for: TestKey.rsa, issuedBy: root, extensions: Hierarchy.authority)
            below = try OpenSSLIdentity(
                subject: "/O=Example/CN=Below", issuedBy: issuing, extensions: Hierarchy.authority)
            next = try OpenSSLIdentity(subject: "/O=Example/CN=Next", extensions: ["keyUsage=critical,keyCertSign"])
            nextRA = try OpenSSLIdentity(
                subject: "/CN=RA", for: TestKey.rsa, issuedBy: next, extensions: ["keyUsage=keyEncipherment"])
        }
    }

    private static let tree = Result { try Tree() }

    private func kept(
        _ stored: [OpenSSLIdentity], _ pins: [OpenSSLIdentity], _ policy: Policy = Policy()
    ) throws -> [[UInt8]] {
        let text = Array(try pins.map { try $0.fingerprint() }.joined(separator: ",").utf8)
        // Behind something else, as those of the next CA are.
        let bytes = [0xA5, 0xA5, 0xA5] + stored.flatMap(\.der)
        guard let fingerprints = Fingerprints(text.span) else { return [] }
        let ranges = CACertificates.stillTrusted(bytes.span, in: 3..<bytes.count, fingerprints, policy)
        return ranges.indices.map { Array(bytes[ranges[$0]]) }.filter { !$0.isEmpty }
    }

    /// A fingerprint narrows what was trusted by a wider one, and does not take more.
    @Test func whatIsPinnedDecides() throws {
        let (hierarchy, tree) = (try Hierarchy.one, try Self.tree.get())
        let all = [tree.sibling, tree.root, tree.issuing, hierarchy.ra, tree.below]
        let rows: [(pins: [OpenSSLIdentity], kept: [OpenSSLIdentity])] = [
            ([tree.root], all), ([tree.issuing], [tree.issuing, hierarchy.ra, tree.below]),
            ([tree.below], [tree.below]),
            ([tree.sibling], [tree.sibling]),
            ([tree.issuing, tree.sibling], [tree.sibling, tree.issuing, hierarchy.ra, tree.below]),
            ([hierarchy.ra], [hierarchy.ra]),
            // Nobody here is pinned any more: who vouched for them is remembered.
            ([tree.next], all),
        ]
        for (pins, expected) in rows { #expect(try kept(all, pins) == expected.map(\.der)) }
        // openssl agrees that the root is what the sibling depends on.
        #expect(try isVerified(tree.sibling, by: [], under: tree.root))
        #expect(try !isVerified(tree.sibling, by: [], under: tree.issuing))
    }

    @Test func moreThanEightAreNotLookedAt() throws {
        let root = try Hierarchy.one.root
        #expect(try kept(Array(repeating: root, count: 9), [root]) == Array(repeating: root.der, count: 8))
    }

    @Test func aLeniencyThatWasTakenBackDecides() throws {
        let hierarchy = try Hierarchy.one
        let all = [hierarchy.unmarked, hierarchy.root, hierarchy.weak]
        let lenient = Policy(digestFloor: .sha1, allowsUnmarkedRA: true)
        #expect(try kept(all, [hierarchy.root], lenient) == all.map(\.der))
        #expect(
            try kept(all, [hierarchy.root], Policy(allowsUnmarkedRA: true))
                == [hierarchy.unmarked, hierarchy.root].map(\.der))
        #expect(try kept(all, [hierarchy.root]) == [hierarchy.root.der])
        #expect(
            try kept(all, [hierarchy.root, hierarchy.unmarked]) == [hierarchy.unmarked, hierarchy.root].map(\.der))
    }

    /// For whom came by GetNextCACert the pinned CA vouched, marks or not.
    @Test func whomAnotherCAVouchedForStays() throws {
        let (hierarchy, tree) = (try Hierarchy.one, try Self.tree.get())
        let all = [tree.next, tree.nextRA, hierarchy.root, hierarchy.unmarked]
        #expect(try kept(all, [hierarchy.root]) == [tree.next, tree.nextRA, hierarchy.root].map(\.der))
        #expect(try kept([tree.next, tree.nextRA], [hierarchy.root]) == [tree.next, tree.nextRA].map(\.der))
    }
}
