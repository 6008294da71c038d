import Agent
import Board
import DeviceCrypto

// What this board's RAM has space for, in bytes: see `budget`.

nonisolated(unsafe) private var random = RandomGenerator()
/// The largest message, and the largest reply.
nonisolated(unsafe) private var work = InlineArray<8_192, UInt8>(repeating: 0)
/// The provisioning record's text.
nonisolated(unsafe) private var text = InlineArray<1_536, UInt8>(repeating: 0)
nonisolated(unsafe) private var arena = ArenaMemory(repeating: 0)

/// Brings the board up, obtains or renews its certificate, and says what came of it and what it took.
func main() -> Never {
    var clock = SysTick()
    var log = UART()
    var traffic = Traffic()
    var failure: AgentError?
    var workSpan = unsafe work.mutableSpan
    do throws(AgentError) {
        try runAgent(&clock, &log, &workSpan, &traffic)
    } catch {
        failure = error
    }
    let usage = ResourceUsage(
        flash: Memory.flash, ram: Memory.ram, stack: Stack.deepest, arena: Arena.peak)
    report(usage, traffic, uptime: clock.uptime, log: &log)
    logResult(failure, work: workSpan.span, log: &log)
    Semihosting.exit(failure == nil ? .success : .failure)
}

private func runAgent(
    _ clock: inout SysTick, _ log: inout UART, _ work: inout MutableSpan<UInt8>, _ traffic: inout Traffic
) throws(AgentError) {
    unsafe withUnsafeMutableBytes(of: &arena) { memory in
        unsafe Arena.install(memory.assumingMemoryBound(to: UInt8.self))
    }
    guard let file = Flash.open() else { throw .storage(.failed) }
    var entropy = SeedRegion(NORFlash(file, origin: FlashLayout.seedOrigin, geometry: FlashLayout.seed))
    var record = NORFlash(file, origin: FlashLayout.recordOrigin, geometry: FlashLayout.record)

    let address = SystemControl.ethernetAddress
    unsafe try seed(&random, from: &entropy, personalization: address.span)
    var line = Line()
    line.append("asking for an address")
    log.write(line: line.span)
    unsafe try Network.start(seed: networkSeed(&random))
    var stream = unsafe try makeStream(&random)
    var textSpan = unsafe text.mutableSpan
    // With 3 KiB for the certificates of the CA and the next CA. Not static, since its initial value would take as much flash.
    var agent = Agent<SoftwareKey, 3_072>()
    let identity = NORFlash(file, origin: FlashLayout.identityOrigin, geometry: FlashLayout.identity)
    var store = IdentityStore(
        NORSnapshots<NORFlash<Semihosting.File>, 256>(
            identity, capacity: Agent<SoftwareKey, 3_072>.snapshotCapacity))
    unsafe try agent.run(
        record: &record, text: &textSpan, transport: &stream, clock: &clock, store: &store, log: &log,
        random: &random, work: &work, traffic: &traffic)
}

private func networkSeed(_ random: inout RandomGenerator) throws(AgentError) -> UInt32 {
    var bytes = InlineArray<4, UInt8>(repeating: 0)
    var buffer = bytes.mutableSpan
    do throws(CryptoError) {
        try random.fill(&buffer)
    } catch {
        throw .entropy(.failed)
    }
    return UInt32(buffer[0]) | UInt32(buffer[1]) << 8 | UInt32(buffer[2]) << 16 | UInt32(buffer[3]) << 24
}
