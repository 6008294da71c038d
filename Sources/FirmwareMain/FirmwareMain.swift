import Agent
import BareMetal
import Board
import CBareMetal
import DeviceCrypto

// What the RAM has space for, in bytes: see the limits in the board's file `board`.

nonisolated(unsafe) private var random = RandomGenerator()
/// The largest message, and the largest reply.
nonisolated(unsafe) private var work = InlineArray<8_192, UInt8>(repeating: 0)
/// The provisioning record's text.
nonisolated(unsafe) private var text = InlineArray<1_536, UInt8>(repeating: 0)
nonisolated(unsafe) private var arena = ArenaMemory(repeating: 0)

/// The agent, with 3 KiB for the certificates of the CA and the next CA.
typealias DeviceAgent = Agent<SoftwareKey, 3_072>

/// Obtains or renews the device's certificate, and says what came of it and what it took.
///
/// - Parameter flash: opens a region of the device's flash; nil where it is not to be had.
public func enrol<Flash: Storage & ~Copyable>(_ flash: (FlashRegion) -> Flash?) -> Never {
    var clock = Uptime()
    var log = makeLog()
    var workSpan = unsafe work.mutableSpan
    var isDone = run(flash, &clock, &log, &workSpan)
    while isWantedAgain(flash, clock, &workSpan) { isDone = run(flash, &clock, &log, &workSpan) }
    Semihosting.exit(isDone ? .success : .failure)
}

/// - Returns: whether nothing is due any more.
@inline(never)
private func run<Flash: Storage & ~Copyable>(
    _ flash: (FlashRegion) -> Flash?, _ clock: inout Uptime, _ log: inout DeviceLog,
    _ workSpan: inout MutableSpan<UInt8>
) -> Bool {
    var traffic = Traffic()
    var failure: AgentError?
    do throws(AgentError) {
        try runAgent(flash, &clock, &log, &workSpan, &traffic)
    } catch {
        failure = error
    }
    let usage = ResourceUsage(
        flash: Memory.flash, ram: Memory.ram, stack: Stack.deepest, arena: Arena.peak)
    report(usage, traffic, uptime: clock.uptime, log: &log)
    logResult(failure, work: workSpan.span, log: &log)
    return failure == nil
}

private func runAgent<Flash: Storage & ~Copyable>(
    _ flash: (FlashRegion) -> Flash?, _ clock: inout Uptime, _ log: inout DeviceLog, _ work: inout MutableSpan<UInt8>,
    _ traffic: inout Traffic
) throws(AgentError) {
    unsafe withUnsafeMutableBytes(of: &arena) { memory in
        unsafe Arena.install(memory.assumingMemoryBound(to: UInt8.self))
    }
    unsafe random.setAlive({ _ in boardAlive() }, nil)
    try seedRandom(flash)
    guard var record = flash(.record), let identity = flash(.identity) else { throw .storage(.failed) }
    unsafe try startNetwork(&random, &log)
    var stream = unsafe try makeStream(&random)
    var textSpan = unsafe text.mutableSpan
    // Not static, since its initial value would take as much flash.
    var agent = DeviceAgent()
    var store = makeStore(identity)
    unsafe try agent.run(
        record: &record, text: &textSpan, transport: &stream, clock: &clock, store: &store, log: &log,
        random: &random, work: &work, traffic: &traffic)
}

@inline(never)
private func seedRandom<Flash: Storage & ~Copyable>(_ flash: (FlashRegion) -> Flash?) throws(AgentError) {
    guard let region = flash(.seed) else { throw .storage(.failed) }
    var entropy = SeedRegion(region)
    let address = deviceAddress()
    unsafe try seed(&random, from: &entropy, personalization: address.span)
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
