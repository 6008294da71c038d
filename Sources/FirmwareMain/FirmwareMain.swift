import Agent
import BareMetal
import Board
import CBareMetal
import CFirmwareMain
import DeviceCrypto

nonisolated(unsafe) private var random = RandomGenerator()

/// Obtains or renews the device's certificate, and says what came of it and what it took: on a board without a clock and
/// without a random generator.
///
/// - Parameter flash: opens a region of the device's flash; nil where it is not to be had.
public func enrol<Flash: Storage & ~Copyable>(_ flash: (FlashRegion) -> Flash?) -> Never {
    func entropy() -> SeedRegion<Flash>? {
        guard let region = flash(.seed) else { return nil }
        return SeedRegion(region)
    }
    enrol(flash, clock: Uptime(), entropy: entropy)
}

/// The same with the board's own clock and random generator.
///
/// - Parameters:
///   - flash: opens a region of the device's flash; nil where it is not to be had.
///   - entropy: opens where the random seed comes from; nil where it is not to be had.
public func enrol<Flash: Storage & ~Copyable, DeviceClock: Clock & ~Copyable, Entropy: EntropySource & ~Copyable>(
    _ flash: (FlashRegion) -> Flash?, clock: consuming DeviceClock, entropy: () -> Entropy?
) -> Never {
    var log = makeLog()
    var work = unsafe MutableSpan(_unsafeStart: firmware_work(), count: firmware_work_size())
    var isDone = run(flash, &clock, entropy, &log, &work)
    while isWantedAgain(flash, clock, &work) { isDone = run(flash, &clock, entropy, &log, &work) }
    Semihosting.exit(isDone ? .success : .failure)
}

/// - Returns: whether nothing is due any more.
@inline(never)
private func run<Flash: Storage & ~Copyable, DeviceClock: Clock & ~Copyable, Entropy: EntropySource & ~Copyable>(
    _ flash: (FlashRegion) -> Flash?, _ clock: inout DeviceClock, _ entropy: () -> Entropy?, _ log: inout DeviceLog,
    _ work: inout MutableSpan<UInt8>
) -> Bool {
    var traffic = Traffic()
    var failure: AgentError?
    do throws(AgentError) {
        try runAgent(flash, &clock, entropy, &log, &work, &traffic)
    } catch {
        failure = error
    }
    let usage = ResourceUsage(
        flash: Memory.flash, ram: Memory.ram, stack: Stack.deepest, arena: Arena.peak)
    report(usage, traffic, uptime: clock.uptime, log: &log)
    logResult(failure, work: work.span, log: &log)
    return failure == nil
}

private func runAgent<Flash: Storage & ~Copyable, DeviceClock: Clock & ~Copyable, Entropy: EntropySource & ~Copyable>(
    _ flash: (FlashRegion) -> Flash?, _ clock: inout DeviceClock, _ entropy: () -> Entropy?, _ log: inout DeviceLog,
    _ work: inout MutableSpan<UInt8>, _ traffic: inout Traffic
) throws(AgentError) {
    unsafe Arena.install(UnsafeMutableBufferPointer(start: firmware_arena(), count: firmware_arena_size()))
    unsafe random.setAlive({ _ in boardAlive() }, nil)
    guard var record = flash(.record), let identity = flash(.identity) else { throw .storage(.failed) }
    try seedRandom(entropy)
    unsafe try startNetwork(&random, &log)
    var stream = unsafe try makeStream(&random)
    var text = unsafe MutableSpan(_unsafeStart: firmware_text(), count: firmware_text_size())
    // Not static, since its initial value would take as much flash.
    var agent = DeviceAgent()
    var store = makeStore(identity)
    unsafe try agent.run(
        record: &record, text: &text, transport: &stream, clock: &clock, store: &store, log: &log,
        random: &random, work: &work, traffic: &traffic)
}

@inline(never)
private func seedRandom<Entropy: EntropySource & ~Copyable>(_ entropy: () -> Entropy?) throws(AgentError) {
    guard var source = entropy() else { throw .entropy(.failed) }
    let address = deviceAddress()
    unsafe try seed(&random, from: &source, personalization: address.span)
}

/// Where the device keeps what it is.
func makeStore<Flash: Storage & ~Copyable>(_ region: consuming Flash) -> IdentityStore<NORSnapshots<Flash, 256>> {
    IdentityStore(NORSnapshots(region, capacity: DeviceAgent.snapshotCapacity))
}

/// The six bytes that no other device has.
func deviceAddress() -> InlineArray<6, UInt8> {
    var address = InlineArray<6, UInt8>(repeating: 0)
    var span = address.mutableSpan
    unsafe span.withUnsafeMutableBufferPointer { bytes in
        if let start = bytes.baseAddress { unsafe boardAddress(start) }
    }
    return address
}
