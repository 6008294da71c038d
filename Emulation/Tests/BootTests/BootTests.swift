import Authority
import Emulator
import Foundation
import Testing

/// A whole gateway: Debian's kernel, a disk, a network, and the program, from its enrolment on, with its clock moved ahead
/// and its power cut.
///
/// `BOOT_SEED` repeats what chance chooses, as far as a machine that does other things as well is the same twice;
/// `BOOT_CUTS` is the number of cuts at random moments in the enrolment, and in the renewal.
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
            for number in 0..<Self.cuts {
                let line = number == 0 ? "requesting a certificate" : "boot: ready"
                let delay = Duration.milliseconds(Int.random(in: 0..<(number == 0 ? 300 : 3000), using: &random))
                try await gateway.cut("enroll", at: .init(line: line, delay: delay), using: &random)
            }
            try await gateway.run("enroll", sample: Self.sample, using: &random)
            let first = try gateway.certificate

            gateway.authority.moveClock(by: 25 * Self.day)
            for number in 0..<Self.cuts {
                let line = number == 0 ? "renewing the certificate" : "boot: ready"
                let delay = Duration.milliseconds(Int.random(in: 0..<(number == 0 ? 300 : 3000), using: &random))
                try await gateway.cut("agent", at: .init(line: line, delay: delay), using: &random)
            }
            try await gateway.run("agent", sample: Self.sample, using: &random)
            let second = try gateway.certificate
            #expect(second.notAfter > first.notAfter)
            #expect(second.notAfter > gateway.authority.now.addingTimeInterval(20 * Self.day))
            #expect(gateway.authority.ledger.transactionIDsOfSeveralKeys.isEmpty)
            #expect(gateway.authority.ledger.challengesOfSeveralTransactions.isEmpty)
            print("boot: \(kind): \(gateway.starts) starts, \(gateway.cuts) cut, \(gateway.states) disks judged")
        }
    }
}
