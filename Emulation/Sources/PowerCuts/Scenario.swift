import Agent
import Authority
import Board
import LibCrypto

/// What happens to a device from some moment of a flow to the flow's end.
struct Scenario<P: Part> {
    let bench: Bench

    struct Outcome {
        var state: SystemState<P>
        /// In order, if they were recorded.
        var cutPoints: [CutPoint<P>] = []
        var exchanges = 0
    }

    /// Takes a device from the factory to the beginning of the flow.
    func begin(_ part: P) throws -> SystemState<P> {
        var state = bench.state(part)
        for step in bench.flow.setUp {
            try begin(step, &state)
            try boot(&state)
        }
        state.isStepBegun = false
        return state
    }

    /// Runs to the end of the flow.
    ///
    /// - Parameters:
    ///   - records: whether the outcome tells where power could have failed.
    ///   - incident: what happens to an exchange, counted from now.
    func run(_ start: SystemState<P>, records: Bool = false, incident: Incident? = nil) throws -> Outcome {
        var outcome = Outcome(state: start)
        var identities = start.identities
        while outcome.state.stepsDone < bench.flow.steps.count {
            if !outcome.state.isStepBegun { try begin(bench.flow.steps[outcome.state.stepsDone], &outcome.state) }
            let left = incident.map {
                Incident(exchange: $0.exchange - outcome.exchanges, interference: $0.interference)
            }
            let step = bench.flow.steps[outcome.state.stepsDone]
            let machine = try boot(&outcome.state, mayGiveUp: step.mayGiveUp, records: records, incident: left)
            for cutPoint in machine.cutPoints ?? [] {
                // What the device had until then it must have from then on.
                var cutPoint = cutPoint
                cutPoint.state.identities = identities
                // If that is not so, a cut before whatever comes here will tell.
                _ = try? look(&cutPoint.state)
                identities = cutPoint.state.identities
                outcome.cutPoints.append(cutPoint)
            }
            identities = outcome.state.identities
            outcome.exchanges += machine.exchanges
            outcome.state.isStepBegun = false
            outcome.state.stepsDone += 1
        }
        return outcome
    }

    private func begin(_ step: Flow.Step, _ state: inout SystemState<P>) throws {
        state.now += step.after * 1000
        try bench.authority.restore(state.authority)
        bench.setClock(state.now)
        try step.act(bench.authority)
        state.authority = bench.authority.snapshot()
        state.isStepBegun = true
    }

    /// Starts the device, and lets it run until nothing is due.
    ///
    /// - Parameter incident: what happens to an exchange; then the device may leave it for another start, an hour later.
    @discardableResult
    private func boot(
        _ state: inout SystemState<P>, mayGiveUp: Bool = false, records: Bool = false,
        incident: Incident? = nil
    ) throws -> Machine<P> {
        bench.log?("start \(state.boots + 1)")
        let machine = try Machine(state, on: bench, records: records, incident: incident)
        let end = Result { () throws(AgentError) in try P.run(machine) }
        state = machine.state
        try look(&state)
        let isHit = incident.map { $0.exchange >= 1 && $0.exchange <= machine.exchanges } ?? false
        if case .failure(let error) = end, !isHit, !mayGiveUp { throw Violation("the device gave up: \(error)") }
        guard isHit else { return machine }
        state.now += 3_600_000
        try boot(&state, mayGiveUp: mayGiveUp)
        return machine
    }

    /// Opens the store as it stands: the device has to have a matching pair if it ever had one, and nothing may have been
    /// used twice that is good for once.
    @discardableResult
    func look(_ state: inout SystemState<P>) throws -> Records {
        try bench.authority.restore(state.authority)
        let records = try open(state)
        try checkLedger()
        try checkPair(records, &state)
        return records
    }

    private func open(_ state: SystemState<P>) throws -> Records {
        let stateHash = state.part.stateHash
        if let known = bench.opened[stateHash] { return known }
        let machine = try Machine(state, on: bench)
        let records: Records
        do throws(StorageError) {
            records = try P.read(machine)
        } catch {
            throw Violation("the store cannot be opened: \(error)")
        }
        guard machine.part.content == state.part.content else { throw Violation("opening the store changed it") }
        bench.remember(records, of: stateHash)
        return records
    }

    private func checkLedger() throws {
        let ledger = bench.authority.ledger
        guard ledger.transactionIDsOfSeveralKeys.isEmpty else {
            throw Violation("a transactionID was used with two keys")
        }
        guard !bench.flow.isPasswordUsedOnce || ledger.challengesOfSeveralTransactions.isEmpty else {
            throw Violation("a one-time password was used in two transactions")
        }
    }

    private func checkPair(_ records: Records, _ state: inout SystemState<P>) throws {
        guard let der = records[2], let kept = records[1] else {
            guard records[1] == nil, records[2] == nil else { throw Violation("half of an identity is stored") }
            guard state.identities.isEmpty else { throw Violation("the device had an identity, and has none") }
            return
        }
        let certificate = try bench.certificate(der)
        guard try isKey(kept, of: certificate) else {
            throw Violation("the stored key is not that of the stored certificate")
        }
        if let next = records[9] {
            guard let kept = records[8], try isKey(kept, of: bench.certificate(next)) else {
                throw Violation("the next identity has another key than its own, or none")
            }
        }
        guard try bench.isIssued(certificate) else {
            throw Violation("the CA knows nothing of the stored certificate")
        }
        guard der != state.identities.last else { return }
        guard !state.identities.contains(der) else {
            throw Violation("the device went back to an identity that it had left")
        }
        state.identities.append(der)
    }

    /// Whether a stored key is the one that `certificate` is for.
    private func isKey(_ kept: [UInt8], of certificate: Certificate) throws -> Bool {
        guard let slot = TokenKey.slot(kept) else { return false }
        return try bench.token.publicKey(of: slot) == certificate.publicKey.der
    }

    /// Checks the end of a flow, and starts the device once more.
    func check(_ end: SystemState<P>, from start: SystemState<P>) throws {
        var state = end
        let records = try look(&state)
        guard let der = state.identities.last else { throw Violation("the device has no identity at the end") }
        guard der != start.identities.last else { throw Violation("the device has its old identity still") }
        for number in [4, 5, 8, 9] as [UInt8] where records[number] != nil {
            throw Violation("record \(number) is left over at the end")
        }
        let certificate = try bench.certificate(der)
        guard bench.isSignedByCA(certificate) else {
            throw Violation("the identity is not from the CA that is in service")
        }
        if let old = start.identities.last {
            let isSame = try bench.certificate(old).publicKey == certificate.publicKey
            guard isSame == bench.flow.keepsKey else {
                throw Violation(isSame ? "the new identity has the old key" : "the key was to be kept, and was not")
            }
        }
        guard !bench.isFinished(end) else { return }
        try boot(&state)
        guard state.part.content == end.part.content else {
            throw Violation("another start, with nothing due, changed the store")
        }
        bench.markFinished(end)
    }
}
