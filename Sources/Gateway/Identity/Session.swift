import Agent
import Board
import DeviceCrypto
import HTTP
import LinuxBoard

/// One run of the agent over the identity in a folder: does what is due or asked for, and lets other programs have what came
/// of it.
struct Session: ~Copyable {
    /// Room for the certificates of the CA and of the next one.
    private typealias GatewayAgent = Agent<GatewayKey, 16_384>

    private let settings: Settings
    let workspace: Workspace
    private let hook: Hook?
    private var agentText: AgentText
    private var agent = GatewayAgent()
    var store: IdentityStore<DirectorySnapshots<IdentityFolder>>
    private let clock = SystemClock()
    private var random: RandomGenerator
    private var transport: GatewayTransport
    private var work = [UInt8](repeating: 0, count: 65_536)
    private var traffic = Traffic()
    private var isOpen = false
    /// What is due next, and when, in seconds since 1970; nil when that is not known.
    private(set) var nextDuty: (goal: Goal, time: Int64)?

    /// Reads all that has to be read before the program becomes another user, and opens the folder.
    ///
    /// - Parameter isReading: whether nothing is going to be changed, and nobody is asked.
    init(_ settings: Settings, isReading: Bool = false) throws(Failure) {
        let hook = try Hook(settings)
        let agentText = try AgentText(settings)
        // What only shows what there is gets by with less.
        if !isReading, let refusal = agentText.refusal(settings) { throw refusal }
        let random = try makeRandom()
        var transport = try GatewayTransport(settings, clock: clock)
        if settings.isSet(.tlsIdentity) { transport.shown = ShownIdentity() }
        unsafe GatewayKey.provider.settings = try KeySettings(settings)
        let workspace = try Workspace.open(settings, isReading: isReading)
        let folder = try workspace.openStore()
        self.settings = settings
        self.hook = hook
        self.agentText = agentText
        self.workspace = workspace
        self.random = random
        self.transport = transport
        store = IdentityStore(DirectorySnapshots(folder))
    }

    /// Seconds since 1970; nil if the machine's clock was not set.
    var now: Int64? { clock.time }

    /// The list that the CA gave, in DER; empty if it gave none.
    var revocationList: [UInt8] { [UInt8](work[agent.revocationList]) }

    /// A record of the store; nil if there is none.
    mutating func bytes(_ record: IdentityStore<DirectorySnapshots<IdentityFolder>>.Record) throws(Failure) -> [UInt8]?
    {
        try open()
        return try store.bytes(of: record)
    }

    mutating func holds(_ record: IdentityStore<DirectorySnapshots<IdentityFolder>>.Record) throws(Failure) -> Bool {
        try open()
        return store.size(of: record) != nil
    }

    /// - Parameters:
    ///   - demand: what is asked for; nil for what is due.
    ///   - waits: whether the program stays for the CA to decide and for another try.
    mutating func run(_ demand: Goal?, waits: Bool, _ progress: inout Progress) throws(Failure) {
        agent.demand = demand
        agent.waits = waits
        var failure: Failure?
        do throws(Failure) {
            try open()
            // An existing key is for a first enrolment: a renewal makes a new one.
            if demand != .enrol, store.size(of: .certificate) != nil {
                unsafe GatewayKey.provider.settings.forgetExistingKey()
            }
            try tryPassphrase()
            // What a cut left undone.
            try publish(&progress)
            try transport.shown?.take(from: &store)
            try lookAfterIdentity(&progress)
        } catch {
            failure = error
        }
        let duty = dutyOfAgent()
        nextDuty = duty
        agentText.wipe()
        random.wipe()
        unsafe GatewayKey.provider.end()
        if failure == nil {
            do throws(Failure) {
                try hook?.runIfDue(workspace, progress)
            } catch {
                failure = error
            }
        }
        try record(failure, progress)
        if let failure { throw failure }
    }

    private mutating func open() throws(Failure) {
        guard !isOpen else { return }
        do throws(StorageError) {
            try store.open()
            isOpen = true
        } catch {
            throw Failure(.storage(error), Span())
        }
    }

    private mutating func publish(_ progress: inout Progress) throws(Failure) {
        try Self.publish(&store, workspace, &progress)
    }

