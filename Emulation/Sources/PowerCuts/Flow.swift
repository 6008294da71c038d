import Authority
import Foundation
import LibCrypto
import Synchronization

/// Something that happens to a device in its life, from a beginning on which it is at rest to its new identity.
public struct Flow: Sendable {
    /// A stretch of time at whose end the device is started, and runs until nothing is due.
    struct Step: Sendable {
        /// Seconds that pass first.
        var after: UInt64 = 0
        /// What the CA's people do then.
        var act: @Sendable (Authority) throws -> Void = { _ in }
        /// Whether the device may end without what it wants, since the CA refuses it.
        var mayGiveUp = false
    }

    /// Lower-case words joined by `-`.
    public let name: String
    /// Lines of the device's configuration.
    var settings: [String] = []
    var hasClock = true
    /// Whether the CA's password is good for one request.
    var isPasswordUsedOnce = true
    /// Whether the new certificate is for the old one's key.
    var keepsKey = false
    var adjust: @Sendable (inout CAConfiguration) -> Void = { _ in }
    /// How the device gets to the beginning: power does not fail there.
    var setUp: [Step] = []
    var steps = [Step()]

    static let password = "47bf-once-1d0c"
    /// 2026-01-01T00:00:00Z
    static let epoch: UInt64 = 1_767_225_600
    private static let day: UInt64 = 86_400

    public static let all: [Flow] = [
        Flow(name: "enrolment"),
        Flow(name: "pending", adjust: { $0.policy = .afterPolls(2) }),
        Flow(name: "renewal", setUp: [Step()], steps: [Step(after: 25 * day)]),
        Flow(
            name: "renewal-same-key", settings: ["renewal-key=same"], keepsKey: true, setUp: [Step()],
            steps: [Step(after: 25 * day)]),
        Flow(
            name: "renewal-pending", adjust: { $0.policy = .afterPolls(2) }, setUp: [Step()],
            steps: [Step(after: 25 * day)]),
        Flow(
            name: "renewal-outage", setUp: [Step()],
            steps: [
                Step(
                    after: 25 * day,
                    act: { $0.setFaults([FaultRule(.status(503), times: 2), FaultRule(.close, times: 4)]) })
            ]),
        Flow(
            name: "renewal-refused", setUp: [Step()],
            steps: [
                Step(
                    after: 25 * day,
                    act: { authority in
                        let refusal = Refusal(.badRequest, "not today")
                        authority.setFaults([FaultRule(.failure(refusal), operations: [.pkiOperation], times: 1)])
                    }, mayGiveUp: true), Step(after: day),
            ]),
        Flow(name: "renewal-no-clock", hasClock: false, setUp: [Step()], steps: [Step(after: 25 * day)]),
        Flow(
            name: "rollover",
            adjust: {
                $0.authorityLifetime = TimeInterval(60 * day)
                $0.lifetime = TimeInterval(100 * day)
                $0.nextCABeginsIn = TimeInterval(50 * day)
                $0.hasNextCA = true
            }, setUp: [Step()], steps: [Step(after: 45 * day), Step(after: 10 * day, act: { try $0.rollOver() })]),
        Flow(name: "ec-enrolment", settings: ["key=p256", "allow=no-renewal"]),
        Flow(
            name: "ec-renewal", settings: ["key=p256", "challenge-use=always"], isPasswordUsedOnce: false,
            adjust: { $0.challenge = .shared(password) }, setUp: [Step()], steps: [Step(after: 25 * day)]),
    ]

    /// An authority as this flow needs it.
    ///
    /// - Parameter keys: of the CA and the next CA.
    func makeAuthority(keys: [PrivateKey], log: @escaping @Sendable (LogEvent) -> Void) throws -> Authority {
        var configuration = CAConfiguration()
        configuration.challenge = .oneTime([OneTimePassword(device: "", password: Self.password)])
        configuration.clock = { Date(timeIntervalSince1970: TimeInterval(Self.epoch)) }
        configuration.remembersAnswers = true
        adjust(&configuration)
        let made = Atomic(0)
        configuration.makeKey = { _ in keys[made.add(1, ordering: .relaxed).oldValue] }
        return try Authority(configuration, log: log)
    }

    /// What the device is told at manufacture.
    ///
    /// - Parameter fingerprint: of the CA.
    func record(fingerprint: String) -> [UInt8] {
        let lines = [
            "url=http://ca.example/scep", "fingerprint=\(fingerprint)", "subject=CN=sensor",
            "challenge=\(Self.password)",
        ]
        return [UInt8]((lines + settings).joined(separator: "\n").utf8)
    }
}
