import Board
import PKIX
import SCEP
import TestSupport
import Testing

@testable import Agent

/// What a device makes of what it finds in its store, and of certificates of CAs that come.
@Suite struct StoredIdentityTests {
    /// An identity whose CA is not known is none that can be renewed: the store is not what the agent wrote.
    @Test func anIdentityWithoutItsCAIsDamage() throws {
        let bench = try AgentBench()
        try bench.putIdentity()
        try bench.start()
        let isHeld = bench.agent.current != nil
        #expect(isHeld)
        try bench.putIdentity(withCA: false)
        #expect(throws: AgentError.storage(.corrupt)) { try bench.start() }
    }

    /// Told to trust another CA, a device asks that one for a certificate, and its own CA for nothing.
    @Test func anIdentityOfAnotherCAIsNotRenewed() throws {
        let bench = try AgentBench("check=crl")
        try bench.putIdentity()
        bench.clock = AgentBench.epoch + 90 * 86_400
        try bench.start()
        #expect(try bench.step() == .exchange(.getCACaps, .none))
        let (goal, isOther) = (bench.agent.state.goal, bench.agent.isOtherCA)
        #expect(goal == .nextCA || goal == .renew)
        #expect(!isOther)

        bench.text = try AgentTests.text("check=crl", fingerprint: OpenSSLIdentity.recipient.fingerprint())
        try bench.start()
        #expect(try bench.step() == .exchange(.getCACaps, .none))
        let (otherGoal, isOtherNow) = (bench.agent.state.goal, bench.agent.isOtherCA)
        #expect(otherGoal == .enrol)
        #expect(isOtherNow)
        let text = bench.text
        let configuration = try Configuration(text.span)
        let nextAction = bench.agent.nextAction(configuration)
        #expect(nextAction == nil)
    }

    /// What a CA signed moves the lower bound of the time on, and nothing moves it back.
    @Test func whatIsProvenToHavePassedStaysProven() throws {
        var time = Timekeeper()
        time.raiseFloor(to: 2000)
        time.raiseFloor(to: 1000)
        #expect(time.floor == 2000)
        time.note(date: 5000)
        #expect(time.floor == 2000)
        let bench = try AgentBench("time=\(AgentBench.epoch)")
        bench.clock = nil
        try bench.putIdentity()
        bench.agent.time.raiseFloor(to: AgentBench.epoch + 500)
        try bench.start()
        let floor = bench.agent.time.floor
        #expect(floor == AgentBench.epoch + 500)
    }

