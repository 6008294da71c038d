import Board
import DER
import DeviceCrypto
import HTTP
import PKIX
import SCEP
import SimulatedStorage
import TestSupport
import Testing

@testable import Agent

/// What becomes of a failure by what failed, and where: another try, the end of the run, or what else is due.
@Suite struct FailureHandlingTests {
    private enum Outcome: Equatable {
        /// Milliseconds.
        case waits(ClosedRange<UInt64>)
        case ends
    }

    /// What an agent does with a failure of GetCACert, where it has an identity to renew or none.
    private func outcome(
        _ failure: (AgentBench) throws -> Void, hasIdentity: Bool, hasClock: Bool = true, _ settings: String...
    ) throws -> Outcome {
        let bench = try AgentBench(
            (["renew=50", "jitter=0", "retry=10", "retry-cap=1000", "check-interval=3600"] + settings).joined(
                separator: "\n"))
        if hasIdentity { try bench.putIdentity() }
        bench.clock = hasClock ? AgentBench.epoch + 60 * 86_400 : nil
        try bench.start()
        bench.agent.tried = Goals(.nextCA).union(Goals(.askTime))
        if !hasClock { bench.agent.time.note(date: AgentBench.epoch + 60 * 86_400) }
        #expect(try bench.step() == .exchange(.getCACaps, .none))
        try bench.receive(AgentBench.capabilities, to: .getCACaps)
        #expect(try bench.step() == .exchange(.getCACert, .none))
        do {
            try failure(bench)
            while true {
                switch try bench.step() {
                case .store: try bench.keep()
                case .sleep(let milliseconds): return .waits(milliseconds...milliseconds)
                case .ready: return .ends
                case let action:
                    Issue.record("\(action)")
                    return .ends
                }
            }
        } catch is AgentError {
            // Whoever goes on all the same has nothing to do.
            #expect(try bench.step() == .ready)
            return .ends
        }
    }

    @Test func whatIsTriedAgain() throws {
        let other = try OpenSSLIdentity.recipient.der
        func network(_ bench: AgentBench) throws { try bench.fail(.receiving(.timedOut), to: .getCACert) }
        func insecure(_ bench: AgentBench) throws { try bench.fail(.notSecured, to: .getCACert) }
        func busy(_ bench: AgentBench) throws { try bench.receive([], status: 503, to: .getCACert) }
        // Nobody signed what it says.
        func stranger(_ bench: AgentBench) throws {
            try bench.receive(OpenSSLIdentity.bundle([.recipient]), to: .getCACert)
        }
        func page(_ bench: AgentBench) throws { try bench.receive(Array("<html>".utf8), to: .getCACert) }
        let soon = Outcome.waits(5000...10_000)
        let rows: [((AgentBench) throws -> Void, Bool, [String], Outcome)] = [
            (network, false, [], soon), (network, true, [], soon), (busy, false, [], soon), (page, false, [], soon),
            (network, false, ["retries=0"], .ends), (network, true, ["retries=0"], .ends),
            (network, false, ["retries=0", "stay=yes"], soon), (network, true, ["retries=0", "stay=yes"], soon),
            (stranger, false, [], .ends), (stranger, true, [], .ends),
            // One that stays goes on for all that nobody signed, and with an identity whatever happens.
            (stranger, false, ["stay=yes"], soon), (stranger, true, ["stay=yes"], soon),
            (insecure, false, [], .ends), (insecure, true, [], .ends), (insecure, false, ["stay=yes"], .ends),
            // What would fail again is left longer.
            (insecure, true, ["stay=yes"], .waits(500_000...1_000_000)),
        ]
        _ = other
        for (number, (failure, hasIdentity, settings, expected)) in rows.enumerated() {
            let found = try outcome(failure, hasIdentity: hasIdentity, settings.joined(separator: "\n"))
            if case .waits(let range) = expected, case .waits(let time) = found {
                #expect(range.contains(time.lowerBound), "row \(number): \(time)")
            } else {
                #expect(found == expected, "row \(number)")
            }
        }
    }

