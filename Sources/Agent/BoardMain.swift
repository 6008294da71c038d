import Board
import Bytes
import DeviceCrypto

// The three parts of a board's `main` that are the same on every board.

/// Seeds the random generator.
///
/// - Parameter personalization: what sets this device apart, such as its Ethernet address; see
///   ``DeviceCrypto/RandomGenerator/seed(_:personalization:)``.
/// - Throws: ``AgentError/entropy(_:)``.
public func seed<E: EntropySource & ~Copyable>(
    _ random: inout RandomGenerator, from source: inout E, personalization: Span<UInt8>
) throws(AgentError) {
    var bytes = InlineArray<64, UInt8>(repeating: 0)
    var buffer = bytes.mutableSpan
    defer { wipe(&buffer) }
    do throws(EntropyError) {
        try source.seed(&buffer)
    } catch {
        throw .entropy(error)
    }
    do throws(CryptoError) {
        try random.seed(buffer.span, personalization: personalization)
    } catch {
        throw .entropy(.failed)
    }
}

extension Agent where Key: ~Copyable {
    /// Obtains or renews the device's certificate as the provisioning record says: see
    /// ``run(configuration:transport:clock:store:log:random:work:traffic:)``.
    ///
    /// - Parameters:
    ///   - record: holds the ``Board/ProvisioningRecord``.
    ///   - text: space for its text, wiped on return, since it holds the password.
    public mutating func run<
        R: Storage & ~Copyable, T: Transport & ~Copyable, C: Clock & ~Copyable, S: SnapshotStorage & ~Copyable,
        L: AgentLog & ~Copyable
    >(
        record: inout R, text: inout MutableSpan<UInt8>, transport: inout T, clock: inout C,
        store: inout IdentityStore<S>, log: inout L, random: inout RandomGenerator, work: inout MutableSpan<UInt8>,
        traffic: inout Traffic
    ) throws(AgentError) {
        defer { wipe(&text) }
        let count: Int
        do throws(ProvisioningError) {
            count = try ProvisioningRecord.read(from: &record, into: &text)
        } catch {
            throw .provisioning(error)
        }
        let configuration: Configuration
        do throws(ConfigurationError) {
            configuration = try Configuration(text.span.extracting(first: count))
        } catch {
            throw .configuration(error)
        }
        if TLSSupport.isAvailable,
            !transport.trust(pins: configuration.tlsPins, certificate: configuration.tlsAuthority)
        {
            throw .configuration(configuration.badTLSTrust)
        }
        try run(
            configuration: configuration, transport: &transport, clock: &clock, store: &store, log: &log,
            random: &random, work: &work, traffic: &traffic)
    }
}

/// What a run took, in bytes; nil for what a board cannot know. Docs/Manufacture.md explains each.
public struct ResourceUsage: Equatable, Sendable {
    public var flash: Int?
    public var ram: Int?
    public var stack: Int?
    public var arena: Int?

    public init(flash: Int? = nil, ram: Int? = nil, stack: Int? = nil, arena: Int? = nil) {
        self.flash = flash
        self.ram = ram
        self.stack = stack
        self.arena = arena
    }
}

/// Writes the line `report …`.
///
/// - Parameter uptime: milliseconds since start-up.
public func report<L: Log & ~Copyable>(_ usage: ResourceUsage, _ traffic: Traffic, uptime: UInt64, log: inout L) {
    var line = Line()
    line.append("report")
    line.append(number: " flash=", usage.flash)
    line.append(number: " ram=", usage.ram)
    line.append(number: " stack=", usage.stack)
    line.append(number: " arena=", usage.arena)
    line.append(number: " messages=", Int(truncatingIfNeeded: traffic.exchanges))
    line.append(number: " sent=", Int(truncatingIfNeeded: traffic.bytesSent))
    line.append(number: " received=", Int(truncatingIfNeeded: traffic.bytesReceived))
    line.append(number: " ms=", Int(truncatingIfNeeded: uptime))
    log.write(line: line.span)
}

extension Line {
    fileprivate mutating func append(number name: StaticString, _ value: Int?) {
        guard let value else { return }
        append(name)
        append(decimal: value)
    }
}
