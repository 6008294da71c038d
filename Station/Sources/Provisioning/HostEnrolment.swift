import Agent
import Board
import DER
import DeviceCrypto
import Foundation
import HTTP
import Ledger
import LinuxBoard
import Output
import PKIX
import SCEP
import TLS

/// Makes a key for a device and gets it its certificate: the device's own client, run by the station in the device's place.
///
/// What it has is in the work folder in the client's own format, so that a cut at any moment is followed by the same request.
public struct HostEnrolment {
    /// How a run ended.
    public enum Outcome: Equatable {
        case issued
        /// The CA waits for a person; in so many seconds it is asked again.
        case pending(seconds: Int)
        /// It may succeed later.
        case failed(FailureCause)
        /// It would fail again.
        case refused(FailureCause)
    }

    let work: WorkFolder

    public init(_ work: WorkFolder) { self.work = work }

    /// Runs once, without waits.
    ///
    /// - Parameters:
    ///   - configuration: the device's, as text; wiped on return.
    ///   - transactionID: the one that is recorded; nil if none is. If the work folder has neither it nor a certificate, it was lost,
    ///     and nothing is sent: the CA may have issued a certificate already.
    ///   - record: is told what happened, before what depends on it: a request goes out only when its transaction is recorded.
    ///     What it throws ends the run.
    /// - Returns: how it ended, and whether the CA answered; true also where it was not the CA that it failed at.
    /// - Throws: what `record` threw; ``WorkFolderError/full(_:)``.
    public func run(
        serial: String, configuration text: inout [UInt8], continues transactionID: String?,
        record: (AttemptStep) throws -> Void
    ) throws -> (outcome: Outcome, reachedCA: Bool) {
        defer { for index in text.indices { text[index] = 0 } }
        let veto = Veto()
        var traffic = Traffic()
        var log = Observer()
        var buffer = [UInt8](repeating: 0, count: 65_536)
        defer { for index in buffer.indices { buffer[index] = 0 } }
        var failure: AgentError?
        var cause: FailureCause?
        do {
            var span = buffer.mutableSpan
            do throws(AgentError) {
                try runAgent(serial, text.span, transactionID, &span, &traffic, &log, veto, record)
            } catch {
                failure = error
                cause = FailureCause(error, span.span, knowsCapabilities: log.knowsCapabilities)
            }
        }
        switch veto.reason {
        case nil: break
        case is WorkLost: return (.refused(WorkLost.cause), true)
        case let reason?: throw reason
        }
        let reachedCA = traffic.bytesReceived > 0 || failure?.isOfTheStation == true
        if let certificate = log.issued ?? log.current { try record(.issued(certificate)) }
        // No device is to blame, and none would do better: it goes on when there is space.
        if case .storage(.full) = failure { throw WorkFolderError.full(work.url.path) }
        guard let failure, let cause else {
            return log.issued ?? log.current == nil ? (.refused(Self.nothing), reachedCA) : (.issued, reachedCA)
        }
        if case .stillPending = failure {
            try record(.pending)
            return (.pending(seconds: log.seconds ?? 60), reachedCA)
        }
        return (log.isFinal ? .refused(cause) : .failed(cause), reachedCA)
    }

    private static let nothing = FailureCause(
        kind: "no-certificate", sentence: "the client ended without a certificate; this is a defect of the station",
        excludesCertificate: false)

    private func runAgent(
        _ serial: String, _ text: Span<UInt8>, _ transactionID: String?, _ work: inout MutableSpan<UInt8>,
        _ traffic: inout Traffic, _ log: inout Observer, _ veto: Veto, _ record: (AttemptStep) throws -> Void
    ) throws(AgentError) {
        var clock = SystemClock()
        var random = RandomGenerator()
        var entropy = SystemEntropy()
        try seed(&random, from: &entropy, personalization: Span())
        defer { random.wipe() }
        let folder: Descriptor
        do {
            folder = try self.work.open(serial)
        } catch WorkFolderError.full {
            throw .storage(.full)
        } catch {
            throw .storage(.failed)
        }
        defer { folder.close() }
        var store = try Self.openStore(folder)
        let configuration: Configuration
        do throws(ConfigurationError) {
            configuration = try Configuration(text)
        } catch {
            throw .configuration(error)
        }
        var transport = VetoedTransport(try Self.secured(TCP(clock: clock), &random), veto: veto)
        if !transport.trust(pins: configuration.tlsPins, certificate: configuration.tlsAuthority) {
            throw .configuration(ConfigurationError(.badValue, .tlsCA, at: 0))
        }
        var agent = Agent<SoftwareKey, 16_384>()
        agent.mayWait = false
        Self.note(&store, veto, record)
        if let size = store.size(of: .certificate) {
            // It was issued, and that is to be recorded; nothing more is asked for.
            log.current = try Self.certificate(in: &store, size)
            return
        }
        if transactionID != nil, store.size(of: .transaction) == nil { veto.reason = WorkLost() }
        try agent.run(
            configuration: configuration, transport: &transport, clock: &clock, store: &store, log: &log,
            random: &random,
            work: &work, traffic: &traffic
        ) { store, _ in Self.note(&store, veto, record) }
    }