    /// Certificates that come one by one and lead to nobody: after eight of them the device has seen enough,
    /// also where two of them take turns.
    @Test(arguments: [9, 2])
    func aChainHasAnEnd(kinds: Int) throws {
        let bench = try AgentBench("retries=0")
        try bench.start()
        #expect(try bench.step() == .exchange(.getCACaps, .none))
        try bench.receive(AgentBench.capabilities, to: .getCACaps)
        #expect(try bench.step() == .exchange(.getCACert, .none))
        // Small ones, so that all of them fit.
        let certificates = try (0..<kinds).map {
            try OpenSSLIdentity(subject: "/CN=\($0)", newKey: ["ec", "-pkeyopt", "ec_paramgen_curve:P-256"]).der
        }
        for number in 1...8 as ClosedRange<UInt8> {
            try bench.receive(certificates[Int(number - 1) % kinds], to: .getCACert)
            #expect(try bench.step() == .exchange(.getCACert, .number(number)))
        }
        let last = certificates[8 % kinds]
        #expect(throws: AgentError.scep(.getCACert, .tooManyCACertificates, text: 0..<last.count)) {
            try bench.receive(last, to: .getCACert)
        }
    }

    /// What was trusted once does not outlive its reason (Docs/Lifecycle.md): under the fingerprint of the CA that issues, the root
    /// above it does not count, neither for the identity's CA nor for one that a transaction asks.
    @Test func trustIsCheckedAnew() throws {
        let root = try OpenSSLAuthority.shared
        let below = try OpenSSLIdentity(
            subject: "/CN=Below", for: .rsa, issuedBy: root, from: "20250801000000Z", until: "20290101000000Z",
            extensions: ["basicConstraints=critical,CA:TRUE", "keyUsage=critical,keyCertSign,keyEncipherment"])
        let both = below.der + root.der
        for (pinned, expected) in [(root, both), (below, below.der)] {
            for isOfTransaction in [false, true] {
                let bench = try AgentBench()
                bench.text = try AgentTests.text(fingerprint: pinned.fingerprint())
                var records: [(StoredRecord, [UInt8])] = try [
                    (.privateKey, AgentBench.key()), (.certificate, AgentBench.certificate),
                    (.caCertificates, isOfTransaction ? OpenSSLIdentity.authority.der : both),
                ]
                if isOfTransaction {
                    let transaction = [16] + [UInt8](repeating: 1, count: 16) + [UInt8](repeating: 0, count: 62)
                    records += [
                        (.transaction, transaction), (.transactionKey, try AgentBench.key()),
                        (.transactionCACertificates, both),
                    ]
                }
                try write(records, to: &bench.store)
                try bench.start()
                let count = bench.agent.caByteCount
                let trusted = (0..<count).map { bench.agent.caCertificates[$0] }
                #expect(trusted == expected, "\(count) bytes, of a transaction: \(isOfTransaction)")
                let isOther = bench.agent.isOtherCA
                #expect(isOther == isOfTransaction)
            }
        }
    }

    /// One certificate that is larger than the space for those of CAs is no beginning of a chain.
    @Test func aCertificateCanBeTooLarge() throws {
        let large = try OpenSSLIdentity(
            subject: "/CN=large", for: .rsa, extensions: ["nsComment=" + String(repeating: "x", count: 4000)]
        ).der
        let bench = try AgentBench("retries=0")
        try bench.start()
        _ = try bench.step()
        try bench.receive(AgentBench.capabilities, to: .getCACaps)
        _ = try bench.step()
        let tooLarge = SCEPError.caCertificatesTooLarge(large.count)
        #expect(throws: AgentError.scep(.getCACert, tooLarge, text: 0..<large.count)) {
            try bench.receive(large, to: .getCACert)
        }
    }

    /// Space for all that a device can have at a time: three keys of RSA-4096, the certificates of CAs twice, two of its own
    /// of two KiB, the transaction and the state.
    @Test func theLargestSnapshotFits() {
        let records = [527, 527, 527, 4096, 4096, 2048, 2048, 79, 119]
        let size = records.reduce(0) { $0 + FlashStore.recordSize($1) }
        #expect((size...(size + 512)).contains(AgentTests.Device.snapshotCapacity))
    }

    /// A chain that comes one by one, the smallest certificate first, leads to the CA that is pinned.
    @Test func aChainLeadsToItsCA() throws {
        let small = try OpenSSLIdentity(subject: "/CN=0", newKey: ["ec", "-pkeyopt", "ec_paramgen_curve:P-256"]).der
        let large = try OpenSSLIdentity.recipient.der
        #expect(small.count < large.count)
        for chain in [[small, large], [large, small], [small]] {
            let bench = try AgentBench("retries=0")
            bench.clock = nil
            bench.text = try AgentTests.text("retries=0", fingerprint: OpenSSLAuthority.shared.fingerprint())
            try bench.start()
            _ = try bench.step()
            try bench.receive(AgentBench.capabilities, to: .getCACaps)
            _ = try bench.step()
            for (number, certificate) in chain.enumerated() {
                try bench.receive(certificate, to: .getCACert)
                #expect(try bench.step() == .exchange(.getCACert, .number(UInt8(number + 1))))
            }
            try bench.receive(OpenSSLAuthority.shared.der, to: .getCACert)
            #expect(try bench.step() == .generateKey(.rsa(bits: 2048)))
            // What is no CA's does not count.
            let trusted = bench.agent.caByteCount
            #expect(try trusted == OpenSSLAuthority.shared.der.count)
        }
    }

    /// The same certificate again is the end of a chain.
    @Test func aChainDoesNotRepeatItself() throws {
        let bench = try AgentBench("retries=0")
        try bench.start()
        _ = try bench.step()
        try bench.receive(AgentBench.capabilities, to: .getCACaps)
        _ = try bench.step()
        let certificate = try OpenSSLIdentity.recipient.der
        try bench.receive(certificate, to: .getCACert)
        #expect(try bench.step() == .exchange(.getCACert, .number(1)))
        #expect(throws: AgentError.scep(.getCACert, .fingerprintMismatch, text: 0..<certificate.count)) {
            try bench.receive(certificate, to: .getCACert)
        }
    }

    /// Both CAs are trusted side by side: what does not fit beside the current one is refused by its name, and not stored.
    @Test func aNextCAThatDoesNotFitIsRefused() throws {
        let authority = try OpenSSLIdentity.authority
        for padding in [0, 4000] {
            let bench = try AgentBench("retries=0", "jitter=0")
            try bench.putIdentity()
            // The CA's certificate is valid for 30 days from now on, of which the last begin.
            bench.clock = try KeptCertificate(Certificate(authority.der.span)).notAfter - 86_400
            bench.agent.requestedGoal = .nextCA
            try bench.start()
            #expect(try bench.step() == .exchange(.getCACaps, .none))
            try bench.receive(Array("AES\nSHA-256\nGetNextCACert\n".utf8), to: .getCACaps)
            #expect(try bench.step() == .exchange(.getNextCACert, .none))
            let next = try OpenSSLIdentity(
                subject: "/C=DE/O=Example/CN=Next CA",
                extensions: ["keyUsage=critical,keyCertSign,keyEncipherment"]
                    + (padding > 0 ? ["nsComment=" + String(repeating: "x", count: padding)] : []))
            let reply = try authority.sign(OpenSSLIdentity.bundle([next]), ["-nosmimecap"])
            if padding == 0 {
                try bench.receive(reply, to: .getNextCACert)
                #expect(try bench.step() == .store)
                try bench.keep()
                #expect(try bench.record(.nextCACertificates) == next.der)
            } else {
                // With the CA's certificate, which is there.
                let needed = authority.der.count + next.der.count
                let tooLarge = SCEPError.caCertificatesTooLarge(needed)
                #expect(throws: AgentError.scep(.getNextCACert, tooLarge, text: 0..<reply.count)) {
                    try bench.receive(reply, to: .getNextCACert)
                }
                #expect(try bench.record(.nextCACertificates) == nil)
            }
        }
    }
}
