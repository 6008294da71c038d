import Authority
import Foundation
import LibCrypto
import Testing

@Suite struct SnapshotTests {
    @Test func whatCameSinceIsForgotten() throws {
        let authority = try makeAuthority {
            $0.challenge = .oneTime([OneTimePassword(device: "", password: "once")])
            $0.hasNextCA = true
            $0.clock = { Date(timeIntervalSince1970: 1_767_225_600) }
        }
        authority.setFaults([FaultRule(.status(503), operations: [.getCACaps], times: 1)])
        let (root, start) = (authority.trustAnchor, authority.snapshot())
        let client = try Client()
        #expect(authority.get("GetCACaps").status == 503)
        let first = try authority.enrol(client, challenge: "once").certificates(for: client)
        authority.moveClock(by: 60)
        try authority.rollOver()

        try authority.restore(start)
        #expect(authority.trustAnchor == root)
        #expect(authority.now == Date(timeIntervalSince1970: 1_767_225_600))
        #expect(authority.get("GetCACaps").status == 503)
        #expect(authority.ledger.entries.isEmpty)
        #expect(authority.transactions().isEmpty)
        // The password is unused again, and the certificate the same to the last byte.
        #expect(try authority.enrol(client, challenge: "once").certificates(for: client) == first)
    }

    @Test func aForkGoesItsOwnWay() throws {
        let authority = try makeAuthority()
        let (one, other) = (try Client("one"), try Client("other", key: Keys.device(1)))
        _ = try authority.enrol(one, transactionID: "1")
        let log = LogBook()
        let fork = try authority.fork(log: log.write)
        #expect(fork.publishedCertificates == authority.publishedCertificates)
        _ = try fork.enrol(other, transactionID: "2")
        #expect(log.events.count == 1)
        #expect(fork.issuedCertificates().map(\.subject) == ["CN=one", "CN=other"])
        #expect(authority.issuedCertificates().map(\.subject) == ["CN=one"])
    }

    @Test func keysAreTakenOverWithoutTheHistory() throws {
        let authority = try makeAuthority { $0.hasIntermediate = true }
        let client = try Client()
        _ = try authority.enrol(client)
        let fresh = try makeAuthority(from: authority.snapshot().withoutHistory) {
            $0.makeKey = { _ in throw CAConfigurationError("no key has to be made") }
            $0.policy = .manual
        }
        #expect(fresh.publishedCertificates == authority.publishedCertificates)
        #expect(fresh.issuedCertificates().isEmpty)
        #expect(try fresh.enrol(client).status == .pending)
    }

    @Test func theLedgerTellsReuse() throws {
        let authority = try makeAuthority()
        let client = try Client()
        for _ in 1...2 { _ = try authority.enrol(client, transactionID: "a", challenge: "p") }
        #expect(authority.ledger.entries.count == 1)
        #expect(authority.ledger.counts.values.map(\.self) == [2])
        #expect(authority.ledger.transactionIDsOfSeveralKeys.isEmpty)
        #expect(authority.ledger.challengesOfSeveralTransactions.isEmpty)
        let entry = try #require(authority.ledger.entries.first)
        #expect(try entry.key == Digest.sha256.hash(client.key.publicKey().der).hexadecimal)
        // printf p | sha256sum
        let digest = "148de9c5a7a44d19e56cd9ae1a554bf67847afb0c58f6e12fa29ac7ddfca9940"
        #expect(entry.challenge == digest)

        // Refused, but entered.
        _ = try authority.enrol(Client(key: Keys.device(1)), transactionID: "a", challenge: "q")
        #expect(authority.ledger.transactionIDsOfSeveralKeys == ["a"])
        #expect(authority.ledger.challengesOfSeveralTransactions.isEmpty)
        _ = try authority.enrol(Client(key: Keys.device(1)), transactionID: "b", challenge: "p")
        #expect(authority.ledger.challengesOfSeveralTransactions == [digest])
    }

    /// The same key renewed under the transactionID that follows from it is a transaction of its own.
    @Test func theLedgerKnowsARenewalFromAnEnrolment() throws {
        let authority = try makeAuthority()
        let client = try Client()
        let old = try #require(try authority.enrol(client, challenge: "p").certificates(for: client).first)
        let renewing = try Client(renewing: old, of: client, key: client.key)
        _ = try authority.enrol(renewing, .renewalReq, challenge: "p")
        #expect(authority.ledger.entries.map(\.renews) == [nil, old.serialText])
        #expect(authority.ledger.transactionIDsOfSeveralKeys.isEmpty)
        #expect(authority.ledger.challengesOfSeveralTransactions.count == 1)
    }

    /// Random nonces and content keys make two answers differ, unless one is remembered.
    @Test(arguments: [false, true])
    func answersAreRemembered(_ remembers: Bool) throws {
        let log = LogBook()
        let authority = try makeAuthority(log: log) {
            $0.remembersAnswers = remembers
            $0.clock = { Date(timeIntervalSince1970: 1_767_225_600) }
            $0.policy = .manual
        }
        let client = try Client()
        let message = try client.message(.pkcsReq, client.request(), transactionID: "1", for: authority.recipient)
        let start = authority.snapshot()
        let first = try authority.exchange(message).encoded
        _ = try authority.approve("1")
        let second = try authority.exchange(message)
        #expect(second.status == .success)
        authority.moveClock(by: 1)
        #expect(try authority.exchange(message).encoded != second.encoded)

        try authority.restore(start)
        let fork = try authority.fork()
        #expect(try (authority.exchange(message).encoded == first) == remembers)
        #expect(try (fork.exchange(message).encoded == first) == remembers)
        #expect(authority.transactions().map(\.state) == ["pending"])
        #expect(fork.transactions().map(\.state) == ["pending"])
        #expect(authority.ledger.counts.values.map(\.self) == [1])
        #expect(log.events.count == 4)
        // Approved once more, it is another state.
        _ = try authority.approve("1")
        #expect(try authority.exchange(message).status == .success)
    }
}
