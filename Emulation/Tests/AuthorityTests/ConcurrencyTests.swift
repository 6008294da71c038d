import Authority
import Foundation
import LibCrypto
import Synchronization
import TestSupport
import Testing

/// Certificates are signed in parallel; what must be so one after the other is so all the same.
@Suite struct ConcurrencyTests {
    /// The results of `count` calls on threads of their own, which begin at once.
    private func atOnce<Result: Sendable>(
        _ count: Int, _ body: @escaping @Sendable (Int) throws -> Result
    ) async throws -> [Result] {
        let line = StartingLine(count)
        return try await withThrowingTaskGroup(of: (Int, Result).self) { group in
            for number in 0..<count {
                group.addTask {
                    try await withCheckedThrowingContinuation { end in
                        Thread {
                            line.wait()
                            end.resume(with: Swift.Result { (number, try body(number)) })
                        }.start()
                    }
                }
            }
            return try await group.reduce(into: []) { $0.append($1) }.sorted { $0.0 < $1.0 }.map(\.1)
        }
    }

    private func messages(_ count: Int, for authority: Authority) throws -> [[UInt8]] {
        try (0..<count).map { number in
            let client = try Client("device", key: Keys.device(number % 3))
            return try client.message(
                .pkcsReq, client.request(), transactionID: "\(number)", for: authority.recipient)
        }
    }

    @Test func oneTransactionIsOneCertificate() async throws {
        let authority = try makeAuthority()
        let client = try Client()
        for number in 0..<10 {
            let message = try client.message(
                .pkcsReq, client.request(), transactionID: "\(number)", for: authority.recipient)
            let certificates = try await atOnce(12) { _ in try authority.exchange(message).certificates(for: client) }
            #expect(Set(certificates).count == 1)
            #expect(certificates[0].count == 1)
            #expect(authority.issuedCertificates().count == number + 1)
            #expect(authority.transactions().count == number + 1)
        }
    }

    @Test func aPasswordIsGoodForOneOfManyTransactions() async throws {
        let authority = try makeAuthority {
            $0.challenge = .oneTime([OneTimePassword(device: "", password: "once")])
        }
        for round in 0..<5 {
            let password = try authority.addPassword(device: "")
            let messages = try (0..<8).map { number in
                let client = try Client("device", key: Keys.device(number % 3))
                return try client.message(
                    .pkcsReq, client.request(challenge: password), transactionID: "\(round) \(number)",
                    for: authority.recipient)
            }
            let replies = try await atOnce(8) { number in
                let reply = try authority.exchange(messages[number])
                return (reply.status, reply.refusal?.text)
            }
            #expect(replies.filter { $0.0 == .success }.count == 1)
            #expect(replies.filter { $0.1 == "the challengePassword was used already" }.count == 7)
            #expect(authority.issuedCertificates().count == round + 1)
            // Who was refused has left nothing.
            #expect(authority.transactions().count == round + 1)
        }
    }

    @Test func anAdministratorDecidesOnce() async throws {
        let authority = try makeAuthority { $0.policy = .manual }
        for (number, message) in try messages(6, for: authority).enumerated() {
            #expect(try authority.exchange(message).status == .pending)
            let decisions = try await atOnce(8) { caller in
                do {
                    if caller.isMultiple(of: 2) {
                        return try authority.approve("\(number)")
                    }
                    try authority.refuse("\(number)", Refusal(.badRequest, "no"))
                    return "refused"
                } catch is AdministrationError {
                    return ""
                }
            }
            #expect(decisions.filter { !$0.isEmpty }.count == 1)
            let isApproved = !decisions.contains("refused")
            #expect(try (authority.exchange(message).status == .success) == isApproved)
        }
    }

    /// A rollover while a certificate is signed: nothing waits for the signature, and the certificate is the next CA's.
    @Test func aRolloverInTheMiddleIsNoticed() throws {
        let clock = InterruptedClock()
        let authority = try makeAuthority {
            $0.policy = .manual
            $0.hasNextCA = true
            $0.clock = clock.now
        }
        let (client, old, next) = (try Client(), authority.trustAnchor, try #require(authority.nextTrustAnchor))
        #expect(try authority.enrol(client).status == .pending)
        clock.interrupt(at: 1) { try authority.rollOver() }
        let serial = try authority.approve("1")
        #expect(clock.isDone)
        let certificate = try #require(try authority.issuedCertificate(serial: serial))
        #expect(certificate.isSigned(by: next.publicKey) && !certificate.isSigned(by: old.publicKey))
        #expect(authority.issuedCertificates().count == 1)
    }

    /// Another device comes with the same password at any of the moments at which the first one's request tells the time.
    @Test func aPasswordIsNotUsedInTheMiddleOfAnother() throws {
        var (number, isOver) = (0, false)
        while !isOver {
            number += 1
            let clock = InterruptedClock()
            let authority = try makeAuthority {
                $0.challenge = .oneTime([OneTimePassword(device: "", password: "once")])
                $0.clock = clock.now
            }
            let (one, other) = (try Client("one"), try Client("other", key: Keys.device(1)))
            let statuses = Mutex<[PKIStatus?]>([])
            clock.interrupt(at: number) {
                let reply = try authority.enrol(other, transactionID: "other", challenge: "once")
                statuses.withLock { $0.append(reply.status) }
            }
            let reply = try authority.enrol(one, transactionID: "one", challenge: "once")
            isOver = !clock.isDone
            statuses.withLock { $0.append(reply.status) }
            #expect(statuses.withLock { $0 }.filter { $0 == .success }.count == 1, "at \(number)")
            #expect(authority.issuedCertificates().count == 1)
            #expect(authority.transactions().count == 1)
        }
        // When it is logged, received, signed and entered.
        #expect(number > 4)
    }

    @Test func listsHaveNumbersOfTheirOwn() async throws {
        let authority = try makeAuthority()
        let lists = try await atOnce(8) { _ in try authority.revocationList().der }
        let numbers = try lists.map { list in
            try OpenSSL.run(["crl", "-inform", "DER", "-noout", "-crlnumber"], input: list)
        }
        #expect(Set(numbers).count == 8)
    }
}

/// A clock that somebody uses to do something else in between.
private final class InterruptedClock: Sendable {
    private struct State {
        var calls = 0
        var moment = 0
        var action: (@Sendable () throws -> Void)?
    }

    private let state = Mutex(State())

    /// Whether the moment came.
    var isDone: Bool { state.withLock { $0.action == nil } }

    /// Does something when the time is asked for this many times, counted from now.
    func interrupt(at moment: Int, _ action: @escaping @Sendable () throws -> Void) {
        state.withLock { $0 = State(moment: moment, action: action) }
    }

    @Sendable func now() -> Date {
        let action = state.withLock { state in
            state.calls += 1
            guard state.calls == state.moment else { return nil as (@Sendable () throws -> Void)? }
            defer { state.action = nil }
            return state.action
        }
        #expect(throws: Never.self) { try action?() }
        return Date()
    }
}

/// Where threads wait until all are there.
private final class StartingLine: Sendable {
    private let condition = NSCondition()
    private nonisolated(unsafe) var missing: Int

    init(_ count: Int) { missing = count }

    func wait() {
        condition.withLock {
            missing -= 1
            condition.broadcast()
            while missing > 0 { condition.wait() }
        }
    }
}
