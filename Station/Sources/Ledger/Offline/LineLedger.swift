/// What a line asks of its ledger while it works: the ledger itself, or what stands in for it while that is away.
public protocol LineLedger: Sendable {
    func claim(_ serial: String, port: String?, lease: Int, by actor: Actor) throws -> ClaimResult
    @discardableResult
    func extend(_ attempt: Attempt, lease: Int) throws -> Attempt
    @discardableResult
    func record(_ step: AttemptStep, of attempt: Attempt, by actor: Actor) throws -> Attempt
    func lastAttempt(of serial: String) throws -> Attempt?
}

extension Ledger: LineLedger {}
