import Agent
import Board
import CSCEP
import DeviceCrypto
import HTTP

/// What stands in the caller's memory.
struct Instance: ~Copyable {
    typealias Client = Agent<PlatformKey, 3_072>

    /// What the caller has to do before the next step.
    enum Duty {
        case none
        case send(Operation, AgentPayload)
        case makeKey(KeyAlgorithm)
        case store
    }

    /// Tells memory of ours from any other.
    private static var mark: UInt32 { 0x5343_4550 }
    private let mark = Self.mark
    /// Whether ``scep_init`` found all that an agent needs.
    var isReady = false
    /// Whether a function of the caller's is being called, which may not call back.
    var isBusy = false
    /// Whether a run is under way, step by step.
    var isRunning = false
    var duty = Duty.none
    /// Of a reply that comes in pieces.
    var reader: ResponseReader?
    /// Why the last call failed: in the agent's words, or in ours.
    var failure: AgentError?
    var mistake: StaticString?

    let platform: scep_platform
    let text: UnsafeBufferPointer<UInt8>
    let work: UnsafeMutableBufferPointer<UInt8>
    var log: PlatformLog
    var random = RandomGenerator()
    var traffic = Traffic()
    var agent: Client
    var store: IdentityStore<PlatformSnapshots>

    init(
        _ platform: scep_platform, text: UnsafeBufferPointer<UInt8>, work: UnsafeMutableBufferPointer<UInt8>,
        storage: consuming PlatformSnapshots
    ) {
        self.platform = platform
        self.text = text
        self.work = work
        log = PlatformLog(platform)
        agent = Client(context: platform.keys)
        store = IdentityStore(storage)
    }

    /// The instance in memory that ``scep_init`` was given; nil for any other memory.
    static func find(_ memory: UnsafeMutablePointer<scep_agent>?) -> UnsafeMutablePointer<Instance>? {
        guard let memory else { return nil }
        let raw = UnsafeMutableRawPointer(memory)
        guard UInt(bitPattern: raw) % UInt(MemoryLayout<Instance>.alignment) == 0 else { return nil }
        let instance = raw.assumingMemoryBound(to: Instance.self)
        guard instance.pointee.mark == Self.mark else { return nil }
        return instance
    }

    /// - Returns: nil for one that is none, or that is in the middle of a call.
    static func enter(_ memory: UnsafeMutablePointer<scep_agent>?) -> UnsafeMutablePointer<Instance>? {
        guard let instance = find(memory), instance.pointee.isReady, !instance.pointee.isBusy else { return nil }
        instance.pointee.isBusy = true
        return instance
    }

    /// The same for a call that uses the work buffer, in which the far side's words stand: what failed before cannot be told any
    /// more.
    static func enterForWork(_ memory: UnsafeMutablePointer<scep_agent>?) -> UnsafeMutablePointer<Instance>? {
        guard let instance = enter(memory) else { return nil }
        instance.pointee.failure = nil
        instance.pointee.mistake = nil
        return instance
    }

    mutating func end() {
        agent.forgetKeys()
        random.wipe()
    }

    /// Takes note of a mistake of the caller's.
    mutating func refuse(_ status: Int, _ sentence: StaticString) -> scep_status {
        mistake = sentence
        failure = nil
        return scep_status(status)
    }

    /// Takes note of what failed.
    mutating func fail(_ error: AgentError) -> scep_status {
        failure = error
        mistake = nil
        return error.status
    }
}
