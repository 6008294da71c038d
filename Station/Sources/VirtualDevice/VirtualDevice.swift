import Agent
import Board
import DeviceCrypto
import Foundation
import LinuxBoard
import Relay

/// A device that runs its own client over the relay: a board's `main`, on this machine.
public final class VirtualDevice {
    private typealias Client = Agent<SoftwareKey, 8_192>
    private typealias Relayed = RelayDevice<DescriptorPort, SystemClock>

    private let relay = UnsafeMutablePointer<Relayed>.allocate(capacity: 1)
    private let folder: URL
    private let text: [UInt8]
    private let clock = SystemClock()

    /// - Parameters:
    ///   - folder: where it keeps its identity from one start to the next.
    ///   - configuration: what its factory wrote into it.
    ///   - descriptor: its UART; is not waited for, and stays the caller's.
    public init(serial: String, folder: URL, configuration: String, descriptor: Int32) {
        self.folder = folder
        text = [UInt8](configuration.utf8)
        relay.initialize(
            to: Relayed(
                DescriptorPort(descriptor: descriptor), clock: clock, serial: [UInt8](serial.utf8).span,
                session: .random(in: 0 ... .max)))
    }

    deinit {
        relay.deinitialize(count: 1)
        relay.deallocate()
    }

    /// Powers it up: it enrols, or finds that it is done, and serves the station until that has had enough.
    ///
    /// - Returns: whether the station said that it has had enough.
    public func run(patience seconds: UInt64 = 60) -> Bool {
        guard let working = Descriptor(path: [UInt8]((folder.path + "\0").utf8).span, O_RDONLY | O_DIRECTORY),
            let identity = try? IdentityFolder.open(in: working)
        else { return false }
        defer { working.close() }
        var store = IdentityStore(DirectorySnapshots(identity))
        var log = RelayLog(relay)
        var work = [UInt8](repeating: 0, count: 16_384)
        var span = work.mutableSpan
        _ = relay.pointee.greet(deadline: clock.uptime + 1_000 * seconds)
        while true {
            var failure: AgentError?
            do throws(AgentError) {
                try enrol(&store, &log, &span)
            } catch {
                failure = error
            }
            logResult(failure, work: span.span, log: &log)
            switch relay.pointee.serve(&store, work: &span, deadline: clock.uptime + 1_000 * seconds) {
            case .run?: continue
            case .done?: return true
            case nil: return false
            }
        }
    }

    private func enrol(
        _ store: inout IdentityStore<DirectorySnapshots<IdentityFolder>>,
        _ log: inout RelayLog<DescriptorPort, SystemClock>,
        _ work: inout MutableSpan<UInt8>
    ) throws(AgentError) {
        var random = RandomGenerator()
        var entropy = SystemEntropy()
        try seed(&random, from: &entropy, personalization: Span())
        defer { random.wipe() }
        var (clock, traffic) = (clock, Traffic())
        var transport = RelayTransport(relay)
        var agent = Client()
        let text = text
        let configuration: Configuration
        do throws(ConfigurationError) {
            configuration = try Configuration(text.span)
        } catch {
            throw .configuration(error)
        }
        try agent.run(
            configuration: configuration, transport: &transport, clock: &clock, store: &store, log: &log,
            random: &random,
            work: &work, traffic: &traffic)
    }
}
