import Board
import DeviceCrypto
import HTTP
import TestSupport
import Testing

@testable import Agent
@testable import SCEP

/// What a person is told of steps and of what is less than perfect, and the figures of a run.
@Suite struct ProgressLogTests {
    private struct Lines: AgentLog {
        var lines: [String] = []

        mutating func write(line: Span<UInt8>) {
            lines.append(String(decoding: line.indices.map { line[$0] }, as: UTF8.self))
        }
    }

    private func words(_ step: Step) -> String {
        var log = Lines()
        log.logStep(step)
        return log.lines.joined(separator: "|")
    }

    @Test func stepsHaveTheirWords() {
        let rows: [(Step, String)] = [
            (.exchange(.getCACaps), "asking the CA what it can do"),
            (.exchange(.getCACert), "fetching the CA's certificates"),
            (.exchange(.getNextCACert), "fetching the next CA's certificates"),
            (.exchange(.pkcsReq), "requesting a certificate"), (.exchange(.renewalReq), "renewing the certificate"),
            (.exchange(.certPoll), "asking whether the certificate was approved"),
            (.exchange(.getCert), "asking whether the CA has the certificate"),
            (.exchange(.getCRL), "asking whether the certificate is revoked"),
            (.makingKey(.rsa(bits: 3072)), "making a key: RSA-3072"), (.makingKey(.p256), "making a key: P-256"),
            (.makingKey(.p384), "making a key: P-384"), (.storing, "writing to storage"),
            (.waiting(.poll, milliseconds: 60_000), "pending: asking again in 60 s"),
            (.waiting(.retry, milliseconds: 500), "failed: trying again in 1 s"),
            (.waiting(.retry, milliseconds: 0), "failed: trying again in 0 s"),
            (.waiting(.nextAction, milliseconds: 2_592_000_000), "nothing is due: looking again in 2592000 s"),
            (.waiting(.nextAction, milliseconds: 124_008), "nothing is due: looking again in 125 s"),
        ]
        for (step, expected) in rows { #expect(words(step) == expected) }
    }

    /// Each leniency that was used is told by its own words, and none that was not.
    @Test func whatIsLessThanPerfectIsTold() {
        let rows: [(Leniency, String)] = [
            (.sha1, "SHA-1 was used, as allow=sha1 permits"),
            (.tripleDES, "triple DES was used, as allow=3des permits"),
            (.des, "single DES was used, as allow=des permits"),
            (.unmarkedRA, "an RA was trusted that nothing marks as one"),
            (.caWithoutKeyUsage, "a CA without key usage was trusted"),
            (.passwordEncryption, "the password encrypted a request"),
            (.textBody, "a reply was text, or had some behind it, and was read"),
            (.contentType, "a reply's content is not called data (RFC 8894, 3.2)"),
            (.signatureName, "a signature is named by its key, id-ecPublicKey"),
        ]
        func told(_ prepare: (inout AgentTests.Device) -> Void) -> [String] {
            var agent = AgentTests.Device()
            prepare(&agent)
            var log = Lines()
            warn(agent, &log)
            return log.lines
        }
        for (leniency, expected) in rows {
            #expect(told { $0.policy.note(leniency) } == ["warning: \(expected)"])
        }
        #expect(told { _ in } == [])
        #expect(told { $0.cannotRenew = true } == ["warning: an EC key is renewed only with challenge-use=always"])
        #expect(
            told { $0.timeWasUnknown = true }
                == ["warning: the time is not certain, so validity was checked as far as it is"])
        #expect(
            told {
                $0.time.raiseFloor(to: 1_800_000_000)
                $0.time.update(clock: 0, uptime: 0)
            } == ["warning: the clock is behind what certificates prove; it was not used"])
    }

    /// Docs/Manufacture.md: what a board cannot know is left out.
    @Test func figuresOfARun() {
        var traffic = Traffic()
        (traffic.exchanges, traffic.bytesSent, traffic.bytesReceived) = (3, 2996, 4412)
        var log = Lines()
        report(
            ResourceUsage(flash: 142_632, ram: 39_312, stack: 12_960, arena: 9184), traffic, uptime: 65_000, log: &log)
        report(ResourceUsage(), traffic, uptime: 1, log: &log)
        #expect(
            log.lines == [
                "report flash=142632 ram=39312 stack=12960 arena=9184 messages=3 sent=2996 received=4412 ms=65000",
                "report messages=3 sent=2996 received=4412 ms=1",
            ])
    }
}