    /// What a CA says is refused is the run's end; on a device that stays, with an identity, it is tried again later each
    /// time, up to the interval of its looks.
    @Test func waitsAfterWhatWouldFailAgainGrow() throws {
        let bench = try AgentBench("renew=50", "jitter=0", "retry-cap=1000", "check-interval=3000", "stay=yes")
        try bench.putIdentity()
        bench.clock = AgentBench.epoch + 60 * 86_400
        try bench.start()
        for cap in [1000, 2000, 3000, 3000] as [UInt64] {
            bench.agent.tried = Goals(.nextCA)
            guard case .exchange(let operation, _) = try bench.step() else {
                Issue.record("nothing is asked")
                return
            }
            try bench.fail(.notSecured, to: operation)
            #expect(try bench.step() == .store)
            try bench.keep()
            guard case .sleep(let milliseconds) = try bench.step() else {
                Issue.record("it does not wait")
                return
            }
            #expect((cap * 500...cap * 1000).contains(milliseconds), "\(milliseconds) ms of \(cap) s")
            bench.pass(milliseconds: milliseconds)
        }
    }

    /// Docs/Lifecycle.md: what was decided by a time that nobody signs may be decided otherwise later.
    @Test func whatWasDecidedByADateIsTriedAgain() {
        for (error, isOfTime) in [
            (SCEPError.certificateExpired, true), (.certificateNotYetValid, true), (.caCertificateExpired, false),
            (.validityNotExtended, false), (.unknownSigner, false),
        ] {
            #expect(AgentError.scep(.pkcsReq, error, text: 0..<0).isOfTime == isOfTime)
        }
        #expect(!AgentError.revoked.isOfTime)
    }

    /// Which failures may pass by themselves: those of the network, of a busy server, and whatever nobody signed.
    @Test func failuresThatMayPass() {
        let replies: [(SCEPError, Bool)] = [
            (.notDER(.html), true), (.unknownSigner, true), (.signerExpired, true), (.invalidSignature, true),
            (.wrongMessageType, true), (.wrongTransactionID, true), (.wrongRecipientNonce, true),
            (.reply(DERError(.truncated, at: 0)), true), (.reply(DERError(.bufferFull, at: 0)), false),
            (.reply(DERError(.crypto(.outOfMemory), at: 0)), false),
            (.reply(DERError(.crypto(.decryptionFailed), at: 0)), true),
            (.refused(.badRequest), false), (.fingerprintMismatch, false), (.unknownStatus, false),
            (.envelopeMissing, false), (.certificateForAnotherKey, false), (.belowFloor(.sha1), false),
            (.request(DERError(.truncated, at: 0)), false), (.noCapabilities, false), (.revoked, false),
        ]
        for (error, passes) in replies {
            #expect(AgentError.scep(.pkcsReq, error, text: 0..<0).isTemporary == passes, "\(error)")
        }
        let others: [(AgentError, Bool)] = [
            (.exchange(.pkcsReq, .notSecured), false), (.exchange(.pkcsReq, .connecting(.refused)), true),
            (.exchange(.pkcsReq, .reply(HTTPError(.badChunk, at: 0))), true),
            (.status(.pkcsReq, 404, text: 0..<0), true), (.storage(.failed), false), (.key(.failed), false),
            (.stillPending, false), (.clockStopped, false), (.passwordSpent, false), (.cannotRenew, false),
            (.passwordNeeded, false),
            (.revoked, false), (.entropy(.failed), false), (.provisioning(.absent), false),
            (.configuration(ConfigurationError(.missing, .url, at: 0)), false),
        ]
        for (error, passes) in others { #expect(error.isTemporary == passes, "\(error)") }
        // Nobody signed what the first two answers say.
        for operation in Errors.operations {
            let isUnsigned = AgentError.scep(operation, .fingerprintMismatch, text: 0..<0).isUnsigned
            #expect(isUnsigned == (operation == .getCACaps || operation == .getCACert))
            #expect(!AgentError.status(operation, 404, text: 0..<0).isUnsigned)
        }
    }

    /// Where the words of the far side are not there any more, none are pointed at.
    @Test func wordsThatAreGoneAreNotPointedAt() {
        for error in [
            AgentError.scep(.getCRL, .unknownStatus, text: 3..<9), .status(.getCRL, 404, text: 3..<9),
        ] {
            let text = error.withoutText.text(Span())
            #expect(text.quoted.isEmpty && text.operation == .getCRL)
            #expect(error.withoutText != error)
        }
        #expect(AgentError.revoked.withoutText == .revoked)
    }

    /// A renewal is refused by its type only where it was a PKCSReq; and a question of what became of it is none.
    @Test func onlyThePKCSReqIsRefusedForItsType() throws {
        let refusal = AgentError.scep(.pkcsReq, .refused(.badRequest), text: 0..<0)
        for (operation, flags, expected) in [
            (Operation.pkcsReq, TransactionFlags.renewal, true), (.renewalReq, .renewal, false),
            (.certPoll, .renewal, false), (nil, .renewal, false), (.pkcsReq, TransactionFlags(), false),
            (.pkcsReq, TransactionFlags.renewal.union(.otherType), false),
        ] as [(Operation?, TransactionFlags, Bool)] {
            let bench = try AgentBench()
            bench.agent.transaction.flags = flags
            bench.agent.capabilities = Capabilities.renewal.union(.aes)
            let text = bench.text
            let configuration = try Configuration(text.span)
            let isRefused = bench.agent.isRefusedRenewal(refusal, operation, configuration)
            #expect(isRefused == expected)
        }
    }

    // MARK: Keys and storage

    /// A key that the part cannot make ends the run, and nothing is left of it.
    @Test func keyThatCannotBeMadeEndsTheRun() throws {
        let bench = try AgentBench("key=p256", "challenge=4711-secret", "challenge-use=always")
        try bench.start()
        #expect(try bench.step() == .exchange(.getCACaps, .none))
        try bench.receive(AgentBench.capabilities, to: .getCACaps)
        #expect(try bench.step() == .exchange(.getCACert, .none))
        let authority = try OpenSSLAuthority.shared
        bench.text = try AgentTests.text(
            "key=p256", "challenge=4711-secret", "challenge-use=always", "allow=password-encryption",
            fingerprint: authority.fingerprint())
        try bench.receive(authority.der, to: .getCACert)
        #expect(try bench.step() == .generateKey(.p256))
        let text = bench.text
        let configuration = try Configuration(text.span)
        #expect(throws: AgentError.key(.unsupported)) {
            try bench.agent.generateKey(.p256, configuration: configuration, random: &bench.random)
        }
        let isOpen = bench.agent.transaction.isOpen
        #expect(!isOpen)
        #expect(try bench.step() == .ready)
        #expect(try bench.record(.transaction) == nil)
    }

