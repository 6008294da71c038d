import Agent
import Board
import DeviceCrypto
import HTTP
import LinuxBoard
import Output
import SCEP

/// One run of the agent over the identity in a folder: does what is due or asked for, and lets other programs have what came
/// of it.
struct Session: ~Copyable {
    /// Space for the certificates of the CA and of the next one.
    private typealias GatewayAgent = Agent<GatewayKey, 16_384>

    private let settings: Settings
    let workspace: Workspace
    private let hook: Hook?
    private var agentText: AgentText
    private let keys: KeyProvider
    private var agent: GatewayAgent
    var store: IdentityStore<DirectorySnapshots<IdentityFolder>>
    private let clock = SystemClock()
    private var random: RandomGenerator
    private var transport: GatewayTransport
    private var work = Session.makeWork()
    private var traffic = Traffic()
    private var isOpen = false
    /// What is due next, and when, in seconds since 1970; nil when that is not known.
    private(set) var nextAction: (goal: Goal, time: Int64)?

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
        let keys = KeyProvider(try KeySettings(settings))
        if settings.isSet(.tlsIdentity) { transport.shown = ShownIdentity(keys) }
        let workspace = try Workspace.open(settings, isReading: isReading)
        let folder = try workspace.openStore()
        self.settings = settings
        self.hook = hook
        self.agentText = agentText
        self.workspace = workspace
        self.random = random
        self.keys = keys
        agent = GatewayAgent(context: keys)
        self.transport = transport
        store = IdentityStore(DirectorySnapshots(folder))
    }

    /// Seconds since 1970; nil if the machine's clock was not set.
    var now: Int64? { clock.time }

    /// The list that the CA gave, in DER; empty if it gave none.
    var revocationList: [UInt8] { [UInt8](work[agent.revocationList]) }

    /// A record of the store; nil if there is none.
    mutating func bytes(_ record: StoredRecord) throws(Failure) -> [UInt8]? {
        try open()
        return try store.bytes(of: record)
    }

    mutating func holds(_ record: StoredRecord) throws(Failure) -> Bool {
        try open()
        return store.size(of: record) != nil
    }

    /// - Parameters:
    ///   - requestedGoal: what is asked for; nil for what is due.
    ///   - mayWait: whether the program stays for the CA to decide and for another try.
    ///   - defers: whether what failed before is left until its time, as it is for a timer.
    mutating func run(
        _ requestedGoal: Goal?, mayWait: Bool, defers: Bool = false, _ progress: inout Progress
    ) throws(Failure) {
        agent.requestedGoal = requestedGoal
        agent.mayWait = mayWait
        agent.defers = defers
        agent.passwordIsUnavailable = agentText.passwordFailure != nil
        progress.status = StatusFile.read(in: workspace) ?? StatusFile()
        let before = progress.status
        progress.status.next = []
        if mayWait { progress.place = workspace }
        hook?.warnIfMissing(progress)
        var failure: Failure?
        do throws(Failure) {
            try open()
            // An existing key is for a first enrolment: a renewal makes a new one.
            if requestedGoal != .enrol, store.size(of: .certificate) != nil {
                keys.settings.forgetExistingKey()
            }
            try keys.settings.needExistingKey()
            try tryKeys(requestedGoal)
            // What a cut left undone.
            try publish(&progress)
            try transport.shown?.take(from: &store)
            try lookAfterIdentity(&progress)
        } catch {
            failure = error
        }
        let action = nextActionOfAgent()
        nextAction = action
        agentText.wipe()
        random.wipe()
        transport.end()
        keys.end()
        if failure == nil {
            do throws(Failure) {
                try hook?.runIfDue(workspace, progress)
            } catch {
                failure = error
            }
        }
        if let certificate = try? store.bytes(of: .certificate), progress.status.isRevoked(certificate) {
            progress.warn(Text("the CA said that this certificate is revoked; scep enroll --again asks for a new one"))
        }
        if let pending = failure, pending.exit == .pending { failure = explained(pending, progress.status) }
        // What failed before, and is left until its time, has still failed.
        if agent.deferredUntil > 0, failure == nil {
            progress.status = before
            sayDeferral(progress)
            return
        }
        try record(failure, &progress)
        if let failure { throw failure }
    }

    private func sayDeferral(_ progress: Progress) {
        var line = Text("the last try failed: the next one is due at ")
        line.append(time: agent.deferredUntil)
        line.append("; scep enroll or scep renew tries at once")
        progress.say(line)
    }

    private mutating func open() throws(Failure) {
        guard !isOpen else { return }
        do throws(StorageError) {
            try store.open()
            isOpen = true
        } catch {
            throw Failure(.storage(error), Span(), keys: keys)
        }
    }

    private mutating func publish(_ progress: inout Progress) throws(Failure) {
        try Self.publish(&store, workspace, keys, transport.offered, &progress)
    }

    /// Sees that the keys are where the settings have them, and can be used, before the CA is asked for anything.
    private mutating func tryKeys(_ requestedGoal: Goal?) throws(Failure) {
        let isPending = store.size(of: .transaction) != nil
        let record: StoredRecord = store.size(of: .transactionKey) != nil ? .transactionKey : .privateKey
        guard var kept = try store.bytes(of: record) else { return try tryNewKeys() }
        defer { kept.wipe() }
        // A renewal would leave the new key in another place than the one before, unasked.
        if requestedGoal != .enrol { try sameKind(kept.span) }
        // An agent that finds nothing due has no need of its token.
        if isPending || requestedGoal != nil, keys.settings.token != nil { try tryNewKeys() }
        // A key that is encrypted with another passphrase than the one before could not be used with the right one.
        guard GatewayKey.isEncrypted(kept.span) else { return }
        do throws(CryptoError) {
            var key = GatewayKey(context: keys)
            defer { key.wipe() }
            try key.load(kept.span)
        } catch {
            throw Failure(error, of: keys)
        }
    }

    private func sameKind(_ kept: Span<UInt8>) throws(Failure) {
        switch (GatewayKey.isOnToken(kept), keys.settings.token != nil) {
        case (true, true), (false, false): return
        case (true, false):
            throw Failure(
                .usage, "key-on-token",
                """
                the key is on a token, and no token is set: set pkcs11-module, pkcs11-token and pkcs11-pin-file; \
                scep enroll --again gets a certificate for a new key in a file
                """)
        case (false, true):
            throw Failure(
                .usage, "key-in-file",
                """
                the key is in a file, and a token is set: take pkcs11-module out; \
                scep enroll --again gets a certificate for a new key on the token
                """)
        }
    }

    /// Sees that a new key can be made, or the existing one be read.
    private func tryNewKeys() throws(Failure) {
        do throws(KeyFailure) {
            try keys.check()
        } catch {
            let failure = Failure(keys.failed(error), of: keys)
            guard let named = settings[.pkcs11Token] ?? settings[.existingKey] else { throw failure }
            var message = Text()
            message.append(printable: named.span)
            message.append(": ")
            throw Failure(failure.exit, kind: failure.kind, message: message + failure.message)
        }
    }

    private static func publish(
        _ store: inout IdentityStore<DirectorySnapshots<IdentityFolder>>, _ workspace: Workspace, _ keys: KeyProvider,
        _ offered: OfferedCertificates, _ progress: inout Progress
    ) throws(Failure) {
        let candidates = offered.certificates(in: workspace)
        guard var publishedFiles = try PublishedFiles(&store, keys, offered: candidates) else { return }
        let outcome = try publishedFiles.publish(in: workspace)
        switch outcome {
        case .unchanged: return
        case .withheld:
            return progress.warn(
                Text(
                    "the stored certificates of the CA did not issue the certificate: what is published stays as it is")
            )
        case .mended:
            progress.warn(Text("what is published was not whole any more, and was put there again"))
        case .published:
            let isOnToken = keys.settings.token != nil
            var line = Text(isOnToken ? "the certificate is in " : "certificate and key are in ")
            line.append(workspace.path)
            line.append("/current")
            progress.say(line)
        }
        try offered.keep(publishedFiles.above, in: workspace)
        destroyOrphans(of: keys, store: &store, progress)
    }

    /// Keys on a token that nothing refers to any more would fill it over the years.
    private static func destroyOrphans(
        of keys: KeyProvider, store: inout IdentityStore<DirectorySnapshots<IdentityFolder>>, _ progress: Progress
    ) {
        // Where there is no token, the store has the keys themselves: they are not for reading without need.
        guard keys.settings.token != nil else { return }
        do throws(Failure) {
            var kept: [[UInt8]] = []
            let records: [StoredRecord] = [
                .privateKey, .transactionKey, .nextPrivateKey,
            ]
            for record in records {
                if let key = try store.bytes(of: record) { kept.append(key) }
            }
            do throws(KeyFailure) {
                _ = try keys.destroyOrphans(keeping: kept)
            } catch {
                throw Failure(keys.failed(error), of: keys)
            }
        } catch {
            // The certificate is what matters; the next change tries again.
            progress.warn(Text("keys that have expired could not be removed from the token: ") + error.message)
        }
    }

    private mutating func lookAfterIdentity(_ progress: inout Progress) throws(Failure) {
        let text = agentText.text
        guard let configuration = try? Configuration(text.span) else { return }
        var clock = clock
        let workspace = workspace
        let keys = keys
        let hook = hook
        // A run that is soon over tells of all its changes at its end.
        let mayWait = agent.mayWait
        let shown = transport.shown
        progress.url = settings[.url] ?? []
        progress.keys = keys
        progress.isHeld = store.size(of: .certificate) != nil
        let offered = transport.offered
        var failure: Failure?
        var ending: AgentError?
        var work = takeWork()
        defer { self.work = work }
        do {
            var buffer = work.mutableSpan
            do throws(AgentError) {
                try agent.run(
                    configuration: configuration, transport: &transport, clock: &clock, store: &store,
                    log: &progress, random: &random, work: &buffer, traffic: &traffic
                ) { store, progress in
                    do throws(Failure) {
                        try Self.publish(&store, workspace, keys, offered, &progress)
                        try shown?.take(from: &store)
                        if mayWait { try hook?.runIfDue(workspace, progress) }
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
        if let ending {
            // Why the password that is needed could not be read.
            if ending == .passwordNeeded, let failure = agentText.passwordFailure { throw failure }
            let isHeld = store.size(of: .certificate) != nil && !agent.isEnrolling
            throw Failure(
                ending, work.span, url: progress.url, isHeld: isHeld, knowsCapabilities: agent.knowsCapabilities,
                keys: keys
            ).mentioning(agent.passedOver, after: ending)
        }
        if let failure { throw failure }
    }

    /// A work buffer with space for a CRL of some MiB. The system gives the memory as it is written to, and not before, and
    /// other replies may not be as large: where there is no such list, this costs no more than what is in it.
    private static func makeWork() -> [UInt8] {
        let size = 1 << 23
        return unsafe [UInt8](unsafeUninitializedCapacity: size) { _, count in count = size }
    }

    /// The work buffer, to be put back: a span of it would hold on to all of this.
    private mutating func takeWork() -> [UInt8] {
        var taken: [UInt8] = []
        swap(&taken, &work)
        return taken
    }

    private func nextActionOfAgent() -> (goal: Goal, time: Int64)? {
        guard let configuration = try? Configuration(agentText.text.span) else { return nil }
        return agent.nextAction(configuration)
    }

    /// Finds out what is due next of what is stored.
    mutating func readNextAction() throws(Failure) {
        defer { agentText.wipe() }
        try startAgent()
        let action = nextActionOfAgent()
        nextAction = action
    }

    private mutating func startAgent() throws(Failure) {
        let text = agentText.text
        guard let configuration = try? Configuration(text.span) else { return }
        var failure: AgentError?
        var work = takeWork()
        defer { self.work = work }
        do {
            var buffer = work.mutableSpan
            do throws(AgentError) {
                try agent.start(configuration: configuration, store: &store, work: &buffer)
            } catch {
                failure = error
            }
        }
        if let failure { throw Failure(failure, work.span, keys: keys) }
    }

    /// What the CA's operator has to know to find a request that is pending.
    private func explained(_ pending: Failure, _ status: StatusFile) -> Failure {
        var message = Text("the CA has not decided; have its operator approve the request")
        if !status.transactionID.isEmpty {
            message.append(" ")
            message.append(status.transactionID)
        }
        if let subject = settings[.subject] {
            message.append(" for ")
            message.append(printable: subject.span)
        }
        message.append(", then run: scep poll")
        return Failure(.pending, kind: pending.kind, message: message)
    }

    /// Leaves for `scep status` what came of the run.
    private mutating func record(_ failure: Failure?, _ progress: inout Progress) throws(Failure) {
        progress.status.time = clock.time ?? 0
        progress.status.kind = failure?.kind ?? []
        progress.status.message = failure?.message ?? []
        if store.size(of: .transaction) == nil { progress.status.transactionID = [] }
        do throws(Failure) {
            try progress.status.write(in: workspace)
        } catch {
            // The first failure is the one that matters.
            if failure == nil { throw error }
        }
    }
}
