import Board
import DER
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
        let duty = bench.agent.nextDuty(configuration)
        #expect(duty == nil)
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
            bench.clock = try HeldCertificate(Certificate(authority.der.span)).notAfter - 86_400
            bench.agent.demand = .nextCA
            try bench.start()
            #expect(try bench.step() == .exchange(.getCACaps, .none))
            try bench.receive(Array("AES\nSHA-256\nGetNextCACert\n".utf8), to: .getCACaps)
            #expect(try bench.step() == .exchange(.getNextCACert, .none))
            let next = try OpenSSLIdentity(
                subject: "/C=DE/O=Example/CN=Next CA",
                extensions: ["keyUsage=critical,keyCertSign,keyEncipherment"]
                    + (padding > 0 ? ["nsComment=" + String(repeating: "x", count: padding)] : []))
            let reply = try withTemporaryDirectory { directory in
                try OpenSSL.run(
                    [
                        "cms", "-sign", "-binary", "-nodetach", "-nosmimecap", "-outform", "DER",
                        "-signer", directory.write(authority.certificate, to: "crt"),
                        "-inkey", directory.write(authority.key, to: "key"),
                    ], input: OpenSSLIdentity.bundle([next]))
            }
            if padding == 0 {
                try bench.receive(reply, to: .getNextCACert)
                #expect(try bench.step() == .store)
                try bench.keep()
                #expect(try bench.record(.nextCACertificates) == next.der)
            } else {
                #expect(throws: AgentError.scep(.getNextCACert, .tooManyCACertificates, text: 0..<reply.count)) {
                    try bench.receive(reply, to: .getNextCACert)
                }
                #expect(try bench.record(.nextCACertificates) == nil)
            }
        }
    }
}