    /// Storage that fails ends the run, but for a device that stays, with an identity; it tries again after the longest of
    /// its waits, unless its power is gone.
    @Test func storageThatFails() throws {
        for (settings, hasIdentity, isPowerLost, waits) in [
            ("stay=yes", true, false, true), ("stay=yes", true, true, false), ("stay=yes", false, false, false),
            ("stay=no", true, false, false),
        ] {
            let bench = try AgentBench("retry-cap=700", "retries=5", settings)
            if hasIdentity { try bench.putIdentity() }
            bench.agent.mayWait = true
            try bench.start()
            bench.agent.tried = Goals(.nextCA)
            // Something to be stored.
            bench.agent.move(.failed(retry: 5, givesUp: false))
            bench.agent.failure = .exchange(.getCACaps, .connecting(.refused))
            #expect(try bench.step() == .store)
            if isPowerLost {
                bench.store.flash.operations.cutPower(at: 1, .before)
            } else {
                bench.store.flash.operations.fail(at: 1)
            }
            if waits {
                try bench.keep()
                let event = bench.agent.event
                #expect(event == Happening(.refused, nil))
                #expect(try bench.step() == .sleep(milliseconds: 700_000))
                bench.pass(milliseconds: 700_000)
                #expect(try bench.step() != .ready)
            } else {
                #expect(throws: AgentError.storage(isPowerLost ? .powerLost : .failed)) { try bench.keep() }
                if !isPowerLost { #expect(try bench.step() == .ready) }
            }
        }
    }

    /// What a store holds that the agent did not write so is damage.
    @Test func recordsOfAnotherSizeAreDamage() throws {
        let bench = try AgentBench()
        for (record, sizes, good) in [
            (StoredRecord.state, [0, 1, 76, 78, 118], [77, 119]), (.transaction, [0, 77, 1], [78, 79]),
        ] {
            for size in sizes {
                try write([(record, [UInt8](repeating: 0, count: size))], to: &bench.store)
                #expect(throws: AgentError.storage(.corrupt), "\(record) of \(size)") { try bench.start() }
            }
            for size in good {
                try write([(record, [UInt8](repeating: 0, count: size))], to: &bench.store)
                try bench.start()
            }
        }
        for record in [StoredRecord.certificate, .nextCertificate] {
            let ca = try OpenSSLIdentity.authority.der
            try write([(.privateKey, [1]), (record, [0x30, 0]), (.caCertificates, ca)], to: &bench.store)
            #expect(throws: AgentError.storage(.corrupt)) { try bench.start() }
        }
    }

    // MARK: What is asked for

    /// What stands for a request, as Docs/Storage.md has it: subject and extensions in DER, and a byte for the kind of key.
    @Test func requestsAreToldByTheirDigest() throws {
        let subject: [UInt8] = [0x30, 17, 0x31, 15, 0x30, 13, 0x06, 3, 0x55, 4, 3, 0x0C, 6] + Array("sensor".utf8)
        for (key, number) in [
            ("rsa2048", 0x08), ("rsa3072", 0x0C), ("rsa4096", 0x10), ("p256", 0x01), ("p384", 0x02),
        ] as [(String, UInt8)] {
            for password in ["", "challenge=4711-secret\nchallenge-use=always"] {
                let bench = try AgentBench("key=\(key)", password)
                try bench.start()
                let digest = try OpenSSL.run(["dgst", "-sha256", "-binary"], input: subject + [0xA0, 0, number])
                let expected = digest.prefix(4).reduce(UInt32(0)) { $0 << 8 | UInt32($1) }
                let found = bench.agent.configuredRequest
                #expect(found == expected, "\(key)")
            }
        }
    }

    // MARK: GetCACert

    /// Of a server that gives its certificates out one by one, the first may be the registration authority's, which is
    /// known already. In a bundle without its CA it is no use, and no more is it where nothing is known.
    @Test func registrationAuthorityThatIsKnown() throws {
        let ca = try OpenSSLIdentity.authority
        let ra = try OpenSSLIdentity(
            subject: "/CN=RA", issuedBy: ca,
            extensions: ["keyUsage=critical,digitalSignature,keyEncipherment", "extendedKeyUsage=1.3.6.1.5.5.7.3.28"])
        for (isSingle, isKnown) in [(true, true), (false, true), (true, false)] {
            let bench = try AgentBench("renew=1", "jitter=0", "retries=0")
            bench.text = try AgentTests.text(
                "renew=1", "jitter=0", "retries=0", fingerprint: "\(ca.fingerprint()),\(ra.fingerprint())")
            if isKnown {
                try write(
                    [
                        (.privateKey, AgentBench.key()), (.certificate, AgentBench.certificate),
                        (.caCertificates, ca.der + ra.der),
                    ], to: &bench.store)
            }
            bench.clock = AgentBench.epoch + 60 * 86_400
            try bench.start()
            bench.agent.tried = Goals(.nextCA)
            // The younger of the two, which may have been made long after the other.
            bench.clock = try KeptCertificate(Certificate(ra.der.span)).notBefore + 60
            #expect(try bench.step() == .exchange(.getCACaps, .none))
            try bench.receive(AgentBench.capabilities, to: .getCACaps)
            #expect(try bench.step() == .exchange(.getCACert, .none))
            let body = try isSingle ? ra.der : OpenSSLIdentity.bundle([ra])
            if isSingle, isKnown {
                try bench.receive(body, to: .getCACert)
                #expect(try bench.step() == .generateKey(.rsa(bits: 2048)))
            } else {
                let error = #expect(throws: AgentError.self) { try bench.receive(body, to: .getCACert) }
                guard case .scep(.getCACert, .pinnedIsNotCA, _) = error else {
                    Issue.record("\(String(describing: error))")
                    continue
                }
            }
        }
    }
}
