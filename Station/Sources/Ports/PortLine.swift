import Foundation
import Line

/// All ports of a station, each on a thread of its own.
public final class PortLine: @unchecked Sendable {
    private let ports: [Port]
    private let lock = NSLock()
    private var isStopped = false

    /// - Parameter device: gives what is planned for a serial; nil for one that is not planned. Asked from several threads.
    public init(
        _ station: Station, _ addresses: [PortAddress], device: @escaping @Sendable (String) -> PortDevice?
    ) throws {
        let trust = CATrust()
        ports = try addresses.map { try Port($0, station, trust, device: device) }
    }

    /// Serves the ports until ``stop()``.
    public func run() {
        let group = DispatchGroup()
        for port in ports {
            group.enter()
            nonisolated(unsafe) let port = port
            Thread.detachNewThread { [self] in
                port.run { lock.withLock { isStopped } }
                group.leave()
            }
        }
        group.wait()
    }

    public func stop() { lock.withLock { isStopped = true } }
}
