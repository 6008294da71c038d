import Agent
import Board
import CLinux
import DeviceCrypto
import LinuxBoard

/// Obtains or renews the certificate as `flash.bin` in the working folder says, keeps the identity in the folder `store`
/// beside it, and says what came of it and what it took.
///
/// - Returns: the exit code: 0 when all that was due is done, 1 when not; an identity that was there is there still.
@c(main) func main() -> Int32 {
    var clock = SystemClock()
    var log = Console()
    var traffic = Traffic()
    // The largest message, and the largest reply.
    var work = InlineArray<65_536, UInt8>(repeating: 0)
    var failure: AgentError?
    do {
        var buffer = work.mutableSpan
        do throws(AgentError) {
            try runAgent(&clock, &log, &buffer, &traffic)
        } catch {
            failure = error
        }
    }
    report(ResourceUsage(), traffic, uptime: clock.uptime, log: &log)
    logResult(failure, work: work.span, log: &log)
    return failure == nil ? 0 : 1
}

private func runAgent(
    _ clock: inout SystemClock, _ log: inout Console, _ work: inout MutableSpan<UInt8>, _ traffic: inout Traffic
) throws(AgentError) {
    Process.protect()
    guard let working = Descriptor(".", O_RDONLY | O_DIRECTORY) else { throw .storage(.failed) }
    defer { working.close() }
    let file: FlashFile
    let folder: IdentityFolder
    do throws(StorageError) {
        file = try FlashFile.open(log: &log)
        folder = try IdentityFolder.open(in: working)
    } catch {
        throw .storage(error)
    }
    var record = NORFlash(file, origin: FlashLayout.recordOrigin, geometry: FlashLayout.record)
    var random = RandomGenerator()
    var entropy = SystemEntropy()
    try seed(&random, from: &entropy, personalization: Span())
    defer { random.wipe() }
    // With 16 KiB for the certificates of the CA and the next CA.
    var agent = Agent<SoftwareKey, 16_384>()
    var store = IdentityStore(DirectorySnapshots(folder))
    var tcp = TCP(clock: clock)
    var text = InlineArray<1_536, UInt8>(repeating: 0)
    var textSpan = text.mutableSpan
    try agent.run(
        record: &record, text: &textSpan, transport: &tcp, clock: &clock, store: &store, log: &log,
        random: &random, work: &work, traffic: &traffic)
}

/// Steps and events are lines, as on any small board.
extension Console: @retroactive AgentLog {}
