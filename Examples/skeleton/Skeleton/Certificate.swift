import Agent
import Board
import CVendor
import DeviceCrypto

nonisolated(unsafe) private var random = RandomGenerator()
nonisolated(unsafe) private var work = InlineArray<8_192, UInt8>(repeating: 0)

typealias DeviceStore = IdentityStore<NORSnapshots<VendorFlash, 256>>

/// Obtains or renews the device's certificate. What a task of an RTOS, or a firmware's main function, calls.
///
/// - Parameter text: the configuration: lines `name=value`.
/// - Returns: whether nothing is due any more.
public func lookAfterCertificate(_ text: Span<UInt8>) -> Bool {
    var log = VendorLog()
    var workSpan = unsafe work.mutableSpan
    do throws(AgentError) {
        try run(text, &log, &workSpan)
        return true
    } catch {
        logResult(error, work: workSpan.span, log: &log)
        return false
    }
}

private func run(
    _ text: Span<UInt8>, _ log: inout VendorLog, _ work: inout MutableSpan<UInt8>
) throws(AgentError) {
    var entropy = VendorEntropy()
    unsafe random.setAlive({ _ in vendor_feed_watchdog() }, nil)
    unsafe try seed(&random, from: &entropy, personalization: Span())
    let configuration: Configuration
    do throws(ConfigurationError) {
        configuration = try Configuration(text)
    } catch {
        throw .configuration(error)
    }
    // Not static, since its initial value would take as much flash.
    var agent = Agent<SoftwareKey, 3_072>()
    var store = DeviceStore(
        NORSnapshots(
            VendorFlash(origin: 0x8000, sectorCount: 8), capacity: Agent<SoftwareKey, 3_072>.snapshotCapacity))
    var stream = VendorStream()
    var clock = VendorClock()
    var traffic = Traffic()
    unsafe try agent.run(
        configuration: configuration, transport: &stream, clock: &clock, store: &store, log: &log, random: &random,
        work: &work, traffic: &traffic)
    try useCertificate(&store, &work)
}

/// What an application does with what it has now: reads the certificate, and signs with its key.
private func useCertificate(_ store: inout DeviceStore, _ work: inout MutableSpan<UInt8>) throws(AgentError) {
    do throws(StorageError) {
        try store.open()
        // In DER, at the front of the buffer.
        guard let certificate = try store.read(.certificate, into: &work) else { return }
        _ = certificate
        guard let kept = try store.read(.privateKey, into: &work) else { return }
        defer { wipe(&work) }
        try sign(work.span.extracting(first: kept))
    } catch {
        throw .storage(error)
    }
}

/// - Parameter kept: what the store keeps of the key: a secret.
private func sign(_ kept: Span<UInt8>) throws(StorageError) {
    var key = SoftwareKey()
    defer { key.wipe() }
    let digest = Hash.digest(.sha256, of: kept.extracting(first: 0))
    var signature = InlineArray<256, UInt8>(repeating: 0)
    var buffer = signature.mutableSpan
    do throws(CryptoError) {
        try key.load(kept)
        _ = unsafe try key.sign(digest, into: &buffer, random: &random)
    } catch {
        throw .corrupt
    }
}