    private static func certificate<S: SnapshotStorage & ~Copyable>(
        in store: inout IdentityStore<S>, _ size: Int
    ) throws(AgentError) -> IssuedRecord? {
        var der = [UInt8](repeating: 0, count: size)
        do throws(StorageError) {
            var span = der.mutableSpan
            _ = try store.read(.certificate, into: &span)
        } catch {
            throw .storage(error)
        }
        return IssuedRecord(der: der)
    }

    private static func openStore(
        _ folder: Descriptor
    ) throws(AgentError) -> IdentityStore<DirectorySnapshots<IdentityFolder>> {
        do throws(StorageError) {
            var store = IdentityStore(DirectorySnapshots(try IdentityFolder.open(in: folder)))
            try store.open()
            return store
        } catch {
            throw .storage(error)
        }
    }

    private static func secured(
        _ tcp: consuming TCP, _ random: inout RandomGenerator
    ) throws(AgentError) -> TLSTransport<TCP> {
        do throws(CryptoError) {
            return try TLSTransport(tcp, trust: ServerTrust(), random: &random)
        } catch {
            throw .entropy(.failed)
        }
    }

    /// Records the key and the transaction that the store has; if that fails, nothing more is sent.
    private static func note<S: SnapshotStorage & ~Copyable>(
        _ store: inout IdentityStore<S>, _ veto: Veto, _ record: (AttemptStep) throws -> Void
    ) {
        guard veto.reason == nil else { return }
        do {
            guard let identifier = try store.transactionID() else { return }
            try record(.key(publicKey: publicKeyDigest(&store), isHere: true))
            try record(.requested(transactionID: String(decoding: identifier.span.array, as: UTF8.self)))
        } catch {
            veto.reason = error
        }
    }

    /// SHA-256 of the SubjectPublicKeyInfo of the key that the transaction is for, hexadecimal.
    private static func publicKeyDigest<S: SnapshotStorage & ~Copyable>(_ store: inout IdentityStore<S>) throws
        -> String
    {
        var bytes = [UInt8](repeating: 0, count: 1_024)
        defer { for index in bytes.indices { bytes[index] = 0 } }
        var key = SoftwareKey()
        defer { key.wipe() }
        let size: Int
        do {
            var span = bytes.mutableSpan
            guard let read = try store.read(.transactionKey, into: &span) else { return "" }
            size = read
        }
        try key.load(bytes.span.extracting(first: size))
        var output = [UInt8](repeating: 0, count: 1_024)
        var span = output.mutableSpan
        var writer = DERWriter(&span, end: span.count)
        try writer.write(publicKeyOf: &key)
        return hexadecimal(Hash.digest(.sha256, of: writer.written).bytes)
    }
}

/// The work folder has nothing of a transaction that was begun.
private struct WorkLost: Error {
    static let cause = FailureCause(
        kind: "work-lost",
        sentence:
            "the station has lost the key of a request that it may have sent: rework the device, and have the CA revoke what it may have issued",
        excludesCertificate: false)
}

/// Takes note of what the agent tells.
private struct Observer: AgentLog {
    var issued: IssuedRecord?
    var current: IssuedRecord?
    var seconds: Int?
    var isFinal = false
    var knowsCapabilities = false

    func write(line: Span<UInt8>) {}
    func logStep(_ step: Step) {}
    func logPassedOver(_ passedOver: PassedOver, _ work: Span<UInt8>) {}

    mutating func logEvent(_ event: borrowing Event, _ work: Span<UInt8>) {
        if let range = event.certificate {
            let certificate = IssuedRecord(der: work.extracting(range).array)
            let isNew = event.outcome == .issued
            if isNew { issued = certificate } else { current = certificate }
        }
        let next = event.next
        if let wait = next.seconds { seconds = wait }
        isFinal = event.outcome == .refused
        knowsCapabilities = event.knowsCapabilities
    }
}

extension FailureCause {
    /// What the client says of an error.
    init(_ error: AgentError, _ work: Span<UInt8>, knowsCapabilities: Bool) {
        let words = error.words(work, knowsCapabilities: knowsCapabilities)
        self.init(
            kind: String(decoding: words.kind, as: UTF8.self),
            sentence: String(decoding: words.sentence, as: UTF8.self),
            excludesCertificate: error.isRefusal)
    }
}

extension AgentError {
    /// Whether it failed before, or beside, the way to the CA.
    fileprivate var isOfTheStation: Bool {
        if case .exchange = self { false } else { true }
    }

    /// Whether the CA said that it issues nothing.
    fileprivate var isRefusal: Bool {
        if case .scep(_, .refused, _) = self { true } else { false }
    }
}

extension Span<UInt8> {
    var array: [UInt8] {
        [UInt8](unsafeUninitializedCapacity: count) { buffer, filled in
            for index in indices { buffer[index] = self[index] }
            filled = count
        }
    }
}
