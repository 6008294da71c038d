import Ledger
import Manifest
import Provisioning

/// What a station works with.
public struct Station: Sendable {
    public let ledger: any LineLedger
    public let actor: Actor
    /// Where keys and certificates are until they are delivered.
    public let work: WorkFolder
    public let delivery: Delivery
    public let gate: CAGate
    public var challenge: ChallengeCommand?
    /// Has the device say which certificate it has: its output holds the device's event line.
    public var verification: CommandTemplate?
    /// What may be put into its arguments.
    public static let verificationNames = ["serial", "folder", "batch"]
    public var hooks = Hooks()
    /// Seconds for which a device is this station's, and nobody else's, without a sign of life.
    public var lease = 600
    /// How often an enrolment that the CA answered is tried, before the device has failed.
    public var tries = 5
    /// Is told what happens, from any thread.
    public var report: @Sendable (StationEvent) -> Void = { _ in }

    public init(ledger: any LineLedger, actor: Actor, work: WorkFolder, delivery: Delivery, gate: CAGate) {
        self.ledger = ledger
        self.actor = actor
        self.work = work
        self.delivery = delivery
        self.gate = gate
    }
}

/// What happens at a station, for whoever looks on.
public enum StationEvent: Sendable, Equatable {
    /// A device is being worked on.
    case began(serial: String, port: String? = nil)
    case step(serial: String, AttemptState)
    /// A device was handed over before, and what is asked for now is not there: it is not made a second time.
    case missing(serial: String, files: [String])
    /// A device is done for now.
    case ended(serial: String, port: String? = nil, DeviceResult)
    /// A line of a device's console; what it says is the device's word, and has anything in it.
    case console(port: String, serial: String?, line: String)
    /// Something that is nobody's failure: the CA is away, a hook failed.
    case note(String)
}

/// How a device came out.
public enum DeviceResult: Sendable, Equatable {
    case verified
    /// Handed over; it is verified when it names its certificate.
    case delivered
    /// It was done before.
    case done
    case failed(FailureCause)
    /// Not this station's to do: why.
    case skipped(String)
    /// A person has decided on it: it is scrapped, or retired.
    case decided(AttemptState)
}
