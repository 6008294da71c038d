import Authority
import Emulator
import Foundation
import Testing

/// A whole gateway: Debian's kernel, a disk, a network, and the program, from its enrolment on, with its clock moved ahead
/// and its power cut.
///
/// `BOOT_SEED` repeats what chance chooses, as far as a machine that does other things as well is the same twice;
/// `BOOT_CUTS` is the number of cuts in the enrolment, and again in the renewal (2).
@Suite struct BootTests {
    private static let environment = ProcessInfo.processInfo.environment
    private static let seed = environment["BOOT_SEED"].flatMap { UInt64($0) } ?? .random(in: 1...999_999)
    private static let cuts = environment["BOOT_CUTS"].flatMap { Int($0) } ?? 2
    /// Operations of a run at which it is seen what the disk would hold.
    private static let sample = environment["BOOT_SAMPLE"].flatMap { Int($0) } ?? 15
    private static let day: TimeInterval = 86_400

    static let kinds = chosen(from: MachineKind.allCases)

    /// All, or those that the environment's `BOARDS` names.
    private static func chosen(from kinds: [MachineKind]) -> [MachineKind] {
        guard let names = environment["BOARDS"] else { return kinds }
        return kinds.filter { names.split(separator: ",").contains(Substring($0.rawValue)) }
    }

    @Test(arguments: kinds)
    func gatewayThatLosesPowerHasAFreshCertificateInTheEnd(kind: MachineKind) async throws {
        print("boot: \(kind), BOOT_SEED=\(Self.seed)")
        var random = SplitMix64(seed: Self.seed)
        try await Gateway.with(kind, [:]) { gateway in
            let sample = Self.sample
            let requested = Gateway.Moment(
                line: "requesting a certificate", delay: .milliseconds(Int.random(in: 0..<200, using: &random)))
            for moment in Self.moments(last: requested, &random) where gateway.holding.stored == nil {
                try await gateway.start("enroll", cutAt: moment, sample: sample, using: &random)
            }
            try await gateway.start("enroll", sample: sample, using: &random)
            let first = try gateway.certificate
            #expect(gateway.holding.published == gateway.holding.stored)

            gateway.authority.moveClock(by: 25 * Self.day)
            // What it says that it was issued has to be safe.
            let issued = Gateway.Moment(line: " outcome=issued ")
            for moment in Self.moments(last: issued, &random) where gateway.holding.stored == first.serialText {
                try await gateway.start("agent", cutAt: moment, sample: sample, using: &random)
            }
            try await gateway.losePublishedFiles()
            try await gateway.start("agent", sample: sample, using: &random)
            let second = try gateway.certificate
            #expect(gateway.holding.published == gateway.holding.stored)
            #expect(second.notAfter > first.notAfter)
            // Fresh: it would not be renewed.
            #expect(second.notAfter > gateway.authority.now.addingTimeInterval(20 * Self.day))
            #expect(gateway.authority.ledger.transactionIDsOfSeveralKeys.isEmpty)
            #expect(gateway.authority.ledger.challengesOfSeveralTransactions.isEmpty)
            print("boot: \(kind): \(gateway.starts) starts, \(gateway.cuts) cut, \(gateway.states) disks checked")
        }
    }

    /// When power is cut: whenever, and at last at `last`.
    private static func moments(last: Gateway.Moment, _ random: inout SplitMix64) -> [Gateway.Moment] {
        (1..<max(cuts, 1)).map { _ in
            Gateway.Moment(line: "boot: ready", delay: .milliseconds(Int.random(in: 0..<1500, using: &random)))
        } + [last]
    }
}