    /// Sees that the passphrase opens the key, before another key is encrypted with it: that one could not be used with
    /// the right one any more.
    private mutating func tryPassphrase() throws(Failure) {
        guard var kept = try store.bytes(of: .privateKey), GatewayKey.isEncrypted(kept.span) else { return }
        defer { kept.wipe() }
        do throws(CryptoError) {
            var key = GatewayKey()
            defer { key.wipe() }
            try key.load(kept.span)
        } catch {
            throw keyFailure(error)
        }
    }

    private static func publish(
        _ store: inout IdentityStore<DirectorySnapshots<IdentityFolder>>, _ workspace: Workspace,
        _ progress: inout Progress
    ) throws(Failure) {
        guard var publication = try Publication(&store), try publication.publish(in: workspace) != nil else { return }
        var line = Text("certificate and key are in ")
        line.append(workspace.path)
        line.append("/current")
        progress.say(line)
        destroyOrphans(store: &store, progress)
    }

    /// Keys on a token that nothing refers to any more would fill it over the years.
    private static func destroyOrphans(
        store: inout IdentityStore<DirectorySnapshots<IdentityFolder>>, _ progress: Progress
    ) {
        do throws(Failure) {
            var kept: [[UInt8]] = []
            let records: [IdentityStore<DirectorySnapshots<IdentityFolder>>.Record] = [
                .privateKey, .transactionKey, .nextPrivateKey,
            ]
            for record in records {
                if let key = try store.bytes(of: record) { kept.append(key) }
            }
            do throws(KeyFailure) {
                _ = try unsafe GatewayKey.provider.destroyOrphans(keeping: kept)
            } catch {
                throw keyFailure(unsafe GatewayKey.provider.failed(error))
            }
        } catch {
            // The certificate is what matters; the next change tries again.
            progress.warn(Text("keys that are over could not be removed from the token: ") + error.message)
        }
    }

    private mutating func lookAfterIdentity(_ progress: inout Progress) throws(Failure) {
        let text = agentText.text
        guard let configuration = try? Configuration(text.span) else { return }
        var clock = clock
        let workspace = workspace
        let hook = hook
        // A run that is soon over tells of all its changes at its end.
        let waits = agent.waits
        let shown = transport.shown
        var failure: Failure?
        var ending: AgentError?
        var work = takeWork()
        defer { self.work = work }
        do {
            var room = work.mutableSpan
            do throws(AgentError) {
                try attend(
                    &agent, configuration: configuration, transport: &transport, clock: &clock, store: &store,
                    log: &progress, random: &random, work: &room, traffic: &traffic
                ) { store, progress in
                    do throws(Failure) {
                        try Self.publish(&store, workspace, &progress)
                        try shown?.take(from: &store)
                        if waits { try hook?.runIfDue(workspace, progress) }
                        failure = nil
                    } catch {
                        progress.complain(error)
                        failure = error
                    }
                }
            } catch {
                ending = error
            }
        }
        if let ending { throw Failure(ending, work.span) }
        if let failure { throw failure }
    }

    /// The work buffer, to be put back: a span of it would hold on to all of this.
    private mutating func takeWork() -> [UInt8] {
        var taken: [UInt8] = []
        swap(&taken, &work)
        return taken
    }

    private func dutyOfAgent() -> (goal: Goal, time: Int64)? {
        guard let configuration = try? Configuration(agentText.text.span) else { return nil }
        return agent.nextDuty(configuration)
    }

    /// Finds out what is due next of what is stored.
    mutating func readDuty() throws(Failure) {
        defer { agentText.wipe() }
        try startAgent()
        let duty = dutyOfAgent()
        nextDuty = duty
    }

    private mutating func startAgent() throws(Failure) {
        let text = agentText.text
        guard let configuration = try? Configuration(text.span) else { return }
        var failure: AgentError?
        var work = takeWork()
        defer { self.work = work }
        do {
            var room = work.mutableSpan
            do throws(AgentError) {
                try agent.start(configuration: configuration, store: &store, work: &room)
            } catch {
                failure = error
            }
        }
        if let failure { throw Failure(failure, work.span) }
    }

    private func record(_ failure: Failure?, _ progress: Progress) throws(Failure) {
        var status = StatusFile()
        status.time = clock.time ?? 0
        status.kind = failure?.kind ?? []
        status.message = failure?.message ?? []
        status.next = progress.next
        do throws(Failure) {
            try status.write(in: workspace)
        } catch {
            // The first failure is the one that matters.
            if failure == nil { throw error }
        }
    }
}
